/* mhd_library: libmicrohttpd, loaded when somebody wants pages. Linked as usual it would be loaded into every
 * sender, and would start GnuTLS there, which is nowhere used: 1.5 MB of an idle sender's 12. */
#ifndef ALPINE_SENDER_MHD_LIBRARY_H
#define ALPINE_SENDER_MHD_LIBRARY_H

#include <microhttpd.h>

#include "base/err.h"

/* The functions of it that are used, under their names without MHD_. */
struct mhd_library {
    __typeof__(MHD_start_daemon) *start_daemon;
    __typeof__(MHD_stop_daemon) *stop_daemon;
    __typeof__(MHD_run) *run;
    __typeof__(MHD_get_timeout) *get_timeout;
    __typeof__(MHD_get_daemon_info) *get_daemon_info;
    __typeof__(MHD_get_connection_info) *get_connection_info;
    __typeof__(MHD_create_response_from_buffer) *create_response_from_buffer;
    __typeof__(MHD_add_response_header) *add_response_header;
    __typeof__(MHD_queue_response) *queue_response;
    __typeof__(MHD_destroy_response) *destroy_response;
};

/* Loads it; it stays until the process ends. Returns -1 and the reason in err. */
MUST_CHECK int mhd_library_load(struct mhd_library *library, struct err *err);

#endif
