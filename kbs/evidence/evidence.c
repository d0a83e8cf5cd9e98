/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/evidence.h"

#include <inttypes.h>
#include <string.h>

#include "kbs/evidence/appraise.h"
#include "kbs/evidence/certificate_table.h"
#include "kbs/evidence/chain_cache.h"
#include "kbs/evidence/gather.h"
#include "kbs/evidence/leaf.h"
#include "kbs/evidence/report.h"
#include "lib/base/bytes.h"

/* V1 to V3: what the report alone tells. */

/* The claims that need no certificate, and whether they are admitted. */
static bool check_claims(const struct attested *attested, const struct requirements *requirements,
                         struct finding *finding)
{
    bool vlek;

    return report_check_version(&attested->report, requirements, finding) &&
           report_check_product(attested->product, requirements, finding) &&
           report_check_signing_key(&attested->report, requirements, &vlek, finding);
}

static bool read_claims(const struct evidence *evidence, const struct requirements *requirements,
                        struct attested *attested, struct signer *signer, struct finding *finding)
{
    struct snp_report report;

    if (!report_check_form(evidence->report, evidence->report_size, &report, finding))
        return false;
    attested->report = report;
    *signer = (struct signer){.report = &attested->report};
    if (!report_check_version(&report, requirements, finding))
        return false;
    signer->product_known = report_tells_product(&report);
    if (signer->product_known && (!report_product(&report, &signer->product, finding) ||
                                  !report_check_product(signer->product, requirements, finding)))
        return false;
    attested->product = signer->product;
    if (!report_check_signing_key(&report, requirements, &signer->vlek, finding))
        return false;
    attested->vlek = signer->vlek;
    return true;
}

/* V4 and V5: the chain. */

/* Verifies the chain, and its CRL if it has one, unless that was done before. */
static bool check_chain(const struct verifier *verifier, const struct chain *chain, time_t now,
                        struct finding *finding)
{
    uint8_t fingerprint[32];
    bool cacheable = verifier->chains && chain_fingerprint(chain, fingerprint);
    struct validity validity;

    if (cacheable && chain_cache_holds(verifier->chains, fingerprint, now))
        return true;
    if (!chain_verify(chain, now, &validity, finding) ||
        (chain->crl && !chain_check_crl(chain, now, &validity, finding)))
        return false;
    if (cacheable)
        chain_cache_remember(verifier->chains, fingerprint, chain, &validity);
    return true;
}

/* The emulated platform's root has no CRL. */
static bool needs_crl(const struct chain *chain, const struct requirements *requirements)
{
    return requirements->crl == CRL_REQUIRED && !chain->emulated;
}

static bool settle_chain(const struct verifier *verifier, const struct signer *signer,
                         const struct certificates *presented, const struct expectation *expected,
                         struct attested *attested, struct chain *chain, struct finding *finding)
{
    bool gathered = gather_chain(verifier, signer, presented, expected->requirements, expected->now,
                                 chain, finding);
    bool wanted = needs_crl(chain, expected->requirements);
    const char *reason = NULL;

    if (chain->leaf)
        attested->platform = chain->emulated ? PLATFORM_EMULATED : PLATFORM_AMD;
    if (!gathered)
        return false;
    attested->product = chain->product;
    if (wanted)
        gather_crl(verifier, presented, expected->now, chain, &reason);
    if (!check_chain(verifier, chain, expected->now, finding))
        return false;
    return !wanted || chain->crl ||
           finding_fail(finding, VERDICT_CRL_MISSING, "of ARK-%s: %s", chain_platform_name(chain),
                        reason);
}

/* V8: the chip, or the provider, that the key is of. */

static bool check_csp(const char *csp_id, const struct requirements *requirements,
                      struct finding *finding)
{
    for (size_t i = 0; i < requirements->csp_id_count; i++)
        if (strcmp(csp_id, requirements->csp_ids[i]) == 0)
            return true;
    return finding_fail(finding, VERDICT_CSP_ID_REFUSED, "none of %zu listed, but %s",
                        requirements->csp_id_count, csp_id);
}

static bool check_holder(const struct chain *chain, const struct requirements *requirements,
                         struct attested *attested, struct finding *finding)
{
    const struct snp_report *report = &attested->report;
    bool holder = chain->vlek ? leaf_read_csp(chain->leaf, attested->csp_id, finding) &&
                                    check_csp(attested->csp_id, requirements, finding)
                              : report_check_masked(report, requirements, finding) &&
                                    leaf_check_chip(chain->leaf, report, chain->product, finding);

    return holder && report_check_chip(report, requirements, finding);
}

/* V4 to V8: a chip that the verifier believes signed exactly this report. */
static bool check_signer(const struct verifier *verifier, const struct signer *signer,
                         const struct certificates *presented, const struct expectation *expected,
                         struct attested *attested, struct finding *finding)
{
    struct chain chain;
    bool genuine = settle_chain(verifier, signer, presented, expected, attested, &chain, finding) &&
                   leaf_check_signature(chain.leaf, signer->report, finding) &&
                   leaf_check_tcb(chain.leaf, signer->report, chain.product, finding) &&
                   check_holder(&chain, expected->requirements, attested, finding);

    chain_free(&chain);
    return genuine;
}

static bool check_presented(const struct verifier *verifier, const struct signer *signer,
                            const struct evidence *evidence, const struct expectation *expected,
                            struct attested *attested, struct finding *finding)
{
    static const struct certificates none;
    struct certificates of_table;
    bool genuine;

    if (evidence->certificate_table_size == 0)
        return check_signer(verifier, signer,
                            evidence->certificates ? evidence->certificates : &none, expected,
                            attested, finding);
    if (!certificates_parse_table(evidence->certificate_table, evidence->certificate_table_size,
                                  verifier->chains, &of_table))
        return finding_fail(finding, VERDICT_CERTIFICATE_TABLE, "%zu bytes",
                            evidence->certificate_table_size);
    genuine = check_signer(verifier, signer, &of_table, expected, attested, finding);
    certificates_free(&of_table);
    return genuine;
}

/* V9 to V13: what a genuine report says. */
static bool appraise(const struct attested *attested, const struct requirements *requirements,
                     admit_measurement *admit, void *context, struct finding *finding)
{
    const struct snp_report *report = &attested->report;

    return appraise_guest(report, requirements, finding) &&
           appraise_tcb(report, attested->product, requirements, finding) &&
           appraise_platform(report, requirements, finding) &&
           (!admit || admit(context, report->measurement, finding)) &&
           appraise_identity(report, requirements, finding);
}

static bool fail_unbound(const struct snp_report *report, const uint8_t expected[REPORT_DATA_SIZE],
                         struct finding *finding)
{
    return finding_fail(finding, VERDICT_REPORT_DATA,
                        "expected %016" PRIx64 "..., found %016" PRIx64 "...", get_be64(expected),
                        get_be64(report->report_data));
}

bool evidence_verify(const struct verifier *verifier, const struct evidence *evidence,
                     const struct expectation *expected, struct attested *attested,
                     struct finding *finding)
{
    struct signer signer;

    *attested = (struct attested){0};
    *finding = (struct finding){.verdict = VERDICT_OK};
    if (!read_claims(evidence, expected->requirements, attested, &signer, finding) ||
        !check_presented(verifier, &signer, evidence, expected, attested, finding))
        return false;
    attested->genuine = true;
    attested->bound = report_is_bound(&attested->report, expected->report_data);
    if (!appraise(attested, expected->requirements, expected->admit, expected->context, finding))
        return false;
    if (!attested->bound)
        return fail_unbound(&attested->report, expected->report_data, finding);
    appraise_note_tcb_order(&attested->report, attested->product, finding);
    return true;
}

bool evidence_appraise(const struct attested *attested, const struct requirements *requirements,
                       admit_measurement *admit, void *context, struct finding *finding)
{
    *finding = (struct finding){.verdict = VERDICT_OK};
    if (!attested->genuine)
        return finding_fail(finding, VERDICT_INTERNAL, "the evidence was never verified");
    return check_claims(attested, requirements, finding) &&
           (attested->vlek ? check_csp(attested->csp_id, requirements, finding)
                           : report_check_masked(&attested->report, requirements, finding)) &&
           report_check_chip(&attested->report, requirements, finding) &&
           appraise(attested, requirements, admit, context, finding);
}
