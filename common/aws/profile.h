/* profile: AWS's files of sections and "name = value" lines (~/.aws/credentials, ~/.aws/config). Works on text
 * alone. */
#ifndef ALPINE_AWS_PROFILE_H
#define ALPINE_AWS_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* How the two files write a profile's section: [x] in credentials, [profile x] in config ([default] in both). */
enum aws_profile_file { AWS_PROFILE_CREDENTIALS, AWS_PROFILE_CONFIG };

struct aws_profile_text {
    enum aws_profile_file file;
    const char *text; /* NUL-terminated */
};

/* True if the file has a section of this profile. */
bool aws_profile_exists(const struct aws_profile_text *text, const char *profile);

/* The value of `name` (lower case) in the profile, a copy in the arena; NULL if it has none, or an empty one. Of
 * several the last one counts. A line that begins with a blank belongs to the setting before it, and is passed. '#'
 * and ';' begin a comment at the beginning of a line, and after a blank. */
const char *aws_profile_value(const struct aws_profile_text *text, const char *profile, const char *name,
                              struct arena *arena);

#endif
