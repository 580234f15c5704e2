/* api_key: looks at each character; never repeats any. */
#include "base/api_key.h"

#include <string.h>

int api_key_check(const char *key, struct err *err)
{
    if (strlen(key) > API_KEY_MAX)
        return err_set(err, "must have at most %d characters", API_KEY_MAX);
    for (const char *at = key; *at; at++)
        if (*at <= ' ' || *at > '~')
            return err_set(err, "must be printable ASCII without spaces");
    return 0;
}
