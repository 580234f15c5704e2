/* config_source: the places where a setting's value may stand, in the order in which they are asked: one
 * function each, in the array of config_source.c. */
#ifndef ALPINE_BASE_CONFIG_SOURCE_H
#define ALPINE_BASE_CONFIG_SOURCE_H

#include "base/arena.h"
#include "base/json_doc.h"
#include "base/secret_source.h"
#include "base/setting.h"

struct config_inputs {
    const struct config_option *options;
    size_t option_count;
    const struct json_doc *document; /* config.json; NULL if there is none */
    const char *document_path;
    const struct secret_source *secrets; /* NULL: none is asked */
    struct arena *arena;                 /* owns what is found */
};

struct config_found {
    const char *value;  /* NULL: this source has none */
    const char *origin; /* where, for people */
    /* Why the secrets manager has no value, NULL if it was not asked or has one; and whether that is as it should
     * be (OUTCOME_DONE), may pass (OUTCOME_AGAIN) or needs a person (OUTCOME_HOLD). */
    const char *secrets_said;
    enum outcome secrets_outcome;
    const char *holder; /* the path of the file that it stands in; NULL: in none */
};

/* Asks each source until one has a value. Returns -1 if a source has one that cannot be read. */
MUST_CHECK int config_source_find(const struct config_inputs *inputs, const struct setting *setting,
                                  struct config_found *found, struct err *err);

#endif
