/* digest: the only file that knows OpenSSL.
 *
 * The interface of 1.1, which 3.0 keeps but calls deprecated: the new one looks its algorithm up by name, under a
 * lock, for each digest, and a signal's 250 bytes then take 490 ns instead of 210. */
#define OPENSSL_API_COMPAT 10101
#include "base/digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/random.h>
#include <sys/types.h>

void digest_save_memory(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL); /* without them it works as well */
}

void digest_sha256(const void *data, size_t len, struct digest *digest)
{
    SHA256_CTX context;
    (void)SHA256_Init(&context);
    (void)SHA256_Update(&context, data, len);
    (void)SHA256_Final(digest->bytes, &context);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return CRYPTO_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

int digest_random(unsigned char *bytes, size_t len, struct err *err)
{
    while (len) {
        ssize_t got = getrandom(bytes, len, 0);
        if (got < 0 && errno != EINTR)
            return err_set_errno(err, "the system gave no random bytes");
        bytes += got > 0 ? got : 0;
        len -= got > 0 ? (size_t)got : 0;
    }
    return 0;
}

void digest_wipe(void *secret, size_t len)
{
    OPENSSL_cleanse(secret, len);
}
