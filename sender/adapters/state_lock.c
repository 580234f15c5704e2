/* state_lock: fcntl on the file `lock`. */
#include "adapters/state_lock.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int lock_path(const char *directory, char path[PATH_MAX])
{
    return snprintf(path, PATH_MAX, "%s/lock", directory) < PATH_MAX ? 0 : -1;
}

static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

static pid_t owner_of(int fd)
{
    struct flock lock = whole_file();
    return !fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

int state_lock_take(const char *directory, pid_t *owner, struct err *err)
{
    char path[PATH_MAX];
    struct flock lock = whole_file();
    *owner = 0;
    if (lock_path(directory, path))
        return err_set(err, "the path %s is too long", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set_errno(err, "cannot open %s", path);
    if (!fcntl(fd, F_SETLK, &lock))
        return fd;
    *owner = owner_of(fd);
    (void)close(fd);
    return err_set(err, "another alpine-sender (pid %ld) has the state directory %s", (long)*owner, directory);
}

bool state_lock_is_in_place(const char *directory, int fd)
{
    char path[PATH_MAX];
    struct stat locked;
    struct stat there;
    return !lock_path(directory, path) && !fstat(fd, &locked) && !stat(path, &there) &&
           locked.st_ino == there.st_ino && locked.st_dev == there.st_dev;
}

pid_t state_lock_owner(const char *directory)
{
    char path[PATH_MAX];
    int fd = lock_path(directory, path) ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return 0;
    pid_t owner = owner_of(fd);
    (void)close(fd);
    return owner;
}
