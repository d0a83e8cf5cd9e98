/* SPDX-License-Identifier: MIT */
/* The part of chain.h that is about revocation. */
#include "kbs/evidence/chain.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static bool check_issuer(const struct chain *chain, struct finding *finding)
{
    const X509_NAME *issuer = X509_CRL_get_issuer(chain->crl);
    char found[COMMON_NAME_MAX + 1];

    if (X509_NAME_cmp(issuer, X509_get_subject_name(chain->ark)) == 0)
        return true;
    chain_common_name(issuer, found);
    return finding_fail(finding, VERDICT_CRL_ISSUER, "expected ARK-%s, found %s",
                        chain_platform_name(chain), found);
}

/* Whether the CRL speaks of certificates of CAs, and of every reason to revoke them. */
static bool speaks_of_cas(const X509_CRL *crl)
{
    ISSUING_DIST_POINT *scope =
        X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL, NULL);
    bool wide = scope && scope->onlyuser <= 0 && scope->onlyattr <= 0 && scope->indirectCRL <= 0 &&
                !scope->onlysomereasons;

    ISSUING_DIST_POINT_free(scope);
    return wide;
}

/* A critical extension may limit what the CRL speaks of. */
static bool check_extensions(const X509_CRL *crl, struct finding *finding)
{
    for (int at = -1; (at = X509_CRL_get_ext_by_critical(crl, 1, at)) >= 0;) {
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(X509_CRL_get_ext(crl, at)));

        if (nid != NID_issuing_distribution_point || !speaks_of_cas(crl))
            return finding_fail(finding, VERDICT_CRL_EXTENSION, "%s", OBJ_nid2ln(nid));
    }
    return true;
}

static bool check_dates(const X509_CRL *crl, time_t now, struct validity *validity,
                        struct finding *finding)
{
    char text[VALIDITY_TEXT_MAX];
    struct validity own;

    if (!validity_parse(X509_CRL_get0_lastUpdate(crl), X509_CRL_get0_nextUpdate(crl), &own))
        return finding_fail(finding, VERDICT_CRL_EXPIRED, "it does not say for how long it holds");
    if (!validity_includes(&own, now))
        return finding_fail(finding, VERDICT_CRL_EXPIRED, "valid from %s",
                            validity_text(&own, text));
    validity_narrow(validity, &own);
    return true;
}

/* Moves *at from the start of a CRL to the first field of what is signed. */
static bool enter_signed_part(const uint8_t **at, const uint8_t *end)
{
    bool entered = true;
    long length;
    int tag, class;

    for (int depth = 0; depth < 2 && entered; depth++)
        entered = (ASN1_get_object(at, &length, &tag, &class, end - *at) & 0x80) == 0 &&
                  tag == V_ASN1_SEQUENCE;
    return entered;
}

/* The algorithm that is named within what is signed; the caller frees it. */
static X509_ALGOR *signed_algorithm(const X509_CRL *crl)
{
    uint8_t *der = NULL;
    int size = i2d_X509_CRL(crl, &der);
    const uint8_t *at = der, *end = size > 0 ? der + size : der;
    X509_ALGOR *algorithm = NULL;

    if (enter_signed_part(&at, end)) {
        ASN1_INTEGER_free(d2i_ASN1_INTEGER(NULL, &at, end - at)); /* the version, if there is one */
        algorithm = d2i_X509_ALGOR(NULL, &at, end - at);
    }
    OPENSSL_free(der);
    return algorithm;
}

/* RFC 5280, section 5.1.1.2. OpenSSL compares the two of a certificate, but not those of a CRL. */
static bool signs_its_algorithm(const X509_CRL *crl)
{
    X509_ALGOR *inside = signed_algorithm(crl);
    const X509_ALGOR *outside;
    bool same;

    X509_CRL_get0_signature(crl, NULL, &outside);
    same = inside && X509_ALGOR_cmp(outside, inside) == 0;
    X509_ALGOR_free(inside);
    return same;
}

static bool check_signature(const struct chain *chain, struct finding *finding)
{
    EVP_PKEY *key = X509_get0_pubkey(chain->ark);

    return (key && X509_CRL_get_signature_nid(chain->crl) == NID_rsassaPss &&
            signs_its_algorithm(chain->crl) && X509_CRL_verify(chain->crl, key) == 1) ||
           finding_fail(finding, VERDICT_CRL_SIGNATURE, "expected RSASSA-PSS by ARK-%s",
                        chain_platform_name(chain));
}

static bool is_listed(X509_CRL *crl, const X509 *certificate)
{
    X509_REVOKED *entry;

    return X509_CRL_get0_by_serial(crl, &entry, X509_get0_serialNumber(certificate)) != 0;
}

/* The ARK revokes what it issued: itself and ASK or ASVK. All VCEKs have serial number 0, so a leaf
 * is looked for only if it has a serial number of its own. */
static bool check_entries(const struct chain *chain, struct finding *finding)
{
    if (is_listed(chain->crl, chain->ark))
        return finding_fail(finding, VERDICT_CERTIFICATE_REVOKED, "the ARK");
    if (is_listed(chain->crl, chain->ask))
        return finding_fail(finding, VERDICT_CERTIFICATE_REVOKED, "the %s",
                            chain_intermediate_name(chain->vlek));
    if (!ASN1_INTEGER_get(X509_get0_serialNumber(chain->leaf)))
        return true;
    return !is_listed(chain->crl, chain->leaf) ||
           finding_fail(finding, VERDICT_CERTIFICATE_REVOKED, "the %s",
                        chain_leaf_name(chain->vlek));
}

bool chain_check_crl(const struct chain *chain, time_t now, struct validity *validity,
                     struct finding *finding)
{
    bool good = check_issuer(chain, finding) && check_extensions(chain->crl, finding) &&
                check_dates(chain->crl, now, validity, finding) &&
                check_signature(chain, finding) && check_entries(chain, finding);

    ERR_clear_error();
    return good;
}
