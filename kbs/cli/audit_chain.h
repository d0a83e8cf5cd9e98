/* SPDX-License-Identifier: MIT */
/*
 * Verifies the chain of an audit log from its lines alone, as anybody can: hash = SHA-256(hash of
 * the line before || line), and the first line follows 32 zero bytes.
 */
#ifndef SNPVTPM_KBS_CLI_AUDIT_CHAIN_H
#define SNPVTPM_KBS_CLI_AUDIT_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/base/must_check.h"

#define AUDIT_CHAIN_HASH 32 /* bytes */

/* Starts as all zeros, or with what audit_chain_begin says. */
struct audit_chain {
    uint64_t base; /* what comes before the first line that was taken */
    uint64_t seq;  /* of the last line that was taken */
    uint8_t head[AUDIT_CHAIN_HASH];
    bool expects; /* to meet the next */
    uint8_t expected[AUDIT_CHAIN_HASH];
    bool met;
    const char *problem; /* NULL while the chain is whole */
};

/* Begins behind a line of that hash; what comes before is not verified. */
void audit_chain_begin(struct audit_chain *chain, uint64_t seq,
                       const uint8_t hash[AUDIT_CHAIN_HASH]);

/* Takes the next line. False when it does not say that it is; chain->problem then says why, and
 * chain->seq + 1 is its number. */
MUST_CHECK bool audit_chain_add(struct audit_chain *chain, const char *line, size_t length);

/* Takes the next entry as the API gives it: seq, hash, line. False also when it does not follow
 * from the one before. */
MUST_CHECK bool audit_chain_take(struct audit_chain *chain, const json_t *entry);

/* Whether the chain ends at the head that the API gives: seq and hash. Sets chain->problem. */
MUST_CHECK bool audit_chain_ends(struct audit_chain *chain, const json_t *head);

/* Whether the line that was expected has been met, if one was. Sets chain->problem. */
MUST_CHECK bool audit_chain_met(struct audit_chain *chain);

#endif
