/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/chain.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "lib/base/printable.h"

#define CA_KEY_BITS 4096

/* One certificate of a chain, and how it must be. */
struct link {
    const char *role; /* "ASK" */
    X509 *certificate, *issuer;
    const char *subject_prefix, *subject_suffix;
    const char *issuer_prefix;
    const char *platform;
    bool ca;
};

#define LINKS 3 /* the leaf first, as OpenSSL counts depth */

const char *chain_leaf_name(bool vlek)
{
    return vlek ? "VLEK" : "VCEK";
}

const char *chain_intermediate_name(bool vlek)
{
    return vlek ? "ASVK" : "ASK";
}

const char *chain_platform_name(const struct chain *chain)
{
    return chain->emulated ? "Emulated" : product_name(chain->product);
}

static void describe(const struct chain *chain, struct link links[LINKS])
{
    const char *platform = chain_platform_name(chain);
    const char *intermediate = chain->vlek ? "SEV-VLEK-" : "SEV-";

    links[0] = (struct link){
        .role = chain_leaf_name(chain->vlek),
        .certificate = chain->leaf,
        .issuer = chain->ask,
        .subject_prefix = "SEV-",
        .subject_suffix = chain_leaf_name(chain->vlek),
        .issuer_prefix = intermediate,
        .platform = platform,
    };
    links[1] = (struct link){
        .role = chain_intermediate_name(chain->vlek),
        .certificate = chain->ask,
        .issuer = chain->ark,
        .subject_prefix = intermediate,
        .subject_suffix = platform,
        .issuer_prefix = "ARK-",
        .platform = platform,
        .ca = true,
    };
    links[2] = (struct link){
        .role = "ARK",
        .certificate = chain->ark,
        .issuer = chain->ark,
        .subject_prefix = "ARK-",
        .subject_suffix = platform,
        .issuer_prefix = "ARK-",
        .platform = platform,
        .ca = true,
    };
}

/* Names */

void chain_common_name(const X509_NAME *name, char text[COMMON_NAME_MAX + 1])
{
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    const ASN1_STRING *value;

    text[0] = '\0';
    if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
        return;
    value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    printable_write(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value), text,
                    COMMON_NAME_MAX + 1);
}

static bool check_name(const struct link *link, const char *which, const X509_NAME *name,
                       const char *prefix, const char *suffix, struct finding *finding)
{
    char found[COMMON_NAME_MAX + 1], expected[COMMON_NAME_MAX + 1];

    chain_common_name(name, found);
    snprintf(expected, sizeof(expected), "%s%s", prefix, suffix);
    return strcmp(found, expected) == 0 ||
           finding_fail(finding, VERDICT_CHAIN_NAME, "%s: expected %s %s, found %s", link->role,
                        which, expected, found);
}

static bool check_names(const struct link *link, struct finding *finding)
{
    const X509_NAME *issuer = X509_get_issuer_name(link->certificate);

    return check_name(link, "subject", X509_get_subject_name(link->certificate),
                      link->subject_prefix, link->subject_suffix, finding) &&
           check_name(link, "issuer", issuer, link->issuer_prefix, link->platform, finding) &&
           (X509_NAME_cmp(issuer, X509_get_subject_name(link->issuer)) == 0 ||
            finding_fail(finding, VERDICT_CHAIN_NAME,
                         "%s: its issuer's whole name is not its issuer's subject", link->role));
}

/* Kinds of keys and signatures */

/* RSASSA-PSS, SHA-384 for message and mask, salt of 48 bytes (what OpenSSL deems fit for TLS). */
static bool has_amd_signature_kind(X509 *certificate)
{
    int digest, key;
    uint32_t flags;

    return X509_get_signature_info(certificate, &digest, &key, NULL, &flags) == 1 &&
           digest == NID_sha384 && key == NID_rsassaPss && (flags & X509_SIG_INFO_TLS);
}

static bool has_ca_key(const X509 *certificate)
{
    const EVP_PKEY *key = X509_get0_pubkey(certificate);

    return key && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) == CA_KEY_BITS;
}

static bool check_kind(const struct link *link, struct finding *finding)
{
    if (!has_amd_signature_kind(link->certificate))
        return finding_fail(finding, VERDICT_CHAIN_ALGORITHM,
                            "%s: expected RSASSA-PSS with SHA-384 and a salt of 48 bytes",
                            link->role);
    if (link->ca && !has_ca_key(link->certificate))
        return finding_fail(finding, VERDICT_CHAIN_ALGORITHM, "%s: expected RSA-%d", link->role,
                            CA_KEY_BITS);
    return true;
}

/* With basicConstraints that say so, which OpenSSL would forgive a root for lacking. */
static bool check_constraints(const struct link *link, struct finding *finding)
{
    return !link->ca || X509_check_ca(link->certificate) == 1 ||
           finding_fail(finding, VERDICT_CHAIN_CONSTRAINTS, "%s: not a CA", link->role);
}

static bool check_dates(const struct link *link, time_t now, struct validity *validity,
                        struct finding *finding)
{
    char text[VALIDITY_TEXT_MAX];
    struct validity own;

    if (!validity_parse(X509_get0_notBefore(link->certificate),
                        X509_get0_notAfter(link->certificate), &own))
        return finding_fail(finding, VERDICT_CHAIN_VALIDITY, "%s: malformed dates", link->role);
    if (!validity_includes(&own, now))
        return finding_fail(finding, VERDICT_CHAIN_VALIDITY, "%s: valid from %s", link->role,
                            validity_text(&own, text));
    validity_narrow(validity, &own);
    return true;
}

/* Signatures, and whatever else path validation looks at */

static enum verdict verdict_of_x509_error(int error)
{
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_SUBJECT_ISSUER_MISMATCH:
        return VERDICT_CHAIN_NAME;
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
        return VERDICT_CHAIN_VALIDITY;
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_INVALID_EXTENSION:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
        return VERDICT_CHAIN_CONSTRAINTS;
    default:
        return VERDICT_CHAIN_SIGNATURE;
    }
}

static const char *role_at(const struct link links[LINKS], int depth)
{
    return depth >= 0 && depth < LINKS ? links[depth].role : "chain";
}

/* Path validation by OpenSSL with the ARK as the only trust anchor. */
static bool check_path(const struct link links[LINKS], time_t now, struct finding *finding)
{
    X509_STORE *anchors = X509_STORE_new();
    X509_STORE_CTX *path = X509_STORE_CTX_new();
    STACK_OF(X509) *intermediates = sk_X509_new_null();
    bool valid = false;

    if (!anchors || !path || !intermediates ||
        !X509_STORE_add_cert(anchors, links[2].certificate) ||
        !sk_X509_push(intermediates, links[1].certificate) ||
        !X509_STORE_CTX_init(path, anchors, links[0].certificate, intermediates)) {
        finding_fail(finding, VERDICT_INTERNAL, "cannot set up path validation");
        goto out;
    }
    X509_STORE_CTX_set_time(path, 0, now);
    X509_STORE_CTX_set_flags(path, X509_V_FLAG_CHECK_SS_SIGNATURE);
    if (X509_verify_cert(path) != 1) {
        int error = X509_STORE_CTX_get_error(path);

        finding_fail(finding, verdict_of_x509_error(error), "%s: %s",
                     role_at(links, X509_STORE_CTX_get_error_depth(path)),
                     X509_verify_cert_error_string(error));
        goto out;
    }
    if (sk_X509_num(X509_STORE_CTX_get0_chain(path)) != LINKS) {
        finding_fail(finding, VERDICT_CHAIN_CONSTRAINTS, "%s: not two steps from the ARK",
                     links[0].role);
        goto out;
    }
    valid = true;
out:
    sk_X509_free(intermediates);
    X509_STORE_CTX_free(path);
    X509_STORE_free(anchors);
    return valid;
}

/* What each certificate says of itself comes first, so that a certificate that was altered there is
 * refused for that and not for its signature alone. */
bool chain_verify(const struct chain *chain, time_t now, struct validity *validity,
                  struct finding *finding)
{
    struct link links[LINKS];
    bool valid = true;

    describe(chain, links);
    *validity = (struct validity){.from = 0, .until = INT64_MAX};
    for (int i = 0; valid && i < LINKS; i++)
        valid = check_names(&links[i], finding) && check_kind(&links[i], finding) &&
                check_constraints(&links[i], finding) &&
                check_dates(&links[i], now, validity, finding);
    valid = valid && check_path(links, now, finding);
    ERR_clear_error();
    return valid;
}

MUST_CHECK static bool digest_of(const X509 *certificate, uint8_t digest[SHA256_DIGEST_LENGTH])
{
    return X509_digest(certificate, EVP_sha256(), digest, NULL) == 1;
}

bool chain_fingerprint(const struct chain *chain, uint8_t fingerprint[32])
{
    struct {
        uint8_t kind[4];
        uint8_t leaf[SHA256_DIGEST_LENGTH], ask[SHA256_DIGEST_LENGTH], ark[SHA256_DIGEST_LENGTH],
            crl[SHA256_DIGEST_LENGTH];
    } parts = {.kind = {chain->product, chain->vlek, chain->emulated, chain->crl != NULL}};

    static_assert(sizeof(parts) == 4 + 4 * SHA256_DIGEST_LENGTH, "no padding");
    return digest_of(chain->leaf, parts.leaf) && digest_of(chain->ask, parts.ask) &&
           digest_of(chain->ark, parts.ark) &&
           (!chain->crl || X509_CRL_digest(chain->crl, EVP_sha256(), parts.crl, NULL) == 1) &&
           SHA256((const uint8_t *)&parts, sizeof(parts), fingerprint);
}

void chain_free(struct chain *chain)
{
    X509_free(chain->ark);
    X509_free(chain->ask);
    X509_free(chain->leaf);
    X509_CRL_free(chain->crl);
    *chain = (struct chain){0};
}
