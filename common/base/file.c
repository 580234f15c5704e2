/* file: reads and creates; never deletes. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

/* What comes through a pipe, as from a shell's <(…), comes at once. */
#define PIPE_LIMIT_NS (2 * NS_PER_S)

/* As read(), but of a pipe whose writer is silent until the deadline: ETIMEDOUT. */
static ssize_t read_until(int fd, void *bytes, size_t size, int64_t deadline_ns)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    for (;;) {
        ssize_t n = read(fd, bytes, size);
        if (n >= 0 || (errno != EAGAIN && errno != EINTR))
            return n;
        int64_t left = deadline_ns - clock_monotonic_ns();
        if (left <= 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        (void)poll(&wait, 1, (int)(left / NS_PER_MS) + 1);
    }
}

/* O_NONBLOCK: opening a FIFO would wait for its writer. Of a file it changes nothing. */
int file_read(const char *path, size_t limit, struct buf *content, struct err *err)
{
    int result = -1;
    size_t start = content->len;
    int64_t deadline_ns = clock_monotonic_ns() + PIPE_LIMIT_NS;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set_errno(err, "cannot read %s", path);
    for (;;) {
        if (buf_reserve(content, 4096)) {
            errno = ENOMEM;
            err_set_errno(err, "cannot read %s", path);
            goto out;
        }
        ssize_t n = read_until(fd, content->data + content->len, 4096, deadline_ns);
        if (n < 0) {
            err_set_errno(err, "cannot read %s", path);
            goto out;
        }
        if (n == 0)
            break;
        buf_truncate(content, content->len + (size_t)n);
        if (content->len - start > limit) {
            errno = EFBIG;
            err_set(err, "%s has more than %zu bytes", path, limit);
            goto out;
        }
    }
    result = 0;
out:
    (void)close(fd);
    return result;
}

int file_make_directory(const char *path, unsigned mode, struct err *err)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return err_set(err, "the path %s is too long", path);
    for (char *slash = part[0] ? strchr(part + 1, '/') : NULL; slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, (mode_t)mode) && errno != EEXIST)
            return err_set_errno(err, "cannot create the directory %s", part);
        *slash = '/';
    }
    if (mkdir(part, (mode_t)mode) && errno != EEXIST)
        return err_set_errno(err, "cannot create the directory %s", part);
    return 0;
}
