/* SPDX-License-Identifier: MIT */
/*
 * One try to pass the verifier. attempt_begin makes one that succeeds: a report of a made-up Milan
 * whose root the verifier takes for AMD's; a test then changes one thing and sees what is said.
 */
#ifndef SNPVTPM_TESTS_UNIT_KBS_EVIDENCE_ATTEMPT_H
#define SNPVTPM_TESTS_UNIT_KBS_EVIDENCE_ATTEMPT_H

#include <openssl/x509.h>
#include <stdatomic.h>
#include <string.h>

#include "kbs/evidence/chain_cache.h"
#include "kbs/evidence/evidence.h"
#include "tests/unit/kbs/chip.h"
#include "tests/unit/registered.h"

/* The chip and its CRL, and the same keys as a Turin, for all tests of the program. */
extern struct chip milan;
extern X509_CRL *milan_crl;

void attempt_make_chip(void);
void attempt_free_chip(void);

struct attempt {
    struct verifier verifier;
    struct trust trust; /* borrows */
    struct requirements requirements;
    admit_measurement *admit;
    time_t now;
    const struct chip *chip;
    struct chip_entries sent;
    struct snp_report report; /* not yet signed */
    uint8_t report_data[REPORT_DATA_SIZE];

    struct attested attested; /* what came out */
    struct finding finding;

    bool sign_with_vlek;
};

struct attempt attempt_begin(void);

/* Signs the report and verifies it. */
enum verdict attempt_run(struct attempt *attempt);

/* Verifies as it is, be it signed or not. */
enum verdict attempt_verify(struct attempt *attempt);

/* The same for bytes that stand for the report. */
enum verdict attempt_verify_bytes(struct attempt *attempt, const void *bytes, size_t size);

/* Which verdicts any of them gave so far. */
extern atomic_bool verdict_seen[VERDICT_COUNT];

/* Fails the test with both codes and the detail. */
#define expect_verdict(attempt, expected)                                                          \
    do {                                                                                           \
        enum verdict found = attempt_run(attempt);                                                 \
                                                                                                   \
        if (found != (expected))                                                                   \
            fail_msg("expected %s, found %s (%s)", verdict_code(expected), verdict_code(found),    \
                     (attempt)->finding.detail);                                                   \
    } while (0)

/* Begins an attempt called "try", makes one change and expects the verdict. */
#define EXPECT(change, expected)                                                                   \
    do {                                                                                           \
        struct attempt try = attempt_begin();                                                      \
                                                                                                   \
        change;                                                                                    \
        expect_verdict(&try, expected);                                                            \
    } while (0)

#endif
