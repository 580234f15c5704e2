/* pg_url: asks libpq, and keeps its message, which would quote parts of the url, to itself. What libpq would only
 * find while connecting is looked at here too: a password with a bare '@' or ':' in it ends up in the host or the
 * port, and from there in libpq's messages. */
#include "adapters/pg_url.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_port_list(const char *ports)
{
    for (;;) {
        size_t len = strcspn(ports, ",");
        long port = strtol(ports, NULL, 10);
        if (len && (strspn(ports, "0123456789") != len || port < 1 || port > 65535))
            return false;
        if (!ports[len])
            return true;
        ports += len + 1;
    }
}

static int check_option(const PQconninfoOption *option, struct err *err)
{
    if (!option->val)
        return 0;
    if (!strcmp(option->keyword, "port") && !is_port_list(option->val))
        return err_set(err,
                       "has a port that is no number from 1 to 65535 (special characters in a password must be "
                       "percent-encoded)");
    if (!strcmp(option->keyword, "host") && strchr(option->val, '@'))
        return err_set(err, "has an '@' in the host (in a password it must be written %%40)");
    return 0;
}

int pg_url_check(const char *url, struct err *err)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    int result = options ? 0 : err_set(err, "is no libpq connection string or URI");
    for (const PQconninfoOption *option = options; !result && option && option->keyword; option++)
        result = check_option(option, err);
    PQconninfoFree(options);
    return result;
}

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    for (; options && options->keyword; options++)
        if (!strcmp(options->keyword, keyword))
            return options->val;
    return NULL;
}

void pg_url_each_host(const char *url, pg_url_host *each, void *context)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    const char *addresses = option_value(options, "hostaddr");
    const char *hosts = addresses && *addresses ? NULL : option_value(options, "host");
    while (hosts && *hosts) {
        size_t len = strcspn(hosts, ",");
        char *host = strndup(hosts, len);
        if (host && *host && *host != '/' && *host != '@')
            each(context, host);
        free(host);
        hosts += len + (hosts[len] == ',');
    }
    PQconninfoFree(options);
}
