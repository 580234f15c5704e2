/* config_source: the places where a setting's value may stand, in the order in which they are asked. A source of
 * another kind (a secrets manager) is one more function in the array of config_source.c. */
#ifndef ALPINE_BASE_CONFIG_SOURCE_H
#define ALPINE_BASE_CONFIG_SOURCE_H

#include "base/arena.h"
#include "base/json_doc.h"
#include "base/setting.h"

struct config_inputs {
    const struct config_option *options;
    size_t option_count;
    const struct json_doc *document; /* config.json; NULL if there is none */
    const char *document_path;
    struct arena *arena; /* owns what is found */
};

struct config_found {
    const char *value;  /* NULL: this source has none */
    const char *origin; /* where, for people */
};

/* Asks each source until one has a value. Returns -1 if a source has one that cannot be read. */
MUST_CHECK int config_source_find(const struct config_inputs *inputs, const struct setting *setting,
                                  struct config_found *found, struct err *err);

#endif
