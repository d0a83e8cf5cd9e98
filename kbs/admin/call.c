/* SPDX-License-Identifier: MIT */
#include "kbs/admin/call.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "lib/base/printable.h"
#include "lib/jose/base64.h"

#define BUSY "busy"

bool call_refuse(struct call *call, unsigned status, const char *code, const char *format, ...)
{
    char message[CALL_MESSAGE_MAX];
    va_list arguments;

    call->refusal.status = status;
    call->refusal.code = code;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    /* It may repeat what the client sent, cut anywhere. */
    printable_write(message, strlen(message), call->refusal.message, sizeof(call->refusal.message));
    return false;
}

static const struct {
    unsigned http;
    const char *code;
} refusals[] = {
    [STORE_NOT_FOUND] = {HTTP_NOT_FOUND, "not-found"},
    [STORE_EXISTS] = {HTTP_CONFLICT, "exists"},
    [STORE_IN_USE] = {HTTP_CONFLICT, "in-use"},
    [STORE_CONFLICT] = {HTTP_UNAVAILABLE, BUSY},
    [STORE_RETIRED] = {HTTP_CONFLICT, "retired"},
    [STORE_NAME_USED] = {HTTP_CONFLICT, "name-used"},
    [STORE_WRONG_KEY] = {HTTP_INTERNAL, "storage-wrong-key"},
    [STORE_UNAVAILABLE] = {HTTP_UNAVAILABLE, "storage-unavailable"},
    [STORE_FAILED] = {HTTP_INTERNAL, "storage-failed"},
};

bool call_refuse_status(struct call *call, enum store_status status, const char *what,
                        const char *name)
{
    unsigned http = HTTP_INTERNAL;
    const char *code = "storage-failed";

    if ((size_t)status < sizeof(refusals) / sizeof(refusals[0]) && refusals[status].code) {
        http = refusals[status].http;
        code = refusals[status].code;
    }
    return call_refuse(call, http, code, "%s %s: %s", what, name, store_status_text(status));
}

bool call_is_busy(const struct call *call)
{
    return call->refusal.code && strcmp(call->refusal.code, BUSY) == 0;
}

bool call_reply(struct call *call, unsigned status, json_t *json)
{
    http_reply_json(call->reply, status, json);
    return true;
}

bool call_unpack(struct call *call, const char *format, ...)
{
    json_error_t error;
    va_list arguments;
    int unpacked;

    va_start(arguments, format);
    unpacked = json_vunpack_ex(call->body, &error, JSON_STRICT, format, arguments);
    va_end(arguments);
    return unpacked == 0 || call_refuse(call, HTTP_BAD_REQUEST, "body-invalid",
                                        "the request's body does not fit: %s", error.text);
}

bool call_name_object(struct call *call, const char *name)
{
    if (!store_is_name(name))
        return call_refuse(call, HTTP_BAD_REQUEST, "name-invalid",
                           "a name is 1 to %d of A-Z a-z 0-9 _ . - and begins with a letter or "
                           "digit",
                           STORE_NAME_MAX);
    /* It may be there already, out of the path. */
    memmove(call->object, name, strlen(name) + 1);
    return true;
}

bool call_decode(struct call *call, const char *member, const char *text, size_t room,
                 uint8_t **bytes, size_t *size)
{
    size_t length = strlen(text);
    uint8_t *out;

    *bytes = NULL;
    if (length > BASE64_LENGTH(room))
        return call_refuse(call, HTTP_CONTENT_TOO_LARGE, "too-large", "%s: at most %zu bytes",
                           member, room);
    out = malloc(room);
    if (!out)
        return call_refuse(call, HTTP_UNAVAILABLE, "out-of-memory", "%s: out of memory", member);
    if (!base64_decode(BASE64_STANDARD, text, length, out, room, size)) {
        OPENSSL_clear_free(out, room);
        return call_refuse(call, HTTP_BAD_REQUEST, "base64-invalid",
                           "%s: not base64 of at most %zu bytes", member, room);
    }
    *bytes = out;
    return true;
}

bool call_query_number(struct call *call, const char *name, uint64_t otherwise, uint64_t max,
                       uint64_t *number)
{
    const char *text = http_request_value(call->request, HTTP_QUERY, name);
    char *end;

    *number = otherwise;
    if (!text)
        return true;
    errno = 0;
    *number = strtoull(text, &end, 10);
    /* strtoull() would take leading space and signs. */
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno == ERANGE || *number > max)
        return call_refuse(call, HTTP_BAD_REQUEST, "query-invalid",
                           "%s in the address must be a number up to %llu", name,
                           (unsigned long long)max);
    return true;
}
