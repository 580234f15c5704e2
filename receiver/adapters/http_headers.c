/* http_headers: RFC 9112, sections 3.2, 5.1 and 6.3. */
#include "adapters/http_headers.h"

#include <ctype.h>
#include <microhttpd.h>
#include <string.h>
#include <strings.h>

struct tally {
    int hosts;
    int lengths;
    int encodings;
    const char *problem;
};

static bool is_token(const char *name)
{
    static const char extra[] = "!#$%&'*+-.^_`|~";
    if (!*name)
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr(extra, *name))
            return false;
    return true;
}

static enum MHD_Result count(void *self, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct tally *tally = self;
    (void)kind;
    if (!is_token(name))
        tally->problem = "a header's name is malformed";
    tally->hosts += !strcasecmp(name, "Host");
    tally->encodings += !strcasecmp(name, "Transfer-Encoding");
    if (!strcasecmp(name, "Content-Length")) {
        tally->lengths++;
        if (!value || !*value || value[strspn(value, "0123456789")])
            tally->problem = "Content-Length is not a number";
    }
    return MHD_YES;
}

struct argument {
    const char *name;
    const char *value;
};

static enum MHD_Result note_argument(void *self, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct argument *argument = self;
    (void)kind;
    if (!strcasecmp(name, argument->name))
        argument->value = argument->value || !value ? "" : value;
    return MHD_YES;
}

/* libmicrohttpd's own look-up knows no difference between "?name" and no argument at all. */
const char *http_headers_argument(struct MHD_Connection *connection, const char *name)
{
    struct argument argument = {.name = name};
    (void)MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, note_argument, &argument);
    return argument.value;
}

const char *http_headers_problem(struct MHD_Connection *connection, bool http_1_1)
{
    struct tally tally = {0};
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, count, &tally);
    if (tally.problem)
        return tally.problem;
    if (tally.lengths > 1)
        return "there is more than one Content-Length";
    if (tally.lengths && tally.encodings)
        return "there are both Content-Length and Transfer-Encoding";
    if (tally.hosts > 1)
        return "there is more than one Host";
    if (http_1_1 && !tally.hosts)
        return "there is no Host";
    return NULL;
}
