/* fuzz_timestamp: what is accepted has the shape, is a real moment, and is the moment that the C library
 * finds. */
#include <string.h>
#include <time.h>

#include "format/timestamp.h"
#include "fuzz.h"

/* Whether the text has this shape: 9 stands for a digit, all else for itself. */
static int shaped(const char *text, const char *shape)
{
    for (; *shape; shape++, text++)
        if (*shape == '9' ? *text < '0' || *text > '9' : *text != *shape)
            return 0;
    return 1;
}

static int digits(const char *text, int count)
{
    int value = 0;
    while (count--)
        value = value * 10 + (*text++ - '0');
    return value;
}

static int64_t whole_seconds(const char *text)
{
    struct tm given = {.tm_year = digits(text, 4) - 1900,
                       .tm_mon = digits(text + 5, 2) - 1,
                       .tm_mday = digits(text + 8, 2),
                       .tm_hour = digits(text + 11, 2),
                       .tm_min = digits(text + 14, 2),
                       .tm_sec = digits(text + 17, 2)};
    struct tm real = given;
    time_t seconds = timegm(&real);
    MUST_HOLD(real.tm_year == given.tm_year && real.tm_mon == given.tm_mon && real.tm_mday == given.tm_mday);
    MUST_HOLD(real.tm_hour == given.tm_hour && real.tm_min == given.tm_min && real.tm_sec == given.tm_sec);
    return seconds;
}

static int64_t fraction_us(const char **at)
{
    int64_t us = 0;
    int count = 0;
    if (**at != '.')
        return 0;
    for (++*at; **at >= '0' && **at <= '9'; ++*at)
        if (count++ < 6)
            us = us * 10 + (**at - '0');
    MUST_HOLD(count >= 1 && count <= 9);
    for (; count < 6; count++)
        us *= 10;
    return us;
}

static int64_t offset_seconds(const char **at)
{
    if (!strcmp(*at, "Z"))
        ++*at;
    if (!**at)
        return 0;
    MUST_HOLD(**at == '+' || **at == '-');
    MUST_HOLD(shaped(*at + 1, "99:99"));
    int hours = digits(*at + 1, 2);
    int minutes = digits(*at + 4, 2);
    int64_t seconds = (hours * 60LL + minutes) * (**at == '-' ? -60 : 60);
    MUST_HOLD(hours < 24 && minutes < 60);
    *at += 6;
    return seconds;
}

static void check(const char *text, size_t len, int64_t us)
{
    MUST_HOLD(strlen(text) == len);
    MUST_HOLD(shaped(text, "9999-99-99T99:99:99") || shaped(text, "9999-99-99 99:99:99"));
    const char *at = text + 19;
    int64_t seconds = whole_seconds(text);
    int64_t fraction = fraction_us(&at);
    seconds -= offset_seconds(&at);
    MUST_HOLD(*at == '\0');
    MUST_HOLD(us == seconds * 1000000 + fraction);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t us = 0;
    if (timestamp_parse((const char *)data, size, &us))
        return 0;
    char *text = strndup((const char *)data, size);
    MUST_HOLD(text);
    check(text, size, us);
    free(text);
    return 0;
}
