/* ask: a loop of its own for one request. */
#include "commands/ask.h"

#include <stdio.h>

#include "adapters/transport_curl.h"
#include "base/clock.h"
#include "commands/settings.h"

/* Somebody waits before a terminal. */
#define ASK_LIMIT_NS (4 * NS_PER_S)

struct asking {
    struct ask_answer *answer;
    bool done;
};

static void on_done(void *context, const struct transport_answer *answer)
{
    struct asking *asking = context;
    struct ask_answer *kept = asking->answer;
    kept->answer = *answer;
    kept->answered_us = clock_wall_us();
    buf_add(&kept->body, answer->body, answer->len);
    (void)snprintf(kept->error, sizeof kept->error, "%s", answer->error);
    kept->answer.body = kept->body.data;
    kept->answer.error = kept->error;
    kept->answer.request_id = kept->answer.answered_id = NULL; /* they were borrowed */
    asking->done = true;
}

static int64_t shorter(int64_t limit_ns)
{
    return limit_ns < ASK_LIMIT_NS ? limit_ns : ASK_LIMIT_NS;
}

int ask(const struct invocation *invocation, const char *method, const char *path, const struct buf *body,
        struct ask_answer *answer, struct err *err)
{
    const struct sender_settings *settings = invocation->values;
    struct transport_curl_options options = {.url = settings->url,
                                             .api_key = settings->api_key,
                                             .connect_limit_ns = shorter(settings->connect_timeout_ns),
                                             .compress = settings->compression,
                                             .request_limit_ns = shorter(settings->request_timeout_ns),
                                             .ca_pem = settings->ca_file.content};
    struct asking asking = {.answer = answer};
    struct transport_request request = {.method = method,
                                        .path = path,
                                        .content_type = body ? "application/json" : NULL,
                                        .body = body ? body->data : NULL,
                                        .len = body ? body->len : 0,
                                        .done = on_done,
                                        .context = &asking};
    int status = -1;
    request_id_make(request.id);
    struct loop *loop = loop_new(err);
    struct transport *transport = loop ? transport_curl_new(&options, loop, err) : NULL;
    answer->sent_us = clock_wall_us();
    if (!transport || transport->ops->send(transport->self, &request, err))
        goto out;
    while (!asking.done)
        loop_step(loop);
    status = 0;
out:
    transport_curl_free(transport);
    loop_free(loop);
    return status;
}

void ask_clear(struct ask_answer *answer)
{
    buf_clear(&answer->body);
}
