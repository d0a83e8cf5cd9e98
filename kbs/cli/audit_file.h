/* SPDX-License-Identifier: MIT */
/*
 * A segment of the audit log in a file, which is verified without the KBS. Its first line says
 * where the segment begins, its last one has the head that the KBS signed; between them are the
 * lines of the log, byte for byte:
 *
 *   {"format":"snp-vtpm-audit-1","first":4712,"before":"HASH"}
 *   {"seq":4712,"time":...
 *   {"head":"HASH","key":"PEM of the public key","statement":"JWT"}
 */
#ifndef SNPVTPM_KBS_CLI_AUDIT_FILE_H
#define SNPVTPM_KBS_CLI_AUDIT_FILE_H

#include <stdio.h>

#include <openssl/types.h>

#include "kbs/audit/statement.h"
#include "kbs/cli/audit_chain.h"

#define AUDIT_FILE_NAME "audit-%012" PRIu64 "-%012" PRIu64 ".jsonl"

/* Writes the first line. */
MUST_CHECK bool audit_file_begin(FILE *file, uint64_t first,
                                 const uint8_t before[AUDIT_CHAIN_HASH]);

/* Writes the last one; key is a public key in PEM. */
MUST_CHECK bool audit_file_end(FILE *file, const uint8_t head[AUDIT_CHAIN_HASH], const char *key,
                               const char *statement);

/* What was found at the end of a file. */
struct audit_file_seal {
    struct statement statement;
    char key_id[2 * SIGNING_KEY_ID_SIZE + 1]; /* of the key that signed it, as of kbsctl key list */
};

/*
 * Verifies a file: its lines follow from those that chain took before, if any, and from each other,
 * and the statement is about them. It is signed by key, or, when that is NULL, by the key in the
 * file, which proves nothing about whose it is. False with chain->problem; the line is
 * chain->seq + 1.
 */
MUST_CHECK bool audit_file_verify(FILE *file, EVP_PKEY *key, struct audit_chain *chain,
                                  struct audit_file_seal *seal);

#endif
