/* process: what the kernel says of this process. */
#ifndef ALPINE_BASE_PROCESS_H
#define ALPINE_BASE_PROCESS_H

/* What cannot be read is NAN. */
struct process_figures {
    double cpu_s;         /* user and system, of all threads */
    double start_s;       /* Unix time */
    double resident;      /* bytes */
    double address_space; /* bytes */
    double open_fds;
    double max_fds; /* NAN without a limit */
};

/* Reads /proc/self. Any thread. start_s is reckoned from the wall clock each time: who wants it to stay the same
 * keeps the first one. */
void process_read(struct process_figures *figures);

#endif
