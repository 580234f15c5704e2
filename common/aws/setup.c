/* setup: the variables and files of AWS's own tools, in their order. */
#include "aws/setup.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/profile.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/file.h"

enum { FILE_MAX = 1048576, PATH_SIZE = 4096, MACHINE_FILE_MAX = 4096, TOKEN_FILE_MAX = 16384 };

/* Set but empty is not set. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static const char *first_of(const char *a, const char *b)
{
    return a ? a : b;
}

static bool any_variable(void)
{
    static const char *const names[] = {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (variable(names[i]))
            return true;
    return false;
}

/* --- files ------------------------------------------------------------------------------------------------- */

/* A copy of the file's content in the arena; "" if it cannot be read. */
static const char *content_of(const char *path, size_t limit, struct arena *arena, struct err *err)
{
    struct buf content = {0};
    const char *text = "";
    err_clear(err);
    if (!file_read(path, limit, &content, err) && content.len)
        text = arena_copy(arena, content.data, content.len);
    if (content.data)
        digest_wipe(content.data, content.capacity);
    buf_clear(&content);
    return text ? text : "";
}

/* A file that a variable names must be there; one at its usual place need not. */
static int read_profile_file(const char *name, const char *usual, struct arena *arena, const char **text,
                             struct err *err)
{
    char path[PATH_SIZE];
    struct err reason = {0};
    const char *named = variable(name);
    const char *home = variable("HOME");
    *text = "";
    if (!named && !home)
        return 0;
    if (snprintf(path, sizeof path, "%s%s", named ? named : home, named ? "" : usual) >= (int)sizeof path)
        return err_set(err, "the path of %s is too long", name);
    *text = content_of(path, FILE_MAX, arena, &reason);
    return named && *reason.message ? err_set(err, "%s (%s)", reason.message, name) : 0;
}

struct profile {
    const char *name;
    struct aws_profile_text texts[2]; /* credentials, config */
};

static const char *profile_value(const struct profile *profile, const char *name, struct arena *arena)
{
    const char *value = aws_profile_value(&profile->texts[0], profile->name, name, arena);
    return value ? value : aws_profile_value(&profile->texts[1], profile->name, name, arena);
}

static int open_profile(struct profile *profile, struct arena *arena, struct err *err)
{
    const char *named = variable("AWS_PROFILE");
    profile->name = named ? named : "default";
    profile->texts[0].file = AWS_PROFILE_CREDENTIALS;
    profile->texts[1].file = AWS_PROFILE_CONFIG;
    if (read_profile_file("AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials", arena, &profile->texts[0].text,
                          err) ||
        read_profile_file("AWS_CONFIG_FILE", "/.aws/config", arena, &profile->texts[1].text, err))
        return -1;
    if (named && !aws_profile_exists(&profile->texts[0], named) && !aws_profile_exists(&profile->texts[1], named))
        return err_set(err, "no file has the profile %.100s (AWS_PROFILE)", named);
    return 0;
}

/* --- keys -------------------------------------------------------------------------------------------------- */

static int keys_from_environment(struct aws_keys *keys, struct err *err)
{
    keys->access_key = variable("AWS_ACCESS_KEY_ID");
    keys->secret_key = variable("AWS_SECRET_ACCESS_KEY");
    keys->session_token = variable("AWS_SESSION_TOKEN");
    if (!keys->access_key != !keys->secret_key)
        return err_set(err, "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set");
    return 0;
}

/* Each file for itself: a key of the one and a secret of the other are no pair. */
static int keys_from_profile(struct aws_keys *keys, const struct profile *profile, struct arena *arena,
                             struct err *err)
{
    for (size_t i = 0; i < 2 && !keys->access_key; i++) {
        const struct aws_profile_text *text = &profile->texts[i];
        keys->access_key = aws_profile_value(text, profile->name, "aws_access_key_id", arena);
        keys->secret_key = aws_profile_value(text, profile->name, "aws_secret_access_key", arena);
        keys->session_token = aws_profile_value(text, profile->name, "aws_session_token", arena);
        if (!keys->access_key != !keys->secret_key)
            return err_set(err, "the profile %.100s has only one of aws_access_key_id and aws_secret_access_key",
                           profile->name);
    }
    return 0;
}

/* Better said than passed over: whoever wrote it expects it to work. */
static int refuse_other_ways(const struct profile *profile, struct arena *arena, struct err *err)
{
    static const char *const names[] = {"role_arn", "credential_process", "sso_session", "sso_start_url",
                                        "web_identity_token_file"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (profile_value(profile, names[i], arena))
            return err_set(err, "the profile %.100s asks for %s, which is not supported: give it keys",
                           profile->name, names[i]);
    return 0;
}

/* --- container and instance -------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

/* Plain HTTP is for what does not leave the host: the loopback, and the addresses of ECS and EKS. */
static bool may_be_plain(const char *url)
{
    static const char *const hosts[] = {"localhost",     "127.0.0.1",      "[::1]",
                                        "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    const char *host = url + strlen("http://");
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t len = strlen(hosts[i]);
        if (!begins(host, hosts[i]))
            continue;
        if (host[len] == ':') /* a port; with an '@' behind it it would be a password, and the host another one */
            len += 1 + strspn(host + len + 1, "0123456789");
        if (!host[len] || strchr("/?", host[len]))
            return true;
    }
    return false;
}

static const char *joined(const char *a, const char *b, struct arena *arena)
{
    size_t first = strlen(a), second = strlen(b);
    char *text = arena_alloc(arena, first + second + 1);
    if (!text)
        return NULL;
    (void)snprintf(text, first + second + 1, "%s%s", a, b);
    return text;
}

static int read_container(struct aws_setup *setup, struct arena *arena, struct err *err)
{
    const char *relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *token_file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    if (!relative && !full)
        return 0;
    if (!relative && !begins(full, "https://") && !(begins(full, "http://") && may_be_plain(full)))
        return err_set(err, "AWS_CONTAINER_CREDENTIALS_FULL_URI must begin with https://, or be this host's own");
    setup->container_url = relative ? joined("http://169.254.170.2", relative, arena) : full;
    setup->container_token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (!token_file)
        return 0;
    struct err reason = {0};
    char *token = (char *)(uintptr_t)content_of(token_file, TOKEN_FILE_MAX, arena, &reason);
    if (*reason.message)
        return err_set(err, "%s (AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE)", reason.message);
    if (*token)
        token[strcspn(token, "\r\n")] = '\0';
    setup->container_token = token;
    return 0;
}

/* The maker of the machine, or of its BIOS on the older kind. */
static bool looks_like_ec2(const char *directory, struct arena *arena)
{
    static const struct {
        const char *file, *text;
    } marks[] = {{"sys_vendor", "Amazon EC2"}, {"board_asset_tag", "i-"}, {"bios_version", ".amazon"}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        char path[PATH_SIZE];
        struct err ignored;
        (void)snprintf(path, sizeof path, "%s/%s", directory, marks[i].file);
        const char *text = content_of(path, MACHINE_FILE_MAX, arena, &ignored);
        if (begins(text, marks[i].text) || (marks[i].text[0] == '.' && strstr(text, marks[i].text)))
            return true;
    }
    return false;
}

static void read_metadata(struct aws_setup *setup, const char *machine_directory, struct arena *arena)
{
    const char *disabled = variable("AWS_EC2_METADATA_DISABLED");
    const char *endpoint = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    bool asked = endpoint || variable("AWS_REGION") || variable("AWS_DEFAULT_REGION");
    if ((disabled && !strcasecmp(disabled, "true")) || (!asked && !looks_like_ec2(machine_directory, arena)))
        return;
    setup->metadata_guessed = !asked;
    if (!endpoint)
        endpoint = mode && !strcasecmp(mode, "IPv6") ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
    setup->metadata_url = endpoint;
}

/* ----------------------------------------------------------------------------------------------------------- */

/* It becomes part of a host's name and of the signature. */
static int check_region(const char *region, struct err *err)
{
    size_t len = region ? strlen(region) : 0;
    if (len > 40 || (region && region[strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-")]))
        return err_set(err, "the region is no name such as eu-central-1");
    return 0;
}

int aws_setup_read(struct aws_setup *setup, const char *machine_directory, struct arena *arena, struct err *err)
{
    struct profile profile;
    *setup = (struct aws_setup){.configured = true};
    setup->endpoint = first_of(variable("AWS_ENDPOINT_URL_SECRETS_MANAGER"), variable("AWS_ENDPOINT_URL"));
    setup->ca_file = variable("AWS_CA_BUNDLE");
    if (keys_from_environment(&setup->keys, err) || open_profile(&profile, arena, err))
        return -1;
    setup->region = first_of(variable("AWS_REGION"), variable("AWS_DEFAULT_REGION"));
    if (!setup->region)
        setup->region = profile_value(&profile, "region", arena);
    if (check_region(setup->region, err))
        return -1;
    if (!setup->keys.access_key && keys_from_profile(&setup->keys, &profile, arena, err))
        return -1;
    if (!setup->keys.access_key && refuse_other_ways(&profile, arena, err))
        return -1;
    if (read_container(setup, arena, err))
        return -1;
    read_metadata(setup, machine_directory, arena);
    setup->configured = any_variable() || setup->keys.access_key || setup->metadata_url;
    return 0;
}
