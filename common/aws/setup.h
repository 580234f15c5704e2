/* setup: what environment and files say about AWS. Reads them and asks nobody: whether AWS is configured at all is
 * known without waiting. */
#ifndef ALPINE_AWS_SETUP_H
#define ALPINE_AWS_SETUP_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

struct aws_keys {
    const char *access_key; /* NULL: none */
    const char *secret_key;
    const char *session_token; /* NULL: none */
};

struct aws_setup {
    bool configured;             /* something of all this is there */
    struct aws_keys keys;        /* from the environment, else from the profile */
    const char *region;          /* NULL: unknown so far */
    const char *endpoint;        /* instead of Amazon's own; NULL: none */
    const char *ca_file;         /* NULL: the system's certificates */
    const char *container_url;   /* where a container gets its credentials; NULL: it is none */
    const char *container_token; /* what it shows there; NULL: nothing */
    const char *metadata_url;    /* of the instance metadata; NULL: they are not asked */
    bool metadata_guessed;       /* only the machine's looks speak for them, no variable */
};

/* Reads it anew; the texts live as long as the arena. machine_directory is where the kernel tells the machine's
 * maker (AWS_MACHINE_DIRECTORY). On -1 something is set that cannot work, and err says what; configured is true
 * then. */
MUST_CHECK int aws_setup_read(struct aws_setup *setup, const char *machine_directory, struct arena *arena,
                              struct err *err);

#define AWS_MACHINE_DIRECTORY "/sys/class/dmi/id"

#endif
