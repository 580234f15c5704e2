/* resolve: getaddrinfo_a, which looks up in a thread of libc's and can be left behind. */
#include "base/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* What the thread works on; it must live as long as that does. */
struct lookup {
    struct gaicb request;
    struct addrinfo hints;
    char host[256];
    char port[8];
};

static struct lookup *lookup_new(const char *host, const char *port)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return NULL;
    (void)snprintf(lookup->host, sizeof lookup->host, "%s", host);
    (void)snprintf(lookup->port, sizeof lookup->port, "%s", port);
    lookup->hints = (struct addrinfo){.ai_socktype = SOCK_STREAM};
    lookup->request =
        (struct gaicb){.ar_name = lookup->host, .ar_service = lookup->port, .ar_request = &lookup->hints};
    return lookup;
}

/* Until it is done or the time is up; a signal that interrupts the wait does not end it. */
static int wait_done(struct gaicb *request, int64_t limit_ns)
{
    int64_t deadline = clock_monotonic_ns() + limit_ns;
    const struct gaicb *const list[] = {request};
    for (;;) {
        int state = gai_error(request);
        int64_t left = deadline - clock_monotonic_ns();
        if (state != EAI_INPROGRESS || left <= 0)
            return state;
        struct timespec limit = {.tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S};
        (void)gai_suspend(list, 1, &limit);
    }
}

struct addrinfo *resolve_host(const char *host, const char *port, int64_t limit_ns, struct err *err)
{
    struct lookup *lookup = lookup_new(host, port);
    if (!lookup) {
        err_set(err, "out of memory");
        return NULL;
    }
    struct gaicb *list[] = {&lookup->request};
    int state = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
    if (!state)
        state = wait_done(&lookup->request, limit_ns);
    if (state == EAI_INPROGRESS) {
        err_set(err, "no name server answered within %g s", (double)limit_ns / (double)NS_PER_S);
        if (gai_cancel(&lookup->request) == EAI_CANCELED)
            free(lookup); /* else the thread still has it */
        return NULL;
    }
    struct addrinfo *found = state ? NULL : lookup->request.ar_result;
    if (!found)
        err_set(err, "%s", gai_strerror(state));
    free(lookup);
    return found;
}

char *resolve_text(const struct addrinfo *info, char text[RESOLVE_TEXT_SIZE])
{
    if (getnameinfo(info->ai_addr, info->ai_addrlen, text, RESOLVE_TEXT_SIZE, NULL, 0, NI_NUMERICHOST))
        (void)snprintf(text, RESOLVE_TEXT_SIZE, "?");
    return text;
}
