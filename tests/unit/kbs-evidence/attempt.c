/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-evidence/attempt.h"

#include <time.h>

struct chip milan;
X509_CRL *milan_crl;
atomic_bool verdict_seen[VERDICT_COUNT];

void attempt_make_chip(void)
{
    struct crl_spec spec;

    chip_make(&milan);
    chip_become(&milan, "Milan");
    spec = chip_crl_spec(&milan);
    milan_crl = chip_crl(&spec);
}

void attempt_free_chip(void)
{
    X509_CRL_free(milan_crl);
    chip_free(&milan);
}

static bool admit_that_of_chip(void *context, const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                               struct finding *finding)
{
    const struct attempt *attempt = context;
    struct snp_report report = chip_report(attempt->chip, attempt->report_data);

    return memcmp(report.measurement, measurement, LAUNCH_DIGEST_SIZE) == 0 ||
           finding_fail(finding, VERDICT_MEASUREMENT_UNKNOWN, "found %02x...", measurement[0]);
}

struct attempt attempt_begin(void)
{
    struct attempt attempt = {
        .admit = admit_that_of_chip,
        .now = time(NULL),
        .report_data = {1, 2, 3, 4},
        .chip = &milan,
        .trust = {.amd_ark = {[PRODUCT_MILAN] = milan.ark}},
        .sent = {.ask = milan.ask, .vcek = milan.vcek, .crl = milan_crl},
    };

    requirements_strict(&attempt.requirements);
    attempt.report = chip_report(&milan, attempt.report_data);
    return attempt;
}

enum verdict attempt_verify_bytes(struct attempt *attempt, const void *bytes, size_t size)
{
    uint8_t table[16384];
    struct evidence evidence = {
        .report = bytes,
        .report_size = size,
        .certificate_table = table,
        .certificate_table_size = chip_whole_table(&attempt->sent, table, sizeof(table)),
    };
    struct verifier verifier = attempt->verifier;
    struct expectation expected = {
        .requirements = &attempt->requirements,
        .admit = attempt->admit,
        .context = attempt,
        .now = attempt->now,
    };
    bool accepted;

    verifier.trust = &attempt->trust;
    memcpy(expected.report_data, attempt->report_data, REPORT_DATA_SIZE);
    accepted =
        evidence_verify(&verifier, &evidence, &expected, &attempt->attested, &attempt->finding);
    assert_int_equal(accepted, attempt->finding.verdict == VERDICT_OK);
    verdict_seen[attempt->finding.verdict] = true;
    return attempt->finding.verdict;
}

enum verdict attempt_verify(struct attempt *attempt)
{
    return attempt_verify_bytes(attempt, &attempt->report, sizeof(attempt->report));
}

enum verdict attempt_run(struct attempt *attempt)
{
    if (attempt->sign_with_vlek)
        chip_sign_with_vlek(attempt->chip, &attempt->report);
    else
        chip_sign(attempt->chip, &attempt->report);
    return attempt_verify(attempt);
}
