/* log_files: see log_files.h. */
#include "adapters/log_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/hex.h"

/* Of the beginning and before the place. Signals have times and ids of their own, so a line's part tells it apart.
 */
enum { MARKED_BYTES = 256, DIGEST_SHOWN = 16 };

/* How often a directory that is being changed is looked at before what was seen last counts. */
enum { LOOKS_MAX = 8 };

struct log_files {
    struct log_files_shut shut;
    char path[PATH_MAX];
    char directory[PATH_MAX];
    char name[NAME_MAX + 1];
};

struct log_files *log_files_new(const char *path, const struct log_files_shut *shut)
{
    struct log_files *files = calloc(1, sizeof *files);
    char copy[PATH_MAX];
    if (!files)
        return NULL;
    files->shut = *shut;
    (void)snprintf(files->path, sizeof files->path, "%s", path);
    (void)snprintf(copy, sizeof copy, "%s", path);
    (void)snprintf(files->name, sizeof files->name, "%s", basename(copy));
    (void)snprintf(copy, sizeof copy, "%s", path);
    (void)snprintf(files->directory, sizeof files->directory, "%s", dirname(copy));
    return files;
}

void log_files_free(struct log_files *files)
{
    free(files);
}

/* --- opening ----------------------------------------------------------------------------------------------- */

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

static bool is_shut(const struct log_files *files, const struct stat *file)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    char path[PATH_MAX + 16];
    struct stat shut;
    for (size_t i = 0; i < LOG_FILES_SHUT_MAX; i++)
        for (size_t k = 0; files->shut.paths[i] && k < sizeof suffixes / sizeof *suffixes; k++) {
            (void)snprintf(path, sizeof path, "%s%s", files->shut.paths[i], suffixes[k]);
            if (!stat(path, &shut) && is_same_file(&shut, file))
                return true;
        }
    return false;
}

/* A regular file that may be opened, or nothing: a FIFO would block, and a directory has no lines. */
static int open_regular(const struct log_files *files, const char *path)
{
    struct stat file;
    if (stat(path, &file))
        return -1;
    if (S_ISREG(file.st_mode) && !is_shut(files, &file))
        return open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    errno = EINVAL;
    return -1;
}

int log_files_open_current(const struct log_files *files, struct err *err)
{
    struct stat file;
    int fd = open_regular(files, files->path);
    if (fd >= 0)
        return fd;
    if (errno != EINVAL || stat(files->path, &file))
        return err_set_errno(err, "%s", files->path);
    return err_set(err, S_ISREG(file.st_mode) ? "%s is a database, and no log" : "%s is no file, and no log",
                   files->path);
}

bool log_files_stat_current(const struct log_files *files, struct stat *now)
{
    return !stat(files->path, now);
}

bool log_files_is_current(const struct log_files *files, int fd)
{
    struct stat now;
    struct stat opened;
    return log_files_stat_current(files, &now) && !fstat(fd, &opened) && is_same_file(&now, &opened);
}

/* --- places ------------------------------------------------------------------------------------------------ */

static int read_at(int fd, char *data, size_t len, int64_t offset)
{
    return pread(fd, data, len, offset) == (ssize_t)len ? 0 : -1;
}

int log_files_place(int fd, int64_t position, struct place *place)
{
    char data[2 * MARKED_BYTES];
    struct stat file;
    struct digest digest;
    char digits[DIGEST_HEX_LEN + 1];
    size_t len = position < MARKED_BYTES ? (size_t)position : MARKED_BYTES;
    if (fstat(fd, &file) || read_at(fd, data, len, 0) || read_at(fd, data + len, len, position - (int64_t)len))
        return -1;
    digest_sha256(data, 2 * len, &digest);
    hex_encode(digest.bytes, DIGEST_SIZE, digits);
    place->position = position;
    (void)snprintf(place->mark, sizeof place->mark, "%" PRIx64 ":%.*s", (uint64_t)file.st_ino, 2 * DIGEST_SHOWN,
                   digits);
    return 0;
}

static uint64_t inode_of(const struct place *place)
{
    return strtoull(place->mark, NULL, 16);
}

static bool same_content(const struct place *a, const struct place *b)
{
    const char *left = strchr(a->mark, ':');
    const char *right = strchr(b->mark, ':');
    return left && right && !strcmp(left, right);
}

bool log_files_holds(int fd, const struct place *place)
{
    struct place here;
    return place->position > 0 && !log_files_place(fd, place->position, &here) && same_content(&here, place);
}

/* --- the files beside it ----------------------------------------------------------------------------------- */

/* Visits the regular files of the log's directory, without opening them. Returns false to end it. */
typedef bool visit_file(void *self, const char *path, const char *name, const struct stat *file);

static void each_file(const struct log_files *files, visit_file *visit, void *self)
{
    DIR *directory = opendir(files->directory);
    const struct dirent *entry;
    bool more = true;
    while (directory && more && (entry = readdir(directory))) {
        char path[PATH_MAX + NAME_MAX + 2];
        struct stat file;
        (void)snprintf(path, sizeof path, "%s/%s", files->directory, entry->d_name);
        if (entry->d_name[0] != '.' && !stat(path, &file) && S_ISREG(file.st_mode))
            more = visit(self, path, entry->d_name, &file);
    }
    if (directory)
        (void)closedir(directory);
}

struct search {
    const struct log_files *files;
    const struct place *place;
    const struct stat *except; /* or NULL */
    bool by_inode;
    int found; /* -1: not yet */
};

static bool try_file(void *self, const char *path, const char *name, const struct stat *file)
{
    struct search *search = self;
    (void)name;
    if (search->except && is_same_file(search->except, file))
        return true;
    if (file->st_size < search->place->position || (search->by_inode && file->st_ino != inode_of(search->place)))
        return true;
    int fd = open_regular(search->files, path);
    if (fd >= 0 && log_files_holds(fd, search->place))
        search->found = fd;
    else if (fd >= 0)
        (void)close(fd);
    return search->found < 0;
}

int log_files_find(const struct log_files *files, const struct place *place, int except)
{
    struct stat excepted;
    struct stat current;
    struct search search = {.files = files, .place = place, .found = -1};
    if (except >= 0 && !fstat(except, &excepted))
        search.except = &excepted;
    if (log_files_stat_current(files, &current))
        (void)try_file(&search, files->path, files->name, &current);
    search.by_inode = true;
    if (search.found < 0)
        each_file(files, try_file, &search);
    search.by_inode = false;
    if (search.found < 0)
        each_file(files, try_file, &search);
    return search.found;
}

/* --- the next one ------------------------------------------------------------------------------------------ */

struct succession {
    const struct log_files *files;
    const struct log_files_read *read;
    struct stat after;
    struct stat best;
    char best_path[PATH_MAX + NAME_MAX + 2]; /* "": none yet */
};

static bool is_older(const struct stat *a, const struct stat *b)
{
    if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
        return a->st_mtim.tv_sec < b->st_mtim.tv_sec;
    return a->st_mtim.tv_nsec < b->st_mtim.tv_nsec;
}

/* signals.log.1, signals.log-20261124; not signals.log.1.gz, whose signals go by the table. */
static bool is_rotated_name(const struct log_files *files, const char *name)
{
    static const char *const packed[] = {".gz", ".xz", ".bz2", ".zst", ".lz4", ".zip"};
    size_t own = strlen(files->name);
    size_t len = strlen(name);
    if (strncmp(name, files->name, own) != 0 || len == own)
        return false;
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
        if (len > strlen(packed[i]) && !strcmp(name + len - strlen(packed[i]), packed[i]))
            return false;
    return true;
}

static bool was_read(const struct log_files_read *read, const struct stat *file)
{
    for (size_t i = 0; i < read->count; i++)
        if (read->inodes[i] == file->st_ino)
            return true;
    return false;
}

/* Of files with the same time those that were read are left out; with too many of them to remember, all are. */
static bool may_follow(const struct succession *succession, const struct stat *file)
{
    if (is_older(&succession->after, file))
        return true;
    bool same_time = !is_older(file, &succession->after) && !is_same_file(file, &succession->after);
    return same_time && succession->read->count < LOG_FILES_READ_MAX && !was_read(succession->read, file);
}

static bool note_successor(void *self, const char *path, const char *name, const struct stat *file)
{
    struct succession *succession = self;
    bool better = !succession->best_path[0] || is_older(file, &succession->best);
    if (is_rotated_name(succession->files, name) && file->st_size && may_follow(succession, file) && better) {
        succession->best = *file;
        (void)snprintf(succession->best_path, sizeof succession->best_path, "%s", path);
    }
    return true;
}

/* A rotation renames one file after the other, and one that is renamed while the directory is read may not be seen:
 * so what two looks agree on counts. False if it cannot be told what comes after. */
static bool look_for_successor(struct succession *succession, int fd)
{
    bool agreed = false;
    if (fstat(fd, &succession->after))
        return false;
    for (int look = 0; look < LOOKS_MAX && !agreed; look++) {
        struct stat before = succession->best;
        bool was_there = succession->best_path[0];
        succession->best_path[0] = '\0';
        each_file(succession->files, note_successor, succession);
        bool is_there = succession->best_path[0];
        agreed = look > 0 && was_there == is_there && (!is_there || is_same_file(&before, &succession->best));
    }
    return true;
}

static bool is_best(const struct succession *succession, int fd)
{
    struct stat opened;
    return fd >= 0 && !fstat(fd, &opened) && is_same_file(&opened, &succession->best);
}

bool log_files_goes_on(const struct log_files *files, int fd, const struct log_files_read *read)
{
    struct succession succession = {.files = files, .read = read};
    struct stat current;
    if (log_files_is_current(files, fd))
        return false;
    if (log_files_stat_current(files, &current) && current.st_size > 0)
        return true;
    return look_for_successor(&succession, fd) && succession.best_path[0];
}

/* The best one, or else the current log; -1 if that was renamed meanwhile, and is another one by now. */
static int open_following(struct succession *succession, int fd, struct err *err)
{
    const struct log_files *files = succession->files;
    bool rotated = look_for_successor(succession, fd) && succession->best_path[0];
    int next = rotated ? open_regular(files, succession->best_path) : log_files_open_current(files, err);
    if (next < 0)
        return -1;
    if (!rotated)
        rotated = look_for_successor(succession, fd) && succession->best_path[0];
    if (!rotated || is_best(succession, next))
        return next;
    (void)close(next);
    return -1;
}

/* A directory that never comes to rest: the current log, and the table brings what that passes over. */
int log_files_open_next(const struct log_files *files, int fd, struct log_files_read *read, struct err *err)
{
    struct succession succession = {.files = files, .read = read};
    struct stat done;
    int next = -1;
    if (!fstat(fd, &done) && read->count < LOG_FILES_READ_MAX)
        read->inodes[read->count++] = done.st_ino;
    for (int look = 0; next < 0 && look < LOOKS_MAX; look++)
        next = open_following(&succession, fd, err);
    return next >= 0 ? next : log_files_open_current(files, err);
}
