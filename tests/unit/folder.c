/* folder: see folder.h. */
#include "folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

void folder_make(struct folder *folder)
{
    (void)snprintf(folder->path, sizeof folder->path, "/tmp/alpine-unit-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
}

static int remove_one(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)file;
    (void)kind;
    (void)walk;
    return remove(path);
}

void folder_remove(struct folder *folder)
{
    assert_int_equal(nftw(folder->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *folder_path(struct folder *folder, const char *name)
{
    (void)snprintf(folder->file, sizeof folder->file, "%s/%s", folder->path, name);
    return folder->file;
}

static void put(struct folder *folder, const char *name, int flags, const char *text, size_t len)
{
    int fd = open(folder_path(folder, name), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    assert_true(fd >= 0);
    assert_true(write(fd, text, len) == (ssize_t)len);
    assert_int_equal(close(fd), 0);
}

void folder_write(struct folder *folder, const char *name, const char *text)
{
    put(folder, name, O_TRUNC, text, strlen(text));
}

void folder_append(struct folder *folder, const char *name, const char *text)
{
    put(folder, name, O_APPEND, text, strlen(text));
}

void folder_rename(struct folder *folder, const char *from, const char *to)
{
    char old[PATH_MAX];
    (void)snprintf(old, sizeof old, "%s", folder_path(folder, from));
    assert_int_equal(rename(old, folder_path(folder, to)), 0);
}

void folder_copy(struct folder *folder, const char *from, const char *to)
{
    struct stat file;
    int fd = open(folder_path(folder, from), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &file), 0);
    char *text = malloc((size_t)file.st_size + 1);
    assert_true(read(fd, text, (size_t)file.st_size) == file.st_size);
    assert_int_equal(close(fd), 0);
    put(folder, to, O_TRUNC, text, (size_t)file.st_size);
    free(text);
}

void folder_date(struct folder *folder, const char *name, int64_t seconds)
{
    struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    assert_int_equal(utimensat(AT_FDCWD, folder_path(folder, name), times, 0), 0);
}
