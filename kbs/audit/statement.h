/* SPDX-License-Identifier: MIT */
/*
 * What the KBS signs about its audit log: that a segment of it is closed and has this head, and
 * that it was handed out and removed. A statement is a JWT (lib/jose/jwt.h) by a key of the KBS for
 * this alone, so that a segment can be verified without the KBS.
 */
#ifndef SNPVTPM_KBS_AUDIT_STATEMENT_H
#define SNPVTPM_KBS_AUDIT_STATEMENT_H

#include <time.h>

#include "lib/base/hex.h"
#include "lib/jose/jwt.h"
#include "lib/jose/key_id.h"

#define STATEMENT_HASH_SIZE 32 /* bytes, of a line */

enum statement_kind {
    STATEMENT_CLOSED, /* the segment ends with this line */
    STATEMENT_PRUNED, /* an owner has it in a file, and the KBS no longer */
};

struct statement {
    enum statement_kind kind;
    uint64_t first, last;                /* the numbers of the segment's lines */
    uint8_t before[STATEMENT_HASH_SIZE]; /* the hash that the first line follows */
    uint8_t head[STATEMENT_HASH_SIZE];   /* the last line's */
    time_t time;                         /* when it was stated */
};

/* The JWT, which the caller frees; NULL when OpenSSL or the memory fails. */
MUST_CHECK char *statement_sign(EVP_PKEY *key, const uint8_t kid[SIGNING_KEY_ID_SIZE],
                                const struct statement *statement);

/* Verifies a JWT with the key that find gives, and reads it. JWT_MALFORMED also for one that
 * states something else. */
MUST_CHECK enum jwt_status statement_read(const char *text, jwt_find_key *find, void *context,
                                          struct statement *statement);

/* Whether both are about the same segment. */
MUST_CHECK bool statement_is_about(const struct statement *statement,
                                   const struct statement *segment);

#endif
