/* SPDX-License-Identifier: MIT */
/* A report, then a certificate table: with nobody trusted, nothing may ever be accepted, whatever
 * is required. What a genuine report says may be anything, too. */
#include <stdlib.h>
#include <string.h>

#include "kbs/evidence/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void verify(const struct evidence *evidence, const struct requirements *requirements,
                   struct attested *attested)
{
    static const struct trust nobody;
    struct verifier verifier = {.trust = &nobody};
    struct expectation expected = {.requirements = requirements, .now = 1780000000};
    struct finding finding;

    if (evidence_verify(&verifier, evidence, &expected, attested, &finding) || attested->genuine ||
        attested->bound)
        abort();
}

/* As if the report had been verified; VLEKs are never appraised without a provider. */
static void appraise(struct attested *attested, const struct requirements *requirements)
{
    struct finding finding;

    attested->genuine = true;
    (void)!evidence_appraise(attested, requirements, NULL, NULL, &finding);
    if (strlen(finding.detail) >= sizeof(finding.detail))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t report_size = size < REPORT_SIZE ? size : REPORT_SIZE;
    struct evidence evidence = {
        .report = data,
        .report_size = report_size,
        .certificate_table = data + report_size,
        .certificate_table_size = size - report_size,
    };
    struct requirements requirements;
    struct attested attested;

    requirements_strict(&requirements);
    verify(&evidence, &requirements, &attested);
    appraise(&attested, &requirements);
    requirements.version_min = 2;
    requirements.vlek = requirements.masked_chip_id = requirements.debug = true;
    requirements.migration = requirements.provisional_firmware = true;
    requirements.crl = CRL_OFF;
    requirements.platform_info.must_be_set = requirements.mitigations.must_be_clear = UINT64_MAX;
    verify(&evidence, &requirements, &attested);
    appraise(&attested, &requirements);
    return 0;
}
