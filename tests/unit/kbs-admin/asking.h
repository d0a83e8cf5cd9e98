/* SPDX-License-Identifier: MIT */
/* Requests to the admin API without a connection. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_ADMIN_ASKING_H
#define SNPVTPM_TESTS_UNIT_KBS_ADMIN_ASKING_H

#include "kbs/http/message.h"
#include "tests/unit/kbs-admin/admin_kbs.h"

#define ASKING_NOW 1790000000

struct asked {
    const char *method, *path;
    const char *token;         /* as Bearer; NULL: none */
    const char *authorization; /* instead of token */
    const char *body;          /* NULL: none */
    const char *content_type;  /* NULL: application/json */
    const char *site, *origin; /* Sec-Fetch-Site, Origin */
    const char *query[4];      /* names and values in turn */
};

/* Answers, and parses the body; release both with asking_done. */
struct answer {
    struct http_reply reply;
    json_t *json; /* NULL: the body is no JSON */
};

struct answer ask(struct admin_kbs *admin, const struct asked *asked);
void asking_done(struct answer *answer);

/* Asks, asserts the status (saying the body otherwise), and gives the JSON, which is borrowed until
 * the next call. */
json_t *ask_json(struct admin_kbs *admin, unsigned status, const char *token, const char *method,
                 const char *path, const char *body);

/* Asserts a refusal with this status and code. */
void assert_refused(struct admin_kbs *admin, const struct asked *asked, unsigned status,
                    const char *code);

/* The server of a program's tests, and for cmocka: makes it in a folder of its own, empty or filled
 * (with five lines in its log), and removes both. */
extern struct admin_kbs admin;
int admin_begin(void **state);
int admin_begin_filled(void **state);
int admin_end(void **state);

/* A member of an object as text; fails when there is none. */
const char *text_of(const json_t *object, const char *member);

/* The last line of the audit log; the caller releases it. */
json_t *last_audit_line(struct admin_kbs *admin);

/* A header of the reply, or NULL. */
const char *header_of(const struct http_reply *reply, const char *name);

#endif
