/* SPDX-License-Identifier: MIT */
/*
 * Reports of real chips and what belongs to them, from a folder that is not part of the source
 * (SNP_VTPM_SHARED), and tries to pass the verifier with them, as they are or altered.
 */
#ifndef SNPVTPM_TESTS_UNIT_KBS_EVIDENCE_REAL_EVIDENCE_H
#define SNPVTPM_TESTS_UNIT_KBS_EVIDENCE_REAL_EVIDENCE_H

#include <string.h>

#include "kbs/evidence/chain_cache.h"
#include "kbs/evidence/evidence.h"
#include "tests/unit/registered.h"

#define DER_MAX 4096

/* A certificate or CRL in DER; size 0: none. */
struct der {
    uint8_t bytes[DER_MAX];
    size_t size;
};

/* A path below the folder of real data; valid until the next call. */
const char *real_path(const char *name);

/* The bytes of a file there, at most size; how many there are, 0 when it cannot be read. */
size_t real_load(const char *name, void *bytes, size_t size);

/* A certificate there, in PEM or DER; fails the test without. */
void real_load_certificate(const char *name, struct der *der);

/* A try to pass. */
struct attempt {
    struct requirements requirements;
    struct trust trust; /* borrows */
    struct chain_cache *chains;
    struct snp_report report;
    uint8_t report_data[REPORT_DATA_SIZE]; /* that is expected */
    struct der ark, ask, leaf, crl;        /* what is sent; beside a VLEK, ask is the ASVK */
    bool vlek;                             /* what the leaf is */
    time_t now;
    struct attested attested;
    struct finding finding;
};

/* Verifies. Certificates that do not even parse count as malformed, as in a table. */
enum verdict attempt_run(struct attempt *attempt);

/* Fails the test with both codes and the detail. */
#define expect_run(attempt, expected)                                                              \
    do {                                                                                           \
        if (attempt_run(attempt) != (expected))                                                    \
            fail_msg("expected %s, found %s (%s)", verdict_code(expected),                         \
                     verdict_code((attempt)->finding.verdict), (attempt)->finding.detail);         \
    } while (0)

enum certificate_field {
    FIELD_VERSION,
    FIELD_SERIAL,
    FIELD_INNER_ALGORITHM,
    FIELD_ISSUER,
    FIELD_VALIDITY,
    FIELD_SUBJECT,
    FIELD_KEY,
    FIELD_EXTENSIONS,
    FIELD_ALGORITHM,
    FIELD_SIGNATURE,
    FIELD_COUNT,
};

/* How a certificate of the client's is altered, and what that must lead to. */
struct alteration {
    const char *role;
    const struct der *original;
    struct der *altered; /* in the attempt */
    /* The reason that is the field's own, which some bit of it must lead to. */
    enum verdict own[FIELD_COUNT];
};

/* Flips each bit of each field, or of each 3rd byte of a long one: all must be refused. */
void alter_all_fields(struct attempt *attempt, const struct alteration *alteration);

/* Flips one bit of each byte of a part of the attempt: all must be refused, as not genuine. */
void alter_all_bytes(struct attempt *attempt, const char *role, uint8_t *bytes, size_t size);

#endif
