/* digest: SHA-256, random bytes and a comparison that takes the same time whatever it finds. */
#ifndef ALPINE_BASE_DIGEST_H
#define ALPINE_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { DIGEST_SIZE = 32, DIGEST_HEX_LEN = 64 };

struct digest {
    unsigned char bytes[DIGEST_SIZE];
};

/* Once, before anything else uses OpenSSL (curl_global_init does): keeps the library's texts of its errors out of
 * memory, which are half a megabyte. libssl's own, that say why a handshake failed, and those about certificates
 * stay. */
void digest_save_memory(void);
/* SHA-256 of len bytes. */
void digest_sha256(const void *data, size_t len, struct digest *digest);
/* True if equal, in a time that depends on nothing. */
bool digest_equal(const struct digest *a, const struct digest *b);
/* Fills bytes from the system's cryptographic generator. */
MUST_CHECK int digest_random(unsigned char *bytes, size_t len, struct err *err);
/* Overwrites a secret before its memory is given back; the compiler cannot drop it. */
void digest_wipe(void *secret, size_t len);

#endif
