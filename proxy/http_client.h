/* SPDX-License-Identifier: MIT */
/*
 * HTTP(S) requests to one server, with its cookies: no redirects, no web proxy of the environment,
 * answers bounded in size, requests bounded in time, TLS 1.2 or later with the server's name and
 * certificate checked.
 */
#ifndef SNPVTPM_PROXY_HTTP_CLIENT_H
#define SNPVTPM_PROXY_HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/reader.h"

#define HTTP_BODY_MAX    (1024 * 1024) /* bytes of an answer */
#define HTTP_HEADERS_MAX (64 * 1024)   /* bytes of an answer's headers */

struct http_target {
    const char *url; /* without a final slash */
    const char *ca;  /* file of the only certificates (PEM) that vouch for it; NULL: the system's */
    const char *pin; /* "sha256//BASE64", or several with ';': its public key; NULL: any */
};

enum http_result {
    HTTP_ANSWERED,      /* with any status */
    HTTP_NO_CONNECTION, /* nothing was sent */
    HTTP_NO_ANSWER,     /* not in time, or the connection broke */
    HTTP_NOT_BELIEVED,  /* TLS: not the server that it should be */
    HTTP_MALFORMED,     /* the answer is no HTTP, or too long */
};

struct http_client;

/* A client without cookies; it keeps the target. NULL without memory. */
MUST_CHECK struct http_client *http_client_new(const struct http_target *target);
void http_client_free(struct http_client *client);

/* Posts the JSON text body, or gets if it is NULL, path below the target's address. The connection
 * stays for the next request. */
MUST_CHECK enum http_result http_client_send(struct http_client *client, const char *path,
                                             const char *body, int64_t deadline_ms);

/* Ends the connection, if there is one; the cookies stay. */
void http_client_hang_up(struct http_client *client);

/* The last answer, until the connection is ended: its status, after how many seconds it wants to be
 * asked again (Retry-After; 0: it does not say), and its body until http_client_forget_body(). */
long http_client_status(const struct http_client *client);
long http_client_retry_after_s(const struct http_client *client);
struct reader http_client_body(const struct http_client *client);
void http_client_forget_body(struct http_client *client);

/* What went wrong last, for the log. */
const char *http_client_problem(const struct http_client *client);

#endif
