/* arena: pieces never move, are aligned, and large ones fit too. */
#include "support.h"

#include <string.h>

#include "base/arena.h"

static void pieces_keep_their_content(void **state)
{
    (void)state;
    struct arena arena = {0};
    char *pieces[500];
    for (size_t i = 0; i < COUNT(pieces); i++) {
        pieces[i] = arena_alloc(&arena, i + 1);
        assert_non_null(pieces[i]);
        assert_true((uintptr_t)pieces[i] % sizeof(void *) == 0);
        memset(pieces[i], (int)(i % 251), i + 1);
    }
    for (size_t i = 0; i < COUNT(pieces); i++)
        for (size_t k = 0; k <= i; k++)
            assert_int_equal((unsigned char)pieces[i][k], i % 251);
    arena_clear(&arena);
}

static void a_piece_larger_than_a_chunk(void **state)
{
    (void)state;
    struct arena arena = {0};
    char *small = arena_copy(&arena, "before", 6);
    char *large = arena_alloc(&arena, 1000000);
    char *after = arena_copy(&arena, "after", 5);
    assert_non_null(large);
    memset(large, 'x', 1000000);
    assert_string_equal(small, "before");
    assert_string_equal(after, "after");
    arena_clear(&arena);
}

static void a_copy_ends_with_nul(void **state)
{
    (void)state;
    struct arena arena = {0};
    char *copy = arena_copy(&arena, "a\0b and more", 3);
    assert_memory_equal(copy, "a\0b\0", 4);
    assert_string_equal(arena_copy(&arena, "", 0), "");
    arena_clear(&arena);
}

static void too_much_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX / 2 + 1));
    assert_non_null(arena_alloc(&arena, 1));
    arena_clear(&arena);
}

static void cleared_it_can_be_used_again(void **state)
{
    (void)state;
    struct arena arena = {0};
    arena_clear(&arena);
    assert_non_null(arena_alloc(&arena, 10));
    arena_clear(&arena);
    assert_null(arena.chunks);
    assert_non_null(arena_alloc(&arena, 10));
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_keep_their_content),    cmocka_unit_test(a_piece_larger_than_a_chunk),
        cmocka_unit_test(a_copy_ends_with_nul),         cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(cleared_it_can_be_used_again),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
