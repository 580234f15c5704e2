/* keyring: the API keys that are valid now. Safe from any thread. */
#ifndef ALPINE_RECEIVER_KEYRING_H
#define ALPINE_RECEIVER_KEYRING_H

#include <stdbool.h>

struct keyring;

struct keyring *keyring_new(void);
void keyring_free(struct keyring *keyring);
/* From now on these keys are valid and no others; NULL: no such key. Only digests of them are kept. */
void keyring_set(struct keyring *keyring, const char *key, const char *next);
/* True if the key is valid. The time it takes tells nothing about the keys. NULL never is. */
bool keyring_accepts(struct keyring *keyring, const char *key);

#endif
