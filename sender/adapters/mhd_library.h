/* mhd_library: libmicrohttpd, loaded when somebody wants pages. Linked as usual it would be loaded into every sender,
 * and would start GnuTLS there, which is nowhere used: 1.5 MB of an idle sender's 12. */
#ifndef ALPINE_SENDER_MHD_LIBRARY_H
#define ALPINE_SENDER_MHD_LIBRARY_H

#include <microhttpd.h>

#include "base/err.h"

/* The functions that status_http uses: X(the name behind MHD_). */
#define MHD_LIBRARY_FUNCTIONS(X)                                                                                   \
    X(start_daemon)                                                                                                \
    X(stop_daemon)                                                                                                 \
    X(run)                                                                                                         \
    X(get_timeout)                                                                                                 \
    X(get_daemon_info)                                                                                             \
    X(get_connection_info)                                                                                         \
    X(create_response_from_buffer)                                                                                 \
    X(add_response_header)                                                                                         \
    X(queue_response)                                                                                              \
    X(destroy_response)

struct mhd_library {
#define MHD_LIBRARY_MEMBER(name) __typeof__(MHD_##name) *name;
    MHD_LIBRARY_FUNCTIONS(MHD_LIBRARY_MEMBER)
#undef MHD_LIBRARY_MEMBER
};

/* Loads it; it stays until the process ends. Returns -1 and the reason in err. */
MUST_CHECK int mhd_library_load(struct mhd_library *library, struct err *err);

#endif
