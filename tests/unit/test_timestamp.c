/* timestamp: what is a real date and time, and how many microseconds it is. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "format/timestamp.h"

#define SECOND 1000000LL
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static void is(const char *text, int64_t expected)
{
    int64_t us = -1;
    if (timestamp_parse(text, strlen(text), &us))
        fail_msg("refused: %s", text);
    if (us != expected)
        fail_msg("%s: %lld, not %lld", text, (long long)us, (long long)expected);
}

static void refused(const char *text)
{
    int64_t us;
    if (!timestamp_parse(text, strlen(text), &us))
        fail_msg("accepted: %s", text);
}

static void known_moments(void **state)
{
    (void)state;
    is("1970-01-01T00:00:00", 0);
    is("1970-01-01T00:00:00Z", 0);
    is("1969-12-31T23:59:59.999999Z", -1);
    is("2026-11-01T13:30:02.254258+00:00", 1793539802254258);
    is("2000-03-01 00:00:00", 951868800 * SECOND);
    is("0001-01-01T00:00:00Z", -62135596800 * SECOND);
    is("9999-12-31T23:59:59.999999Z", 253402300799999999);
    is("1900-03-01T00:00:00Z", -2203891200 * SECOND);
}

static void every_day_follows_the_last(void **state)
{
    (void)state;
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t expected = -719162 * DAY;
    for (int year = 1; year <= 9999; year++)
        for (int month = 1; month <= 12; month++) {
            int leap = month == 2 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0);
            for (int day = 1; day <= days[month - 1] + leap + 1; day++) {
                char text[32];
                int64_t us = 0;
                int len = snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00", year, month, day);
                int result = timestamp_parse(text, (size_t)len, &us);
                if (result != (day > days[month - 1] + leap ? -1 : 0) || (!result && us != expected))
                    fail_msg("%s", text);
                expected += result ? 0 : DAY;
            }
        }
}

static void leap_days(void **state)
{
    (void)state;
    is("2024-02-29T00:00:00Z", 1709164800 * SECOND);
    is("2000-02-29T00:00:00Z", 951782400 * SECOND);
    refused("2023-02-29T00:00:00Z");
    refused("1900-02-29T00:00:00Z");
    refused("2100-02-29T00:00:00Z");
    refused("2024-02-30T00:00:00Z");
}

static void no_such_date_or_time(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0000-01-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z", "2026-01-01T23:59:60Z", "-001-01-01T00:00:00Z", "+2026-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        refused(texts[i]);
}

static void fractions(void **state)
{
    (void)state;
    is("1970-01-01T00:00:00.1", 100000);
    is("1970-01-01T00:00:00.000001", 1);
    is("1970-01-01T00:00:00.123456", 123456);
    is("1970-01-01T00:00:00.1234567", 123456);
    is("1970-01-01T00:00:00.999999999Z", 999999);
    is("1970-01-01T00:00:00.000000000+00:00", 0);
    refused("1970-01-01T00:00:00.");
    refused("1970-01-01T00:00:00.Z");
    refused("1970-01-01T00:00:00.1234567890");
    refused("1970-01-01T00:00:00,5");
    refused("1970-01-01T00:00:00.-5");
    refused("1970-01-01T00:00:00.5.5");
}

static void offsets(void **state)
{
    (void)state;
    is("1970-01-01T00:00:00+00:00", 0);
    is("1970-01-01T00:00:00-00:00", 0);
    is("1970-01-01T02:00:00+02:00", 0);
    is("1969-12-31T18:30:00-05:30", 0);
    is("1970-01-01T00:00:00.5+14:00", SECOND / 2 - 14 * HOUR);
    is("1970-01-01T00:00:00-23:59", 23 * HOUR + 59 * MINUTE);
    refused("1970-01-01T00:00:00+24:00");
    refused("1970-01-01T00:00:00+00:60");
    refused("1970-01-01T00:00:00+0000");
    refused("1970-01-01T00:00:00+00");
    refused("1970-01-01T00:00:00+0:00");
    refused("1970-01-01T00:00:00+00:00:00");
    refused("1970-01-01T00:00:00+");
    refused("1970-01-01T00:00:00z");
    refused("1970-01-01T00:00:00 Z");
    refused("1970-01-01T00:00:00ZZ");
    refused("1970-01-01T00:00:00+-1:00");
}

static void other_shapes(void **state)
{
    (void)state;
    is("2026-11-01 13:30:02", 1793539802 * SECOND);
    static const char *const texts[] = {
        "",
        "T",
        "2026",
        "2026-11-01",
        "2026-11-01T",
        "2026-11-01T13:30",
        "2026-11-01T13:30Z",
        "2026-11-01t13:30:02",
        "2026-11-01  13:30:02",
        "2026-11-0113:30:02",
        "2026-11-01_13:30:02",
        "2026/11/01T13:30:02",
        "20261101T133002Z",
        "2026-11-1T13:30:02",
        "26-11-01T13:30:02",
        "2026-11-01T13:30:2",
        "2026-11-01T1:30:02",
        " 2026-11-01T13:30:02",
        "2026-11-01T13:30:02 ",
        "2026-11-01T13:30:02x",
        "2026-11-01T13:30:02.254258+00:00x",
        "2026-11-01T13:30:02\n",
        "2026-W44-7T13:30:02",
        "2026-305T13:30:02",
        "+1-01-01T00:00:00",
        "now",
        "2026-11-01T13:30:02+00:00[UTC]",
        "2026-1\xd9\xa1-01T13:30:02",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        refused(texts[i]);
}

static void the_length_counts_not_a_nul(void **state)
{
    (void)state;
    int64_t us = 0;
    assert_int_equal(timestamp_parse("1970-01-01T00:00:01x", 19, &us), 0);
    assert_int_equal(us, SECOND);
    assert_int_equal(timestamp_parse("1970-01-01T00:00:01\0", 20, &us), -1);
    for (size_t len = 0; len < 19; len++)
        assert_int_equal(timestamp_parse("1970-01-01T00:00:01", len, &us), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_moments), cmocka_unit_test(every_day_follows_the_last),
        cmocka_unit_test(leap_days),     cmocka_unit_test(no_such_date_or_time),
        cmocka_unit_test(fractions),     cmocka_unit_test(offsets),
        cmocka_unit_test(other_shapes),  cmocka_unit_test(the_length_counts_not_a_nul),
    };
    return cmocka_run_group_tests_name("timestamp", tests, NULL, NULL);
}
