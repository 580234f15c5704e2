/* api_key: what an API key may look like, the same on both ends. */
#ifndef ALPINE_BASE_API_KEY_H
#define ALPINE_BASE_API_KEY_H

#include "base/err.h"

enum { API_KEY_MAX = 256 };

/* A rule for settings (base/setting.h). A key goes into a header, so it is visible ASCII; anything else is a
 * mistake in copying it. */
int api_key_check(const char *key, struct err *err);

#endif
