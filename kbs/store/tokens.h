/* SPDX-License-Identifier: MIT */
/* Administrators' tokens. Only their SHA-256 is stored: a token is 256 random bits. */
#ifndef SNPVTPM_KBS_STORE_TOKENS_H
#define SNPVTPM_KBS_STORE_TOKENS_H

#include "kbs/store/store.h"

#define TOKEN_TEXT_MAX 63 /* characters: "kbs_" and base64url of 32 bytes */

enum role {
    ROLE_AUDITOR, /* may look at everything but secrets */
    ROLE_OWNER,   /* may change everything too */
};

struct token {
    char name[STORE_NAME_MAX + 1];
    enum role role;
    time_t created, expires, revoked; /* expires 0: never; revoked 0: not */
};

/* Makes a token and tells its text, once. STORE_EXISTS when one that was not revoked has the name,
 * STORE_NAME_USED when a revoked one has: the audit log knows people by it. */
MUST_CHECK enum store_status token_create(struct store_unit *unit, const struct token *token,
                                          char text[TOKEN_TEXT_MAX + 1]);

/* The token that text is, when it is valid now: STORE_NOT_FOUND otherwise. */
MUST_CHECK enum store_status token_check(struct store_unit *unit, const char *text, time_t now,
                                         struct token *token);

MUST_CHECK enum store_status token_revoke(struct store_unit *unit, const char *name, time_t now);

MUST_CHECK enum store_status token_each(struct store_unit *unit,
                                        void (*visit)(void *context, const struct token *token),
                                        void *context);

#endif
