/* acceptor: as many connections as may be open, the next one when one is closed, and none after a stop. */
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "adapters/acceptor.h"

enum { PATIENCE_MS = 10000, A_WHILE_MS = 100, OPEN_MAX = 2, CLIENTS = 4 };

struct scene {
    struct acceptor *acceptor;
    struct sockaddr_un address;
    socklen_t address_len;
    int taken[2]; /* a pipe: one byte for each connection that was taken */
    atomic_int fds[CLIENTS];
    atomic_int count;
};

static void take(void *self, int fd, const struct sockaddr *address, socklen_t address_len)
{
    struct scene *scene = self;
    (void)address;
    (void)address_len;
    atomic_store(&scene->fds[atomic_fetch_add(&scene->count, 1)], fd);
    assert_int_equal(write(scene->taken[1], "", 1), 1);
}

/* A socket with a name of the kernel's choice, so that tests do not meet. */
static int listening(struct scene *scene)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_un any = {.sun_family = AF_UNIX};
    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any.sun_family), 0);
    scene->address_len = sizeof scene->address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&scene->address, &scene->address_len), 0);
    assert_int_equal(listen(fd, CLIENTS), 0);
    return fd;
}

static int prepare(void **state)
{
    static struct scene scene;
    struct err err;
    memset(&scene, 0, sizeof scene);
    assert_int_equal(pipe(scene.taken), 0);
    struct acceptor_options options = {
        .listen_fd = listening(&scene), .open_max = OPEN_MAX, .take = take, .self = &scene};
    scene.acceptor = acceptor_new(&options, &err);
    assert_non_null(scene.acceptor);
    assert_int_equal(acceptor_start(scene.acceptor, &err), 0);
    *state = &scene;
    return 0;
}

static int finish(void **state)
{
    struct scene *scene = *state;
    acceptor_free(scene->acceptor);
    for (int i = 0; i < atomic_load(&scene->count); i++)
        (void)close(atomic_load(&scene->fds[i]));
    (void)close(scene->taken[0]);
    (void)close(scene->taken[1]);
    return 0;
}

static bool one_is_taken(struct scene *scene, int patience_ms)
{
    char byte;
    struct pollfd pipe = {.fd = scene->taken[0], .events = POLLIN};
    return poll(&pipe, 1, patience_ms) == 1 && read(scene->taken[0], &byte, 1) == 1;
}

static int come(struct scene *scene)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int failed = connect(fd, (struct sockaddr *)&scene->address, scene->address_len);
    if (!failed)
        return fd;
    failed = errno;
    (void)close(fd);
    errno = failed;
    return -1;
}

static void test_what_is_closed_makes_room_for_one(void **state)
{
    struct scene *scene = *state;
    int clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = come(scene);
    assert_true(one_is_taken(scene, PATIENCE_MS));
    assert_true(one_is_taken(scene, PATIENCE_MS));
    assert_false(one_is_taken(scene, A_WHILE_MS));
    acceptor_closed(scene->acceptor);
    assert_true(one_is_taken(scene, PATIENCE_MS));
    assert_false(one_is_taken(scene, A_WHILE_MS));
    acceptor_closed(scene->acceptor);
    assert_true(one_is_taken(scene, PATIENCE_MS));
    for (int i = 0; i < CLIENTS; i++)
        (void)close(clients[i]);
}

static void test_after_a_stop_none_is_let_in(void **state)
{
    struct scene *scene = *state;
    acceptor_stop(scene->acceptor);
    assert_int_equal(come(scene), -1);
    assert_int_equal(errno, ECONNREFUSED);
    acceptor_stop(scene->acceptor);
}

static void test_a_stop_does_not_wait_for_room(void **state)
{
    struct scene *scene = *state;
    int clients[OPEN_MAX];
    for (int i = 0; i < OPEN_MAX; i++)
        clients[i] = come(scene);
    assert_true(one_is_taken(scene, PATIENCE_MS));
    assert_true(one_is_taken(scene, PATIENCE_MS));
    acceptor_stop(scene->acceptor);
    for (int i = 0; i < OPEN_MAX; i++)
        (void)close(clients[i]);
}

static void test_one_that_never_started_is_freed(void **state)
{
    struct acceptor_options options = {.listen_fd = -1, .open_max = 1, .take = take, .self = *state};
    struct err err;
    struct acceptor *acceptor = acceptor_new(&options, &err);
    assert_non_null(acceptor);
    acceptor_free(acceptor);
    acceptor_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_closed_makes_room_for_one, prepare, finish),
        cmocka_unit_test_setup_teardown(test_after_a_stop_none_is_let_in, prepare, finish),
        cmocka_unit_test_setup_teardown(test_a_stop_does_not_wait_for_room, prepare, finish),
        cmocka_unit_test_setup_teardown(test_one_that_never_started_is_freed, prepare, finish),
    };
    return cmocka_run_group_tests_name("acceptor", tests, NULL, NULL);
}
