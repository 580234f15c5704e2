/* http_links: what takes too long is ended, and what may take its time is not. */
#include "support.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/http_links.h"
#include "base/clock.h"

enum { PATIENCE_MS = 10000, LONGER_THAN_A_LOOK_MS = 1200 };

struct scene {
    struct http_links *links;
    struct http_link *link;
    int ours;
    int clients;
    atomic_int stuck;
};

static void write_timeout(void *self, struct buf *answer)
{
    (void)self;
    buf_add_text(answer, "too late");
}

static void on_stuck(void *self, int64_t age_ns)
{
    struct scene *scene = self;
    assert_true(age_ns > 0);
    atomic_fetch_add(&scene->stuck, 1);
}

static int prepare(void **state)
{
    static struct scene scene;
    int ends[2];
    struct http_links_options options = {.header_limit_ns = NS_PER_MS,
                                         .body_limit_ns = NS_PER_MS,
                                         .handling_limit_ns = NS_PER_MS,
                                         .write_timeout = write_timeout,
                                         .on_stuck = on_stuck,
                                         .self = &scene};
    struct err err;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    atomic_store(&scene.stuck, 0);
    scene.ours = ends[0];
    scene.clients = ends[1];
    scene.links = http_links_start(&options, &err);
    assert_non_null(scene.links);
    scene.link = http_link_open(scene.links, scene.ours);
    assert_non_null(scene.link);
    *state = &scene;
    return 0;
}

static int finish(void **state)
{
    struct scene *scene = *state;
    http_link_close(scene->links, scene->link);
    http_links_stop(scene->links);
    (void)close(scene->ours);
    (void)close(scene->clients);
    return 0;
}

/* What the client reads until the end, or within the limit. */
static bool is_told(const struct scene *scene, const char *text, int limit_ms)
{
    char got[64] = "";
    size_t len = 0;
    struct pollfd wait = {.fd = scene->clients, .events = POLLIN};
    while (poll(&wait, 1, limit_ms) > 0) {
        ssize_t more = read(scene->clients, got + len, sizeof got - 1 - len);
        if (more <= 0)
            return !strcmp(got, text);
        len += (size_t)more;
        got[len] = '\0';
    }
    return false;
}

static void a_body_that_never_ends_is_told_so(void **state)
{
    struct scene *scene = *state;
    http_link_reading(scene->link);
    assert_true(is_told(scene, "too late", PATIENCE_MS));
    assert_false(http_link_handling(scene->link));
}

static void an_answer_that_nobody_takes_is_cut_off_without_a_word(void **state)
{
    struct scene *scene = *state;
    http_link_reading(scene->link);
    assert_true(http_link_handling(scene->link));
    http_link_answering(scene->link);
    assert_true(is_told(scene, "", PATIENCE_MS));
    assert_int_equal(atomic_load(&scene->stuck), 0);
}

static void a_request_without_an_answer_is_reported_and_left_alone(void **state)
{
    struct scene *scene = *state;
    http_link_reading(scene->link);
    assert_true(http_link_handling(scene->link));
    for (int i = 0; i < PATIENCE_MS && !atomic_load(&scene->stuck); i++)
        (void)poll(NULL, 0, 1);
    assert_true(atomic_load(&scene->stuck) > 0);
    http_link_answering(scene->link);
    http_link_idle(scene->link);
    int before = atomic_load(&scene->stuck);
    assert_false(is_told(scene, "", LONGER_THAN_A_LOOK_MS));
    assert_true(atomic_load(&scene->stuck) <= before + 1);
}

static void an_idle_one_may_stay(void **state)
{
    struct scene *scene = *state;
    assert_false(is_told(scene, "", LONGER_THAN_A_LOOK_MS));
    for (int i = 0; i < 3; i++) {
        http_link_reading(scene->link);
        assert_true(http_link_handling(scene->link));
        http_link_answering(scene->link);
        http_link_idle(scene->link);
    }
    assert_false(is_told(scene, "", LONGER_THAN_A_LOOK_MS));
    assert_int_equal(atomic_load(&scene->stuck), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_body_that_never_ends_is_told_so),
        TEST(an_answer_that_nobody_takes_is_cut_off_without_a_word),
        TEST(a_request_without_an_answer_is_reported_and_left_alone),
        TEST(an_idle_one_may_stay),
    };
    return cmocka_run_group_tests_name("http_links", tests, NULL, NULL);
}
