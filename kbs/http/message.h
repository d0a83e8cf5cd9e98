/* SPDX-License-Identifier: MIT */
/*
 * A request and its reply, apart from any HTTP library: what the KBS's protocol, its admin API and
 * its pages see of a connection. Tests make requests without one.
 */
#ifndef SNPVTPM_KBS_HTTP_MESSAGE_H
#define SNPVTPM_KBS_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

enum http_status {
    HTTP_OK = 200,
    HTTP_CREATED = 201,
    HTTP_BAD_REQUEST = 400,
    HTTP_UNAUTHORIZED = 401,
    HTTP_FORBIDDEN = 403,
    HTTP_NOT_FOUND = 404,
    HTTP_METHOD_NOT_ALLOWED = 405,
    HTTP_CONFLICT = 409,
    HTTP_CONTENT_TOO_LARGE = 413,
    HTTP_TOO_MANY_REQUESTS = 429,
    HTTP_INTERNAL = 500,
    HTTP_UNAVAILABLE = 503,
};

enum http_value_kind {
    HTTP_HEADER,
    HTTP_COOKIE,
    HTTP_QUERY, /* an argument behind the "?" of the URL, decoded */
};

struct http_request {
    const char *method; /* GET for HEAD, too: only the server's sending of the body differs */
    bool head;          /* nobody gets the body of the reply */
    const char *path;   /* decoded, without the query */
    const char *peer;   /* the client's address, for the log */
    const void *body;
    size_t body_size;
    time_t now;
    /* The value of that name, or NULL; valid while the request is. */
    const char *(*lookup)(void *connection, enum http_value_kind kind, const char *name);
    void *connection;
};

#define HTTP_REPLY_HEADERS_MAX 6
#define HTTP_HEADER_VALUE_MAX  255

struct http_header {
    const char *name; /* static */
    char value[HTTP_HEADER_VALUE_MAX + 1];
};

struct http_reply {
    unsigned status;
    const char *content_type; /* static */
    char *body;               /* owned by the reply; NULL without memory for one */
    size_t body_size;
    size_t header_count;
    struct http_header headers[HTTP_REPLY_HEADERS_MAX];
    bool refused; /* counts against the client, whatever the status says */
};

/* Answers one request; *reply is zero before. May be called by several threads at once. */
typedef void http_handler(void *context, const struct http_request *request,
                          struct http_reply *reply);

static inline const char *http_request_value(const struct http_request *request,
                                             enum http_value_kind kind, const char *name)
{
    return request->lookup ? request->lookup(request->connection, kind, name) : NULL;
}

/* Appends a header with a value as of printf; one that does not fit is a mistake of the caller. */
__attribute__((format(printf, 3, 4))) void
http_reply_header(struct http_reply *reply, const char *name, const char *format, ...);

/* Sets status and a body as JSON; hands over json, which may be NULL for want of memory. */
struct json_t;
void http_reply_json(struct http_reply *reply, unsigned status, struct json_t *json);

/* Frees the body, as a server does when it has sent it. */
void http_reply_release(struct http_reply *reply);

#endif
