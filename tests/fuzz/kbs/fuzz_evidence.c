/* SPDX-License-Identifier: MIT */
/* A report, then a certificate table: with nobody trusted, nothing may ever be accepted. */
#include <stdlib.h>

#include "kbs/evidence/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool accept_any(void *registry, const uint8_t measurement[LAUNCH_DIGEST_SIZE])
{
    (void)registry;
    (void)measurement;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t report_size = size < REPORT_SIZE ? size : REPORT_SIZE;
    const struct evidence evidence = {
        .report = data,
        .report_size = report_size,
        .certificate_table = data + report_size,
        .certificate_table_size = size - report_size,
    };
    static const struct trust nobody;
    const struct expectation expected = {
        .trust = &nobody, .now = 1780000000, .is_registered = accept_any};
    struct attested attested;
    struct finding finding;

    if (evidence_verify(&evidence, &expected, &attested, &finding))
        abort();
    return 0;
}
