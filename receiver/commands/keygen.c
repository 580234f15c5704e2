/* keygen: a new API key. */
#include <stdio.h>

#include "base/digest.h"
#include "base/hex.h"
#include "commands/commands.h"

enum { KEY_BYTES = 32 };

int command_keygen(struct invocation *invocation)
{
    unsigned char bytes[KEY_BYTES];
    char digits[2 * KEY_BYTES + 1];
    struct err err = {0};
    if (digest_random(bytes, sizeof bytes, &err)) {
        log_write(invocation->log, LOG_ERROR, LOG_PLAIN, "No key: %s", err.message);
        return EXIT_FAILED;
    }
    hex_encode(bytes, sizeof bytes, digits);
    (void)printf("%s\n", digits);
    digest_wipe(bytes, sizeof bytes);
    digest_wipe(digits, sizeof digits);
    return EXIT_DONE;
}
