/* SPDX-License-Identifier: MIT */
/*
 * The one way in to the verification of SEV-SNP evidence. It works on the raw bytes of the
 * report, in a fixed order, stops at the first failure and believes nothing that is not checked.
 */
#ifndef SNPVTPM_KBS_EVIDENCE_EVIDENCE_H
#define SNPVTPM_KBS_EVIDENCE_EVIDENCE_H

#include <time.h>

#include "kbs/evidence/requirements.h"
#include "kbs/evidence/trust.h"
#include "kbs/evidence/verdict.h"
#include "lib/snp/report.h"

struct collateral; /* kbs/collateral/collateral.h: leaf certificates and CRLs, cached; thread-safe
                    */

struct chain_cache; /* kbs/evidence/chain_cache.h: what was verified before; thread-safe */

/* Whom the verifier believes and where it gets what a client does not send. */
struct verifier {
    const struct trust *trust;
    struct collateral *collateral; /* NULL: only what the client sends and trust holds */
    struct chain_cache *chains;    /* NULL: every chain is verified anew */
};

/* What a client presents: all of it is untrusted. */
struct evidence {
    const uint8_t *report;
    size_t report_size;
    const uint8_t *certificate_table;        /* as of the extended guest request; may be NULL */
    size_t certificate_table_size;           /* 0: the client has none */
    const struct certificates *certificates; /* as of a list of its own; NULL: none. Not looked at
                                              * when there is a table */
};

enum platform {
    PLATFORM_UNKNOWN,
    PLATFORM_AMD,
    PLATFORM_EMULATED,
};

/* What the guest claims; proved as far as the flags say. Zero where the checks did not get. */
struct attested {
    bool genuine; /* a chip that the verifier believes signed exactly this report */
    bool bound;   /* and its REPORT_DATA is the expected one */
    enum platform platform;
    enum product product;
    bool vlek;                   /* signed with a VLEK, else a VCEK */
    char csp_id[CSP_ID_MAX + 1]; /* of the VLEK: its cloud service provider */
    struct snp_report report;
};

/* Says whether the owner's rules admit a measurement: true, or false with a finding (one of the
 * MEASUREMENT verdicts or INTERNAL). */
typedef bool admit_measurement(void *context, const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                               struct finding *finding);

struct expectation {
    const struct requirements *requirements;
    admit_measurement *admit; /* NULL: every measurement */
    void *context;
    uint8_t report_data[REPORT_DATA_SIZE];
    time_t now;
};

/*
 * Verifies; true when every check passed. finding says which one failed first, or has a
 * note in its detail. *attested is filled in as far as the checks got. Thread-safe. May wait for
 * collateral to be fetched.
 */
MUST_CHECK bool evidence_verify(const struct verifier *verifier, const struct evidence *evidence,
                                const struct expectation *expected, struct attested *attested,
                                struct finding *finding);

/* Holds what was verified before against other requirements: everything but signatures, the CRL
 * and REPORT_DATA. */
MUST_CHECK bool evidence_appraise(const struct attested *attested,
                                  const struct requirements *requirements, admit_measurement *admit,
                                  void *context, struct finding *finding);

#endif
