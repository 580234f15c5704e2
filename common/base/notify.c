/* notify: see notify.h. Knows nothing of what the service does. */
#include "base/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define STATUS_INTERVAL_NS (5 * NS_PER_S)
#define WATCHDOG_USEC_MAX  (INT64_MAX / NS_PER_US)

enum { STATUS_SIZE = 256 };

struct notify {
    struct log *log;
    int fd;
    struct sockaddr_un address;
    socklen_t address_len;
    int64_t feed_interval_ns; /* 0: there is no watchdog */
    int64_t feed_ns;          /* when to feed it next */
    int64_t tick_ns;
    int64_t status_ns; /* when another status may be told */
    char status[STATUS_SIZE];
};

/* --- what the environment says ----------------------------------------------------------------------------- */

static int set_address(struct notify *notify, const char *name, struct err *err)
{
    size_t len = strlen(name);
    if (name[0] != '/' && name[0] != '@')
        return err_set(err, "NOTIFY_SOCKET is neither a path nor an abstract name: %s", name);
    if (len < 2 || len >= sizeof notify->address.sun_path)
        return err_set(err, "NOTIFY_SOCKET is no socket's name: %s", name);
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, name, len);
    if (name[0] == '@')
        notify->address.sun_path[0] = '\0';
    /* An abstract name ends with its length, and a path with a NUL. */
    notify->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
    return 0;
}

static int open_socket(struct notify *notify, struct err *err)
{
    struct timeval limit = {.tv_sec = 1};
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (notify->fd < 0 || setsockopt(notify->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit))
        return err_set_errno(err, "cannot make a socket");
    return 0;
}

static int read_number(const char *name, int64_t most, int64_t *number, struct err *err)
{
    const char *text = getenv(name);
    char *end;
    *number = 0;
    if (!text)
        return 0;
    errno = 0;
    *number = strtoll(text, &end, 10);
    if (errno || *end || *number <= 0 || *number > most)
        return err_set(err, "%s is no such number: %s", name, text);
    return 0;
}

/* Half of the time that the manager waits, as sd_watchdog_enabled(3) recommends. */
static int set_watchdog(struct notify *notify, struct err *err)
{
    int64_t usec, pid;
    if (read_number("WATCHDOG_USEC", WATCHDOG_USEC_MAX, &usec, err) ||
        read_number("WATCHDOG_PID", INT32_MAX, &pid, err))
        return -1;
    if (!pid || pid == getpid()) /* otherwise another process is watched */
        notify->feed_interval_ns = usec * NS_PER_US / 2;
    return 0;
}

struct notify *notify_open(struct log *log)
{
    struct err err = {0};
    const char *name = getenv("NOTIFY_SOCKET");
    if (!name || !*name)
        return NULL;
    struct notify *notify = calloc(1, sizeof *notify);
    if (!notify)
        return NULL;
    notify->log = log;
    notify->fd = -1;
    if (set_address(notify, name, &err) || open_socket(notify, &err)) {
        log_write(log, LOG_WARN, LOG_PLAIN, "The service manager is told nothing: %s", err.message);
        notify_close(notify);
        return NULL;
    }
    if (set_watchdog(notify, &err))
        log_write(log, LOG_WARN, LOG_PLAIN, "The service manager's watchdog is not fed: %s", err.message);
    return notify;
}

void notify_close(struct notify *notify)
{
    if (!notify)
        return;
    if (notify->fd >= 0)
        (void)close(notify->fd);
    free(notify);
}

/* --- telling ----------------------------------------------------------------------------------------------- */

/* The address each time: the manager may have made its socket anew. */
static int send_text(const struct notify *notify, const char *text, int flags)
{
    size_t len = strlen(text);
    const struct sockaddr *address = (const struct sockaddr *)&notify->address;
    ssize_t sent;
    do
        sent = sendto(notify->fd, text, len, flags | MSG_NOSIGNAL, address, notify->address_len);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)len ? 0 : -1;
}

void notify_tell(struct notify *notify, enum notify_state state)
{
    static const char *const texts[] = {"READY=1", "RELOADING=1", "STOPPING=1"};
    char text[64];
    struct err err;
    if (!notify)
        return;
    notify->tick_ns = notify->status_ns = 0;
    int len = snprintf(text, sizeof text, "%s", texts[state]);
    if (state == NOTIFY_RELOADING) /* so that the manager can tell this READY from an earlier one */
        (void)snprintf(text + len, sizeof text - (size_t)len, "\nMONOTONIC_USEC=%lld",
                       (long long)(clock_monotonic_ns() / NS_PER_US));
    if (!send_text(notify, text, 0))
        return;
    err_set_errno(&err, "The service manager cannot be told %s", texts[state]);
    log_write(notify->log, LOG_WARN, LOG_PLAIN, "%s", err.message);
}

/* --- ticking ----------------------------------------------------------------------------------------------- */

static void feed(struct notify *notify, int64_t now_ns)
{
    if (notify->feed_interval_ns && now_ns >= notify->feed_ns && !send_text(notify, "WATCHDOG=1", MSG_DONTWAIT))
        notify->feed_ns = now_ns + notify->feed_interval_ns;
}

/* A line's end would begin another message. */
static void copy_line(char line[STATUS_SIZE], const char *text)
{
    (void)snprintf(line, STATUS_SIZE, "%s", text);
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
}

static void tell_status(struct notify *notify, int64_t now_ns, const char *status)
{
    char line[STATUS_SIZE];
    char text[STATUS_SIZE + sizeof "STATUS="];
    copy_line(line, status);
    if (now_ns < notify->status_ns || !strcmp(line, notify->status))
        return;
    (void)snprintf(text, sizeof text, "STATUS=%s", line);
    if (send_text(notify, text, MSG_DONTWAIT))
        return;
    memcpy(notify->status, line, sizeof line);
    notify->status_ns = now_ns + STATUS_INTERVAL_NS;
}

int64_t notify_due(const struct notify *notify)
{
    return notify ? notify->tick_ns : INT64_MAX;
}

void notify_tick(struct notify *notify, int64_t now_ns, bool alive, const char *status)
{
    if (!notify)
        return;
    if (alive)
        feed(notify, now_ns);
    tell_status(notify, now_ns, status);
    notify->tick_ns = now_ns + STATUS_INTERVAL_NS;
    if (!notify->feed_interval_ns)
        return;
    int64_t feed_ns = notify->feed_ns > now_ns ? notify->feed_ns : now_ns + notify->feed_interval_ns;
    if (feed_ns < notify->tick_ns)
        notify->tick_ns = feed_ns;
}
