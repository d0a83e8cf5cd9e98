/* SPDX-License-Identifier: MIT */
/*
 * One call of the admin API: what its route's handler is given, and how it refuses. Inside
 * kbs/admin only.
 *
 * A handler returns true when it has filled in the reply, and false after call_refuse() or one of
 * its kin. What a change does is one unit of work together with its line in the audit log; the
 * handler only works inside it. It may be called again when another server's change came first.
 */
#ifndef SNPVTPM_KBS_ADMIN_CALL_H
#define SNPVTPM_KBS_ADMIN_CALL_H

#include <jansson.h>

#include "kbs/http/message.h"
#include "kbs/kbs.h"
#include "kbs/store/secrets.h"
#include "kbs/store/tokens.h"

#define CALL_OBJECT_MAX  SECRET_PATH_MAX
#define CALL_MESSAGE_MAX 320

struct route;

struct refusal {
    unsigned status;
    const char *code; /* static */
    char message[CALL_MESSAGE_MAX];
};

struct call {
    const struct kbs *kbs;
    const struct http_request *request;
    struct http_reply *reply;
    const struct route *route;
    struct token actor; /* whose token came with the request */
    json_t *body;       /* an object; NULL for a route without one */
    struct store_unit *unit;
    /* What the call is about: the variable part of the path, or what the handler says. */
    char object[CALL_OBJECT_MAX + 1];
    struct refusal refusal;
};

/* Refuses with a code for programs and words for people; returns false. */
__attribute__((format(printf, 4, 5))) bool call_refuse(struct call *call, unsigned status,
                                                       const char *code, const char *format, ...);

/* Refuses because the store said so about what ("image web", ...); returns false. */
bool call_refuse_status(struct call *call, enum store_status status, const char *what,
                        const char *name);

/* Whether the last refusal was because the store had to give way to other changes. */
MUST_CHECK bool call_is_busy(const struct call *call);

/* Replies; hands over json, which may be NULL for want of memory. Returns true. */
bool call_reply(struct call *call, unsigned status, json_t *json);

/* As json_unpack of the body, each member of which must be asked for; refuses what does not fit. */
MUST_CHECK bool call_unpack(struct call *call, const char *format, ...);

/* Takes a name out of the body as the object of the call; refuses what cannot be one. */
MUST_CHECK bool call_name_object(struct call *call, const char *name);

/* Decodes base64 from the body to at most room bytes; refuses anything else. The caller frees
 * *bytes, with OPENSSL_clear_free where it is a secret. */
MUST_CHECK bool call_decode(struct call *call, const char *member, const char *text, size_t room,
                            uint8_t **bytes, size_t *size);

/* An unsigned number of the query, or otherwise when there is none; refuses what is no number or
 * exceeds max. */
MUST_CHECK bool call_query_number(struct call *call, const char *name, uint64_t otherwise,
                                  uint64_t max, uint64_t *number);

#endif
