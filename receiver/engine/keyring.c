/* keyring: compares SHA-256 digests, so that not even a length leaks. */
#include "engine/keyring.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

enum { KEYS = 2 };

struct keyring {
    pthread_mutex_t lock;
    struct digest digests[KEYS];
    bool valid[KEYS];
};

struct keyring *keyring_new(void)
{
    struct keyring *keyring = calloc(1, sizeof *keyring);
    if (keyring)
        (void)pthread_mutex_init(&keyring->lock, NULL);
    return keyring;
}

void keyring_free(struct keyring *keyring)
{
    if (!keyring)
        return;
    (void)pthread_mutex_destroy(&keyring->lock);
    digest_wipe(keyring->digests, sizeof keyring->digests);
    free(keyring);
}

void keyring_set(struct keyring *keyring, const char *key, const char *next)
{
    const char *keys[KEYS] = {key, next};
    (void)pthread_mutex_lock(&keyring->lock);
    for (int i = 0; i < KEYS; i++) {
        keyring->valid[i] = keys[i] != NULL;
        if (keys[i])
            digest_sha256(keys[i], strlen(keys[i]), &keyring->digests[i]);
    }
    (void)pthread_mutex_unlock(&keyring->lock);
}

bool keyring_accepts(struct keyring *keyring, const char *key)
{
    struct digest digest;
    bool accepted = false;
    if (!key)
        return false;
    digest_sha256(key, strlen(key), &digest);
    (void)pthread_mutex_lock(&keyring->lock);
    for (int i = 0; i < KEYS; i++)
        accepted |= digest_equal(&keyring->digests[i], &digest) & keyring->valid[i];
    (void)pthread_mutex_unlock(&keyring->lock);
    return accepted;
}
