/* folder: a temporary directory with files in it, for tests of what reads and writes real ones. */
#ifndef ALPINE_UNIT_FOLDER_H
#define ALPINE_UNIT_FOLDER_H

#include <limits.h>
#include <stdint.h>

struct folder {
    char path[64];
    char file[PATH_MAX]; /* what folder_path gave last */
};

void folder_make(struct folder *folder);
/* Removes it with everything in it. */
void folder_remove(struct folder *folder);
/* The path of a file in it. Valid until the next call. */
const char *folder_path(struct folder *folder, const char *name);

/* The file holds this text and nothing else; its inode stays, if it is there already. */
void folder_write(struct folder *folder, const char *name, const char *text);
void folder_append(struct folder *folder, const char *name, const char *text);
void folder_rename(struct folder *folder, const char *from, const char *to);
void folder_copy(struct folder *folder, const char *from, const char *to);
/* Sets when the file was written last: tests are faster than a file system's clock. */
void folder_date(struct folder *folder, const char *name, int64_t seconds);

#endif
