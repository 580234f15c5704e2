/* digest: the only file that knows OpenSSL. */
#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

void digest_sha256(const void *data, size_t len, struct digest *digest)
{
    (void)SHA256(data, len, digest->bytes);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return CRYPTO_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

int digest_random(unsigned char *bytes, size_t len, struct err *err)
{
    if (RAND_bytes(bytes, (int)len) != 1)
        return err_set(err, "the system gave no random bytes");
    return 0;
}

void digest_wipe(void *secret, size_t len)
{
    OPENSSL_cleanse(secret, len);
}
