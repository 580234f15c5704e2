/* keyring: the keys that are set are valid, and nothing that only looks like one. */
#include "support.h"

#include <pthread.h>
#include <string.h>

#include "engine/keyring.h"

static void no_key_no_entry(void **state)
{
    (void)state;
    struct keyring *keyring = keyring_new();
    assert_false(keyring_accepts(keyring, NULL));
    assert_false(keyring_accepts(keyring, ""));
    assert_false(keyring_accepts(keyring, "key"));
    keyring_set(keyring, NULL, NULL);
    assert_false(keyring_accepts(keyring, NULL));
    assert_false(keyring_accepts(keyring, ""));
    keyring_free(keyring);
    keyring_free(NULL);
}

static void exactly_the_key(void **state)
{
    (void)state;
    struct keyring *keyring = keyring_new();
    keyring_set(keyring, "the-key", NULL);
    assert_true(keyring_accepts(keyring, "the-key"));
    static const char *const wrong[] = {"",         "the-ke",    "the-keyy", "The-key", " the-key",
                                        "the-key ", "the-key\n", "he-key",   "the key", "0"};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(keyring_accepts(keyring, wrong[i]));
    assert_false(keyring_accepts(keyring, NULL));
    keyring_free(keyring);
}

static void rotation(void **state)
{
    (void)state;
    struct keyring *keyring = keyring_new();
    keyring_set(keyring, "old", NULL);
    keyring_set(keyring, "old", "new");
    assert_true(keyring_accepts(keyring, "old"));
    assert_true(keyring_accepts(keyring, "new"));
    keyring_set(keyring, "new", NULL);
    assert_false(keyring_accepts(keyring, "old"));
    assert_true(keyring_accepts(keyring, "new"));
    keyring_set(keyring, NULL, "next");
    assert_false(keyring_accepts(keyring, "new"));
    assert_true(keyring_accepts(keyring, "next"));
    keyring_free(keyring);
}

static void a_long_key(void **state)
{
    (void)state;
    char key[10001];
    struct keyring *keyring = keyring_new();
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    keyring_set(keyring, key, NULL);
    assert_true(keyring_accepts(keyring, key));
    key[9999] = 'l';
    assert_false(keyring_accepts(keyring, key));
    keyring_free(keyring);
}

static void *ask(void *keyring)
{
    long accepted = 0;
    for (int i = 0; i < 2000; i++)
        accepted += keyring_accepts(keyring, "stays");
    return (void *)accepted;
}

/* The key that is in both sets is valid at every moment of the change. */
static void changed_while_in_use(void **state)
{
    (void)state;
    struct keyring *keyring = keyring_new();
    pthread_t threads[3];
    keyring_set(keyring, "stays", "old");
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, keyring), 0);
    for (int i = 0; i < 2000; i++)
        keyring_set(keyring, i % 2 ? "stays" : "new", i % 2 ? NULL : "stays");
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *accepted;
        assert_int_equal(pthread_join(threads[i], &accepted), 0);
        assert_int_equal((long)accepted, 2000);
    }
    keyring_free(keyring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_key_no_entry), cmocka_unit_test(exactly_the_key),      cmocka_unit_test(rotation),
        cmocka_unit_test(a_long_key),      cmocka_unit_test(changed_while_in_use),
    };
    return cmocka_run_group_tests_name("keyring", tests, NULL, NULL);
}
