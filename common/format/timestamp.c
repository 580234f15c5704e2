/* timestamp: a cursor over the text, and the day count of the proleptic Gregorian calendar. */
#include "format/timestamp.h"

#include <stdbool.h>

struct cursor {
    const char *at;
    const char *end;
};

/* Reads exactly `digits` digits; -1 if they are not there. */
static int number(struct cursor *cursor, int digits)
{
    int value = 0;
    while (digits--) {
        if (cursor->at == cursor->end || *cursor->at < '0' || *cursor->at > '9')
            return -1;
        value = value * 10 + (*cursor->at++ - '0');
    }
    return value;
}

static bool accept(struct cursor *cursor, char c)
{
    if (cursor->at == cursor->end || *cursor->at != c)
        return false;
    cursor->at++;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Days from 1970-01-01. Years are counted from March, so that the leap day is the last one of a year. */
static int64_t day_number(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = month > 2 ? month - 3 : month + 9;
    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

static int parse_date(struct cursor *cursor, int64_t *days)
{
    int year = number(cursor, 4);
    if (year < 1 || !accept(cursor, '-'))
        return -1;
    int month = number(cursor, 2);
    if (month < 1 || month > 12 || !accept(cursor, '-'))
        return -1;
    int day = number(cursor, 2);
    if (day < 1 || day > days_in_month(year, month))
        return -1;
    *days = day_number(year, month, day);
    return 0;
}

static int parse_time(struct cursor *cursor, int64_t *seconds)
{
    int hour = number(cursor, 2);
    if (hour < 0 || hour > 23 || !accept(cursor, ':'))
        return -1;
    int minute = number(cursor, 2);
    if (minute < 0 || minute > 59 || !accept(cursor, ':'))
        return -1;
    int second = number(cursor, 2);
    if (second < 0 || second > 59)
        return -1;
    *seconds = (hour * 60LL + minute) * 60 + second;
    return 0;
}

static int parse_fraction(struct cursor *cursor, int64_t *us)
{
    int digits = 0;
    *us = 0;
    if (!accept(cursor, '.'))
        return 0;
    for (int digit; (digit = number(cursor, 1)) >= 0; digits++)
        if (digits < 6)
            *us = *us * 10 + digit;
    for (int scale = digits; scale < 6; scale++)
        *us *= 10;
    return digits >= 1 && digits <= 9 ? 0 : -1;
}

static int parse_offset(struct cursor *cursor, int64_t *seconds)
{
    *seconds = 0;
    if (cursor->at == cursor->end || accept(cursor, 'Z'))
        return 0;
    bool west = accept(cursor, '-');
    if (!west && !accept(cursor, '+'))
        return -1;
    int hours = number(cursor, 2);
    if (hours < 0 || hours > 23 || !accept(cursor, ':'))
        return -1;
    int minutes = number(cursor, 2);
    if (minutes < 0 || minutes > 59)
        return -1;
    *seconds = (hours * 60LL + minutes) * (west ? -60 : 60);
    return 0;
}

int timestamp_parse(const char *text, size_t len, int64_t *us)
{
    struct cursor cursor = {text, text + len};
    int64_t days;
    int64_t seconds;
    int64_t fraction;
    int64_t offset;
    if (parse_date(&cursor, &days))
        return -1;
    if (!accept(&cursor, 'T') && !accept(&cursor, ' '))
        return -1;
    if (parse_time(&cursor, &seconds) || parse_fraction(&cursor, &fraction) || parse_offset(&cursor, &offset))
        return -1;
    if (cursor.at != cursor.end)
        return -1;
    *us = (days * 86400 + seconds - offset) * 1000000 + fraction;
    return 0;
}
