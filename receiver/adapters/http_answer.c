/* http_answer: the headers that every answer has, however it is sent. */
#include "adapters/http_answer.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEADERS_MAX = 7, SECONDS_SIZE = 16 };

struct header_line {
    const char *name;
    const char *value;
};

/* What every answer says, however it is sent. Returns how many lines there are; seconds is their memory. */
static size_t header_lines(const struct request *request, struct header_line lines[HEADERS_MAX],
                           char seconds[SECONDS_SIZE])
{
    const struct response *answer = &request->response;
    size_t count = 0;
    lines[count++] =
        (struct header_line){"Content-Type", answer->content_type ? answer->content_type : "application/json"};
    lines[count++] = (struct header_line){"X-Request-Id", request->id};
    if (answer->allow)
        lines[count++] = (struct header_line){"Allow", answer->allow};
    if (answer->accept_encoding)
        lines[count++] = (struct header_line){"Accept-Encoding", answer->accept_encoding};
    if (answer->authenticate)
        lines[count++] =
            (struct header_line){"WWW-Authenticate", "ApiKey realm=\"external-signals\", header=\"X-API-Key\""};
    if (answer->retry_after_s) {
        (void)snprintf(seconds, SECONDS_SIZE, "%d", answer->retry_after_s);
        lines[count++] = (struct header_line){"Retry-After", seconds};
    }
    if (answer->close_connection)
        lines[count++] = (struct header_line){"Connection", "close"};
    return count;
}

enum MHD_Result http_answer_queue(struct MHD_Connection *connection, struct request *request)
{
    struct header_line lines[HEADERS_MAX];
    char seconds[SECONDS_SIZE];
    size_t len = 0;
    char *body = buf_take(&request->response.body, &len);
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body ? len : 0, body, body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!response) {
        free(body);
        return MHD_NO;
    }
    size_t count = header_lines(request, lines, seconds);
    for (size_t i = 0; i < count; i++)
        (void)MHD_add_response_header(response, lines[i].name, lines[i].value);
    unsigned status = (unsigned)request->response.status;
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

void http_answer_write(struct request *request, struct buf *answer)
{
    const struct buf *body = &request->response.body;
    struct header_line lines[HEADERS_MAX];
    char seconds[SECONDS_SIZE];
    request->response.close_connection = true;
    size_t count = header_lines(request, lines, seconds);
    buf_add_format(answer, "HTTP/1.1 %d %s\r\n", request->response.status,
                   MHD_get_reason_phrase_for((unsigned)request->response.status));
    for (size_t i = 0; i < count; i++)
        buf_add_format(answer, "%s: %s\r\n", lines[i].name, lines[i].value);
    buf_add_format(answer, "Content-Length: %zu\r\n\r\n", body->len);
    buf_add(answer, body->data ? body->data : "", body->len);
}
