/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/gather.h"

#include <string.h>

#include <openssl/x509.h>

#include "kbs/collateral/collateral.h"
#include "kbs/evidence/leaf.h"
#include "kbs/evidence/report.h"

#define EMULATED_NAME "Emulated"

/* A reference of one's own to a certificate, which may be NULL. */
static X509 *reference(X509 *certificate)
{
    if (certificate)
        X509_up_ref(certificate);
    return certificate;
}

/* What a leaf's issuer says of the platform: "Milan" of SEV-Milan or SEV-VLEK-Milan. */
static void platform_of(const X509 *leaf, bool vlek, char name[COMMON_NAME_MAX + 1])
{
    const char *prefix = vlek ? "SEV-VLEK-" : "SEV-";
    char issuer[COMMON_NAME_MAX + 1];

    chain_common_name(X509_get_issuer_name(leaf), issuer);
    if (strncmp(issuer, prefix, strlen(prefix)) == 0)
        strcpy(name, issuer + strlen(prefix));
    else
        name[0] = '\0';
}

/* The leaf */

static bool fail_without_leaf(bool vlek, const char *why, struct finding *finding)
{
    return finding_fail(finding, VERDICT_CERTIFICATE_MISSING, "no %s: %s", chain_leaf_name(vlek),
                        why);
}

/* A report of version 2 does not say whose it is. Turins never made any. */
static bool may_be_from(const struct signer *signer, enum product product)
{
    return signer->product_known ? signer->product == product : !product_has_fmc(product);
}

static bool fetch_vcek(const struct verifier *verifier, const struct signer *signer,
                       const struct requirements *requirements, time_t now, X509 **vcek,
                       struct finding *finding)
{
    const struct snp_report *report = signer->report;
    enum collateral_status status = COLLATERAL_NONE;

    /* Strangers cannot have us ask AMD for chips that are refused anyway. */
    if (!report_check_chip(report, requirements, finding))
        return false;
    for (enum product product = 0; product < PRODUCT_COUNT; product++) {
        if (!may_be_from(signer, product) || !requirements->product_allowed[product])
            continue;
        status = collateral_vcek(verifier->collateral, product, report->chip_id,
                                 product_tcb(product, report->reported_tcb), now, vcek);
        if (status == COLLATERAL_OK)
            return true;
    }
    return fail_without_leaf(false, collateral_status_text(status), finding);
}

static bool gather_leaf(const struct verifier *verifier, const struct signer *signer,
                        const struct certificates *presented,
                        const struct requirements *requirements, time_t now, X509 **leaf,
                        struct finding *finding)
{
    X509 *of_emulated = verifier->trust->of_emulated.vcek;

    *leaf = reference(signer->vlek ? presented->vlek : presented->vcek);
    if (*leaf)
        return true;
    if (signer->vlek)
        return fail_without_leaf(true, "only the host has it and must pass it on", finding);
    /* The emulated chip is laid out as a Milan. */
    if (of_emulated && leaf_is_for(of_emulated, PRODUCT_MILAN, signer->report->chip_id, NULL)) {
        *leaf = reference(of_emulated);
        return true;
    }
    if (report_masks_chip(signer->report))
        return fail_without_leaf(false, "CHIP_ID is masked, so that it cannot be looked up",
                                 finding);
    if (!verifier->collateral)
        return fail_without_leaf(false, "the client sent none", finding);
    return fetch_vcek(verifier, signer, requirements, now, leaf, finding);
}

/* The platform */

static bool settle_product(const struct signer *signer, const char *platform,
                           const struct requirements *requirements, struct chain *chain,
                           struct finding *finding)
{
    if (signer->product_known) {
        chain->product = signer->product;
        return true;
    }
    if (chain->emulated || !product_of_name(platform, &chain->product))
        return finding_fail(finding, VERDICT_PRODUCT_UNKNOWN,
                            "neither the report nor the issuer of its %s tells",
                            chain_leaf_name(chain->vlek));
    return report_check_product(chain->product, requirements, finding);
}

/* The certificates above the leaf */

static X509 *collateral_ask(const struct verifier *verifier, const struct chain *chain, time_t now)
{
    X509 *ask = NULL;

    if (verifier->collateral && !chain->emulated &&
        collateral_intermediate(verifier->collateral, chain->product, chain->vlek, now, &ask) !=
            COLLATERAL_OK)
        return NULL;
    return ask;
}

static X509 *collateral_ark(const struct verifier *verifier, const struct chain *chain, time_t now)
{
    X509 *ark = NULL;

    if (verifier->collateral && collateral_root(verifier->collateral, chain->product, chain->vlek,
                                                now, &ark) != COLLATERAL_OK)
        return NULL;
    return ark;
}

static X509 *provided_ask(const struct verifier *verifier, const struct chain *chain)
{
    const struct trust *trust = verifier->trust;

    if (chain->emulated)
        return trust->of_emulated.ask;
    return chain->vlek ? trust->amd_asvk[chain->product] : trust->amd_ask[chain->product];
}

static bool gather_emulated_root(const struct trust *trust, const struct certificates *presented,
                                 struct chain *chain, struct finding *finding)
{
    if (!trust->emulated_ark)
        return finding_fail(finding, VERDICT_EMULATED_UNTRUSTED,
                            "this server is not configured to trust it");
    if (presented->ark && X509_cmp(presented->ark, trust->emulated_ark) != 0)
        return finding_fail(finding, VERDICT_ROOT_UNTRUSTED,
                            "not the emulated root that is trusted");
    chain->ark = reference(trust->emulated_ark);
    return true;
}

/* What trust holds was compared with the pin when it was loaded; all else is compared here. */
static bool gather_amd_root(const struct verifier *verifier, const struct certificates *presented,
                            time_t now, struct chain *chain, struct finding *finding)
{
    X509 *own = verifier->trust->amd_ark[chain->product];

    if (presented->ark && (own ? X509_cmp(presented->ark, own) != 0
                               : !trust_is_amd_root(chain->product, presented->ark)))
        return finding_fail(finding, VERDICT_ROOT_UNTRUSTED, "ARK: not AMD's pinned ARK-%s",
                            product_name(chain->product));
    chain->ark = reference(own ? own : presented->ark);
    if (chain->ark)
        return true;
    chain->ark = collateral_ark(verifier, chain, now);
    return !chain->ark || trust_is_amd_root(chain->product, chain->ark) ||
           finding_fail(finding, VERDICT_ROOT_UNTRUSTED,
                        "ARK: what the KDS gave is not AMD's pinned ARK-%s",
                        product_name(chain->product));
}

bool gather_chain(const struct verifier *verifier, const struct signer *signer,
                  const struct certificates *presented, const struct requirements *requirements,
                  time_t now, struct chain *chain, struct finding *finding)
{
    char platform[COMMON_NAME_MAX + 1];
    bool rooted;

    *chain = (struct chain){.vlek = signer->vlek};
    if (!gather_leaf(verifier, signer, presented, requirements, now, &chain->leaf, finding))
        return false;
    platform_of(chain->leaf, chain->vlek, platform);
    chain->emulated = strcmp(platform, EMULATED_NAME) == 0;
    if (!settle_product(signer, platform, requirements, chain, finding))
        return false;
    rooted = chain->emulated ? gather_emulated_root(verifier->trust, presented, chain, finding)
                             : gather_amd_root(verifier, presented, now, chain, finding);
    if (!rooted)
        return false;
    chain->ask = reference(presented->ask ? presented->ask : provided_ask(verifier, chain));
    if (!chain->ask)
        chain->ask = collateral_ask(verifier, chain, now);
    if (!chain->ark || !chain->ask)
        return finding_fail(finding, VERDICT_CERTIFICATE_MISSING, "no %s for %s",
                            chain->ark ? chain_intermediate_name(chain->vlek) : "ARK",
                            chain_platform_name(chain));
    return true;
}

static bool is_out_of_date(const X509_CRL *crl, time_t now)
{
    struct validity validity;

    return !validity_parse(X509_CRL_get0_lastUpdate(crl), X509_CRL_get0_nextUpdate(crl),
                           &validity) ||
           !validity_includes(&validity, now);
}

void gather_crl(const struct verifier *verifier, const struct certificates *presented, time_t now,
                struct chain *chain, const char **reason)
{
    enum collateral_status status = COLLATERAL_NONE;

    if (verifier->collateral)
        status =
            collateral_crl(verifier->collateral, chain->product, chain->vlek, now, &chain->crl);
    *reason = status == COLLATERAL_OK ? NULL : collateral_status_text(status);
    /* The client's own will do where there is no better one: the ARK signed it, too. */
    if (presented->crl && (!chain->crl || is_out_of_date(chain->crl, now))) {
        X509_CRL_free(chain->crl);
        X509_CRL_up_ref(presented->crl);
        chain->crl = presented->crl;
    }
}
