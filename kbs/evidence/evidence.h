/* SPDX-License-Identifier: MIT */
/*
 * The one way in to the verification of SEV-SNP evidence. It works on the raw bytes of the
 * report, in a fixed order, stops at the first failure and believes nothing that is not checked.
 */
#ifndef SNPVTPM_KBS_EVIDENCE_EVIDENCE_H
#define SNPVTPM_KBS_EVIDENCE_EVIDENCE_H

#include <time.h>

#include "kbs/evidence/trust.h"
#include "kbs/evidence/verdict.h"
#include "lib/snp/report.h"

/* What a client presents: all of it is untrusted. */
struct evidence {
    const uint8_t *report;
    size_t report_size;
    const uint8_t *certificate_table; /* may be NULL */
    size_t certificate_table_size;    /* 0: the client has none */
};

/* What the verifier holds it against. */
struct expectation {
    const struct trust *trust;
    time_t now;
    uint8_t report_data[REPORT_DATA_SIZE];
    /* Whether a measurement may have secrets. */
    bool (*is_registered)(void *registry, const uint8_t measurement[LAUNCH_DIGEST_SIZE]);
    void *registry;
};

enum platform {
    PLATFORM_UNKNOWN,
    PLATFORM_AMD,
    PLATFORM_EMULATED,
};

/* What the guest claims, and has proved once its evidence is accepted. */
struct attested {
    uint8_t measurement[LAUNCH_DIGEST_SIZE];
    enum platform platform;
};

/*
 * Verifies; true when every check passed. finding says which one failed. *attested is filled in as
 * far as the checks got, for the log, and zero otherwise.
 */
MUST_CHECK bool evidence_verify(const struct evidence *evidence, const struct expectation *expected,
                                struct attested *attested, struct finding *finding);

#endif
