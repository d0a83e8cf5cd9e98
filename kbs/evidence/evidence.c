/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/evidence.h"

#include <stdio.h>
#include <string.h>

#include "kbs/evidence/chain.h"
#include "kbs/evidence/report.h"
#include "kbs/evidence/vcek.h"

/* Who signed the report, and that it is a genuine chip with the TCB that the report states. */
static bool check_signer(const struct certificates *presented, const struct snp_report *report,
                         enum product product, const struct expectation *expected,
                         struct attested *attested, struct finding *finding)
{
    struct chain chain;

    bool selected = chain_select(expected->trust, product, presented, &chain, finding);

    if (chain.vcek)
        attested->platform = chain.emulated ? PLATFORM_EMULATED : PLATFORM_AMD;
    return selected && chain_verify(&chain, product, expected->now, finding) &&
           vcek_check_signature(chain.vcek, report, finding) &&
           vcek_check_tcb(chain.vcek, report, product, finding) &&
           vcek_check_chip(chain.vcek, report, product, finding);
}

static bool check_measurement(const struct snp_report *report, const struct expectation *expected,
                              struct finding *finding)
{
    char found[2 * LAUNCH_DIGEST_SIZE + 1];

    if (expected->is_registered(expected->registry, report->measurement))
        return true;
    for (size_t i = 0; i < LAUNCH_DIGEST_SIZE; i++)
        snprintf(found + 2 * i, 3, "%02x", report->measurement[i]);
    return finding_fail(finding, VERDICT_MEASUREMENT_UNKNOWN, "found %s", found);
}

static bool check_all(const struct evidence *evidence, const struct certificates *presented,
                      const struct expectation *expected, struct attested *attested,
                      struct finding *finding)
{
    struct snp_report report;
    enum product product;

    if (!report_check_form(evidence->report, evidence->report_size, &report, finding))
        return false;
    memcpy(attested->measurement, report.measurement, sizeof(attested->measurement));
    if (!report_check_version(&report, &product, finding) ||
        !report_check_signing_key(&report, finding) ||
        !check_signer(presented, &report, product, expected, attested, finding))
        return false;
    return report_check_guest(&report, finding) && check_measurement(&report, expected, finding) &&
           report_check_data(&report, expected->report_data, finding);
}

bool evidence_verify(const struct evidence *evidence, const struct expectation *expected,
                     struct attested *attested, struct finding *finding)
{
    struct certificates presented = {0};
    bool accepted;

    *attested = (struct attested){0};
    *finding = (struct finding){.verdict = VERDICT_OK};
    if (evidence->certificate_table_size > 0 &&
        !certificates_parse_table(evidence->certificate_table, evidence->certificate_table_size,
                                  &presented))
        return finding_fail(finding, VERDICT_CERTIFICATE_TABLE, "%zu bytes",
                            evidence->certificate_table_size);
    accepted = check_all(evidence, &presented, expected, attested, finding);
    certificates_free(&presented);
    return accepted;
}
