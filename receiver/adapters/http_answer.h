/* http_answer: a response of the service as HTTP. */
#ifndef ALPINE_RECEIVER_HTTP_ANSWER_H
#define ALPINE_RECEIVER_HTTP_ANSWER_H

#include <microhttpd.h>

#include "seams/request.h"

/* Hands the response to libmicrohttpd, and takes its body. MHD_NO: the connection has to be closed. */
enum MHD_Result http_answer_queue(struct MHD_Connection *connection, struct request *request);
/* Appends the whole answer as bytes, for the cases in which libmicrohttpd takes none. The connection cannot be used
 * again after it. */
void http_answer_write(struct request *request, struct buf *answer);

#endif
