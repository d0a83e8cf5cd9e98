/* SPDX-License-Identifier: MIT */
#include "kbs/http/message.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

void http_reply_header(struct http_reply *reply, const char *name, const char *format, ...)
{
    struct http_header *header = &reply->headers[reply->header_count];
    va_list arguments;

    assert(reply->header_count < HTTP_REPLY_HEADERS_MAX);
    header->name = name;
    va_start(arguments, format);
    vsnprintf(header->value, sizeof(header->value), format, arguments);
    va_end(arguments);
    reply->header_count++;
}

void http_reply_json(struct http_reply *reply, unsigned status, struct json_t *json)
{
    reply->status = status;
    reply->content_type = "application/json";
    reply->body = json ? json_dumps(json, JSON_COMPACT) : NULL;
    reply->body_size = reply->body ? strlen(reply->body) : 0;
    json_decref(json);
}

void http_reply_release(struct http_reply *reply)
{
    free(reply->body);
    reply->body = NULL;
}
