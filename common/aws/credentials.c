/* credentials: asks one place after the other. */
#include "aws/credentials.h"

#include <stdio.h>
#include <string.h>

static enum outcome find_keys(const struct aws_metadata *metadata, struct aws_keys *keys, struct err *err)
{
    const struct aws_setup *setup = metadata->setup;
    bool no_role;
    *keys = setup->keys;
    if (keys->access_key)
        return OUTCOME_DONE;
    if (setup->container_url)
        return aws_metadata_container(metadata, keys, err);
    if (!setup->metadata_url) {
        err_set(err, "no credentials: not in the environment, in no profile, from no container");
        return OUTCOME_HOLD;
    }
    enum outcome outcome = aws_metadata_instance(metadata, keys, &no_role, err);
    if (!no_role)
        return outcome;
    err_set(err, "no credentials: not in the environment, in no profile, and this instance has no role");
    return setup->metadata_guessed ? OUTCOME_DONE : OUTCOME_HOLD;
}

static enum outcome find_region(const struct aws_metadata *metadata, const char **region, struct err *err)
{
    *region = metadata->setup->region;
    if (*region)
        return OUTCOME_DONE;
    if (metadata->setup->metadata_url)
        return aws_metadata_region(metadata, region, err);
    err_set(err, "no region: set AWS_REGION, or region in the profile");
    return OUTCOME_HOLD;
}

/* Amazon's parts of the world have domains of their own. */
static const char *domain_of(const char *region)
{
    static const struct {
        const char *prefix, *domain;
    } parts[] = {{"cn-", "amazonaws.com.cn"}, {"us-isob-", "sc2s.sgov.gov"}, {"us-iso-", "c2s.ic.gov"}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strncmp(region, parts[i].prefix, strlen(parts[i].prefix)))
            return parts[i].domain;
    return "amazonaws.com";
}

static const char *endpoint_of(const struct aws_metadata *metadata, const char *region)
{
    char text[160];
    if (metadata->setup->endpoint)
        return metadata->setup->endpoint;
    int len = snprintf(text, sizeof text, "https://secretsmanager.%s.%s/", region, domain_of(region));
    return arena_copy(metadata->arena, text, (size_t)len);
}

enum outcome aws_credentials_find(const struct aws_metadata *metadata, struct aws_credentials *credentials,
                                  struct err *err)
{
    *credentials = (struct aws_credentials){0};
    enum outcome outcome = find_keys(metadata, &credentials->keys, err);
    if (outcome != OUTCOME_DONE || !credentials->keys.access_key)
        return outcome;
    outcome = find_region(metadata, &credentials->region, err);
    if (outcome != OUTCOME_DONE)
        return outcome;
    credentials->endpoint = endpoint_of(metadata, credentials->region);
    if (credentials->endpoint)
        return OUTCOME_DONE;
    err_set(err, "out of memory");
    return OUTCOME_AGAIN;
}
