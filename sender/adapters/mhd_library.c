/* mhd_library: dlopen and dlsym. ALPINE_MHD_LIBRARY, the name to load, is the one that the build found. */
#include "adapters/mhd_library.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    size_t offset; /* of the pointer in the struct */
} functions[] = {
    {"MHD_start_daemon", offsetof(struct mhd_library, start_daemon)},
    {"MHD_stop_daemon", offsetof(struct mhd_library, stop_daemon)},
    {"MHD_run", offsetof(struct mhd_library, run)},
    {"MHD_get_timeout", offsetof(struct mhd_library, get_timeout)},
    {"MHD_get_daemon_info", offsetof(struct mhd_library, get_daemon_info)},
    {"MHD_get_connection_info", offsetof(struct mhd_library, get_connection_info)},
    {"MHD_create_response_from_buffer", offsetof(struct mhd_library, create_response_from_buffer)},
    {"MHD_add_response_header", offsetof(struct mhd_library, add_response_header)},
    {"MHD_queue_response", offsetof(struct mhd_library, queue_response)},
    {"MHD_destroy_response", offsetof(struct mhd_library, destroy_response)},
};

int mhd_library_load(struct mhd_library *library, struct err *err)
{
    void *handle = dlopen(ALPINE_MHD_LIBRARY, RTLD_NOW);
    if (!handle)
        return err_set(err, "cannot load libmicrohttpd: %s", dlerror());
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(handle, functions[i].name);
        if (!function)
            return err_set(err, "libmicrohttpd is another one than expected: %s", dlerror());
        memcpy((char *)library + functions[i].offset, &function, sizeof function);
    }
    return 0;
}
