/* status_json: the figures of `status --json` and of the page /status, under the same names. */
#ifndef ALPINE_SENDER_STATUS_JSON_H
#define ALPINE_SENDER_STATUS_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct status_figures {
    int64_t delivered; /* ever */
    int64_t pending;   /* -1: it cannot be told, nor can the lag */
    int64_t dead;
    int64_t last_success_us; /* wall clock, 0: never */
    double lag_s;            /* 0: nothing waits */
    int64_t position;        /* in Argo's table */
    bool running;
};

/* Appends the members to an object that was begun. */
void status_json_add(struct buf *object, const struct status_figures *figures);

#endif
