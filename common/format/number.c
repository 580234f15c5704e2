/* number: finds the digits, then lays them out.
 *
 * Any decimal of at most 15 significant digits survives decimal -> double -> decimal where doubles have full
 * precision (DBL_DIG), so two of them are never the same double: if the closest decimal of 15 digits reads back
 * as the value, it is the shortest one as soon as its trailing zeros are gone. Otherwise 16, else 17 digits do.
 * Two cases need more care. Subnormals have less precision, so every length is tried, from one digit up. Below a
 * power of two doubles lie twice as dense as above it, so the closest decimal (below) may read back as a
 * neighbour while the next one (above) is still the value: that one is as short, and CPython takes it. */
#include "format/number.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 17 };

/* value = 0.DIGITS × 10^point */
struct decimal {
    char digits[DIGITS_MAX + 1];
    int count;
    int point;
};

static void strip_zeros(struct decimal *decimal)
{
    while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0')
        decimal->count--;
    decimal->digits[decimal->count] = '\0';
}

/* The digits of whole / 10^decimals, without the zeros at the end. */
static void write_digits(uint64_t whole, int decimals, struct decimal *decimal)
{
    char digits[20];
    size_t at = sizeof digits;
    for (; whole % 10 == 0; whole /= 10)
        decimals--;
    for (; whole; whole /= 10)
        digits[--at] = (char)('0' + whole % 10);
    decimal->count = (int)(sizeof digits - at);
    decimal->point = decimal->count - decimals;
    memcpy(decimal->digits, digits + at, sizeof digits - at);
    decimal->digits[decimal->count] = '\0';
}

/* Prices have few decimals. If m / 10^k gives the value for an m of at most 15 digits, then m are the digits:
 * the division of two exact doubles rounds correctly, so the decimal reads back as the value. */
static bool few_decimals(double value, struct decimal *decimal)
{
    static const struct {
        double power;
        int decimals;
    } tries[] = {{1e2, 2}, {1e6, 6}};
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        double scaled = value * tries[i].power;
        uint64_t m = scaled < 1e15 ? (uint64_t)(scaled + 0.5) : 0;
        if (!m || (double)m / tries[i].power != value)
            continue;
        write_digits(m, tries[i].decimals, decimal);
        return true;
    }
    return false;
}

static bool reads_back(const struct decimal *decimal, double value)
{
    char text[NUMBER_SIZE];
    (void)snprintf(text, sizeof text, "0.%se%d", decimal->digits, decimal->point);
    return strtod(text, NULL) == value;
}

static void closest(double value, int count, struct decimal *decimal)
{
    char text[NUMBER_SIZE];
    (void)snprintf(text, sizeof text, "%.*e", count - 1, value);
    decimal->digits[0] = text[0];
    memcpy(decimal->digits + 1, text + 2, (size_t)count - 1);
    decimal->digits[count] = '\0';
    decimal->count = count;
    decimal->point = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
}

static void next_up(struct decimal *decimal)
{
    int i = decimal->count - 1;
    while (i >= 0 && decimal->digits[i] == '9')
        decimal->digits[i--] = '0';
    if (i >= 0) {
        decimal->digits[i]++;
        return;
    }
    decimal->digits[0] = '1';
    decimal->point++;
}

static bool is_power_of_two(double value)
{
    int exponent;
    return frexp(value, &exponent) == 0.5;
}

static void find_digits(double value, struct decimal *decimal)
{
    if (few_decimals(value, decimal))
        return;
    int count = value < DBL_MIN ? 1 : DBL_DIG;
    for (;; count++) {
        closest(value, count, decimal);
        if (count == DIGITS_MAX || reads_back(decimal, value))
            break;
        if (!is_power_of_two(value))
            continue;
        next_up(decimal);
        if (reads_back(decimal, value))
            break;
    }
    strip_zeros(decimal);
}

static size_t lay_out(const struct decimal *decimal, char *text, size_t size)
{
    const char *digits = decimal->digits;
    int count = decimal->count;
    int point = decimal->point;
    int len;
    if (point > 0 && point < count) { /* the usual price; the others may take their time */
        memcpy(text, digits, (size_t)point);
        text[point] = '.';
        memcpy(text + point + 1, digits + point, (size_t)(count - point) + 1);
        return (size_t)count + 1;
    }
    if (point > 16 || point < -3)
        len = snprintf(text, size, "%c%s%se%c%02d", digits[0], count > 1 ? "." : "", digits + 1,
                       point > 0 ? '+' : '-', abs(point - 1));
    else if (point <= 0)
        len = snprintf(text, size, "0.%.*s%s", -point, "000", digits);
    else
        len = snprintf(text, size, "%s%.*s.0", digits, point - count, "0000000000000000");
    return (size_t)len;
}

size_t number_format(double value, char text[NUMBER_SIZE])
{
    struct decimal decimal;
    size_t sign = signbit(value) ? 1 : 0;
    if (sign)
        text[0] = '-';
    if (value == 0) {
        memcpy(text + sign, "0.0", 4);
        return sign + 3;
    }
    find_digits(fabs(value), &decimal);
    return sign + lay_out(&decimal, text + sign, NUMBER_SIZE - sign);
}
