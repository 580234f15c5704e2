/* replay: feeds files to a target, where there is no libFuzzer. */
#include <string.h>

#include "base/file.h"
#include "fuzz.h"

enum { INPUT_MAX = 1048576 };

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct buf content = {0};
        struct err err = {0};
        if (file_read(argv[i], INPUT_MAX, &content, &err)) {
            (void)fprintf(stderr, "%s\n", err.message);
            return EXIT_FAILURE;
        }
        /* A block of exactly that size, so that reading past its end is seen. */
        uint8_t *exact = malloc(content.len ? content.len : 1);
        if (!exact)
            return EXIT_FAILURE;
        (void)fprintf(stderr, "%s\n", argv[i]);
        memcpy(exact, content.data, content.len);
        (void)LLVMFuzzerTestOneInput(exact, content.len);
        free(exact);
        buf_clear(&content);
    }
    (void)printf("%d replayed\n", argc - 1);
    return EXIT_SUCCESS;
}
