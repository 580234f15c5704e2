/* clock: reads the system's clocks. */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t clock_monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_wall_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

char *clock_format(int64_t wall_us, char text[CLOCK_TEXT_SIZE])
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm parts = {0};
    char fraction[8];
    (void)gmtime_r(&seconds, &parts);
    (void)strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(fraction, sizeof fraction, ".%03uZ", (unsigned)(wall_us / 1000 % 1000) % 1000U);
    size_t used = strlen(text);
    (void)snprintf(text + used, CLOCK_TEXT_SIZE - used, "%s", fraction);
    return text;
}
