/* media_type: RFC 9110, section 8.3.1. */
#include "engine/media_type.h"

#include <string.h>
#include <strings.h>

bool media_type_is(const char *content_type, const char *name)
{
    size_t len = strlen(name);
    if (!content_type || strncasecmp(content_type, name, len) != 0)
        return false;
    const char *rest = content_type + len + strspn(content_type + len, " \t");
    if (!*rest)
        return true;
    if (*rest++ != ';')
        return false;
    rest += strspn(rest, " \t");
    return !*rest || !strcasecmp(rest, "charset=utf-8") || !strcasecmp(rest, "charset=\"utf-8\"");
}
