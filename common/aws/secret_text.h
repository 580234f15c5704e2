/* secret_text: what a secret's text means for a setting. Pure. */
#ifndef ALPINE_AWS_SECRET_TEXT_H
#define ALPINE_AWS_SECRET_TEXT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/* A text that begins with '{' is a JSON object, and the value one of its members: the one that is called like the
 * setting (ARGO_API_KEY), else the one that is called like the last part of the secret's name (argo-api-key),
 * whatever the case and whether with '-' or '_'; else the only one that is a string. Any other text is the value
 * itself, without line ends at its end. The value is a copy in the arena. Returns -1 if there is none; err never
 * repeats any of the text. */
MUST_CHECK int aws_secret_text_value(const char *text, size_t len, const char *setting_name,
                                     const char *secret_name, struct arena *arena, const char **value,
                                     struct err *err);

#endif
