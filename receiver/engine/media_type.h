/* media_type: what a Content-Type says. Pure. */
#ifndef ALPINE_RECEIVER_MEDIA_TYPE_H
#define ALPINE_RECEIVER_MEDIA_TYPE_H

#include <stdbool.h>

/* Whether a Content-Type (or NULL) is that media type, with no parameter but a charset of UTF-8. */
bool media_type_is(const char *content_type, const char *name);

#endif
