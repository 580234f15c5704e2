/* mhd_library: dlopen and dlsym. ALPINE_MHD_LIBRARY, the name to load, is the one that the build found. */
#include "adapters/mhd_library.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    size_t offset; /* of the pointer in the struct */
} functions[] = {
#define MHD_LIBRARY_ROW(name) {"MHD_" #name, offsetof(struct mhd_library, name)},
    MHD_LIBRARY_FUNCTIONS(MHD_LIBRARY_ROW)
#undef MHD_LIBRARY_ROW
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
