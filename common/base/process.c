/* process: /proc/self/stat and /proc/self/fd (proc(5)). */
#include "base/process.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"

enum { STAT_LIMIT = 4096 };

/* The fields of stat that are read, by their number in proc(5). */
enum { UTIME = 14, STIME = 15, STARTTIME = 22, VSIZE = 23, RSS = 24, FIELDS_END };

/* The second field, the program's name, may hold anything, ')' and blanks included. */
static int read_stat(double fields[FIELDS_END])
{
    struct buf text = {0};
    int field = 2;
    if (!file_read("/proc/self/stat", STAT_LIMIT, &text, NULL)) {
        const char *rest = text.len ? strrchr(text.data, ')') : NULL;
        for (rest = rest ? strchr(rest, ' ') : NULL; rest && ++field < FIELDS_END; rest = strchr(rest + 1, ' '))
            fields[field] = (double)strtoull(rest, NULL, 10);
    }
    buf_clear(&text);
    return field == FIELDS_END ? 0 : -1;
}

static double seconds_since_boot(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_BOOTTIME, &now) ? NAN : (double)now.tv_sec + (double)now.tv_nsec / NS_PER_S;
}

static double count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    double count = -1; /* the folder's own descriptor */
    if (!folder)
        return NAN;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    (void)closedir(folder);
    return count;
}

void process_read(struct process_figures *figures)
{
    double fields[FIELDS_END];
    struct rlimit limit;
    double ticks = (double)sysconf(_SC_CLK_TCK);
    *figures = (struct process_figures){NAN, NAN, NAN, NAN, count_fds(), NAN};
    if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur != RLIM_INFINITY)
        figures->max_fds = (double)limit.rlim_cur;
    if (read_stat(fields))
        return;
    figures->cpu_s = (fields[UTIME] + fields[STIME]) / ticks;
    figures->start_s = (double)clock_wall_us() / 1e6 - (seconds_since_boot() - fields[STARTTIME] / ticks);
    figures->resident = fields[RSS] * (double)sysconf(_SC_PAGESIZE);
    figures->address_space = fields[VSIZE];
}
