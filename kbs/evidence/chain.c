/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/chain.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#define CA_KEY_BITS     4096
#define EMULATED_NAME   "Emulated"
#define EMULATED_ISSUER "SEV-" EMULATED_NAME
#define COMMON_NAME_MAX 64 /* X.520 ub-common-name */

/* Copies the one common name; empty when there is not exactly one, or an odd one. */
static void common_name(const X509_NAME *name, char text[COMMON_NAME_MAX + 1])
{
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    const ASN1_STRING *value;

    text[0] = '\0';
    if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
        return;
    value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    if (ASN1_STRING_length(value) > COMMON_NAME_MAX)
        return;
    memcpy(text, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    text[ASN1_STRING_length(value)] = '\0';
}

static bool is_emulated(const X509 *vcek)
{
    char issuer[COMMON_NAME_MAX + 1];

    common_name(X509_get_issuer_name(vcek), issuer);
    return strcmp(issuer, EMULATED_ISSUER) == 0;
}

/* Owners' certificates that stand in for what the client did not present. */
static X509 *either(X509 *presented, X509 *provided)
{
    return presented ? presented : provided;
}

static bool select_emulated(const struct trust *trust, const struct certificates *presented,
                            struct chain *chain, struct finding *finding)
{
    if (!trust->emulated_ark)
        return finding_fail(finding, VERDICT_EMULATED_UNTRUSTED,
                            "start with --trust-emulated to release secrets to it");
    if (presented->ark && X509_cmp(presented->ark, trust->emulated_ark) != 0)
        return finding_fail(finding, VERDICT_ROOT_UNTRUSTED,
                            "not the root given with --trust-emulated");
    chain->ark = trust->emulated_ark;
    chain->ask = either(presented->ask, trust->of_emulated.ask);
    return true;
}

static bool select_amd(const struct trust *trust, enum product product,
                       const struct certificates *presented, struct chain *chain,
                       struct finding *finding)
{
    if (presented->ark && !trust_is_amd_root(product, presented->ark))
        return finding_fail(finding, VERDICT_ROOT_UNTRUSTED, "not AMD's pinned ARK-%s",
                            product_name(product));
    chain->ark = either(trust->amd_ark[product], presented->ark);
    chain->ask = either(presented->ask, trust->amd_ask[product]);
    return true;
}

bool chain_select(const struct trust *trust, enum product product,
                  const struct certificates *presented, struct chain *chain,
                  struct finding *finding)
{
    bool selected;

    *chain = (struct chain){.vcek = either(presented->vcek, trust->of_emulated.vcek)};
    if (!chain->vcek)
        return finding_fail(finding, VERDICT_CERTIFICATE_MISSING, "no VCEK");
    chain->emulated = is_emulated(chain->vcek);
    selected = chain->emulated ? select_emulated(trust, presented, chain, finding)
                               : select_amd(trust, product, presented, chain, finding);
    if (!selected)
        return false;
    if (!chain->ark || !chain->ask)
        return finding_fail(finding, VERDICT_CERTIFICATE_MISSING, "no %s for %s",
                            chain->ark ? "ASK" : "ARK",
                            chain->emulated ? EMULATED_NAME : product_name(product));
    return true;
}

static enum verdict verdict_of_x509_error(int error)
{
    switch (error) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
        return VERDICT_CHAIN_VALIDITY;
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
        return VERDICT_CHAIN_CONSTRAINTS;
    default:
        return VERDICT_CHAIN_SIGNATURE;
    }
}

static const char *role_at(int depth)
{
    static const char *const roles[] = {"VCEK", "ASK", "ARK"};

    return depth >= 0 && depth < 3 ? roles[depth] : "chain";
}

/* Path validation by OpenSSL with the ARK as the only trust anchor. */
static bool check_path(const struct chain *chain, time_t now, struct finding *finding)
{
    X509_STORE *anchors = X509_STORE_new();
    X509_STORE_CTX *path = X509_STORE_CTX_new();
    STACK_OF(X509) *intermediates = sk_X509_new_null();
    bool valid = false;

    if (!anchors || !path || !intermediates || !X509_STORE_add_cert(anchors, chain->ark) ||
        !sk_X509_push(intermediates, chain->ask) ||
        !X509_STORE_CTX_init(path, anchors, chain->vcek, intermediates)) {
        finding_fail(finding, VERDICT_INTERNAL, "cannot set up path validation");
        goto out;
    }
    X509_STORE_CTX_set_time(path, 0, now);
    X509_STORE_CTX_set_flags(path, X509_V_FLAG_CHECK_SS_SIGNATURE);
    if (X509_verify_cert(path) != 1) {
        int error = X509_STORE_CTX_get_error(path);

        finding_fail(finding, verdict_of_x509_error(error), "%s: %s",
                     role_at(X509_STORE_CTX_get_error_depth(path)),
                     X509_verify_cert_error_string(error));
        goto out;
    }
    if (sk_X509_num(X509_STORE_CTX_get0_chain(path)) != 3) {
        finding_fail(finding, VERDICT_CHAIN_CONSTRAINTS, "the VCEK is not two steps from the ARK");
        goto out;
    }
    valid = true;
out:
    sk_X509_free(intermediates);
    X509_STORE_CTX_free(path);
    X509_STORE_free(anchors);
    return valid;
}

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

/* With basicConstraints that say so, which OpenSSL would forgive a root for lacking. */
static bool is_ca(X509 *certificate)
{
    return X509_check_ca(certificate) == 1;
}

static bool check_name(const char *role, const X509_NAME *name, const char *prefix,
                       const char *suffix, struct finding *finding)
{
    char found[COMMON_NAME_MAX + 1], expected[COMMON_NAME_MAX + 1];

    common_name(name, found);
    snprintf(expected, sizeof(expected), "%s%s", prefix, suffix);
    return strcmp(found, expected) == 0 ||
           finding_fail(finding, VERDICT_CHAIN_NAME, "%s: expected %s, found %s", role, expected,
                        found);
}

static bool check_names(const struct chain *chain, const char *platform, struct finding *finding)
{
    return check_name("ARK", X509_get_subject_name(chain->ark), "ARK-", platform, finding) &&
           check_name("ARK's issuer", X509_get_issuer_name(chain->ark), "ARK-", platform,
                      finding) &&
           check_name("ASK", X509_get_subject_name(chain->ask), "SEV-", platform, finding) &&
           check_name("ASK's issuer", X509_get_issuer_name(chain->ask), "ARK-", platform,
                      finding) &&
           check_name("VCEK", X509_get_subject_name(chain->vcek), "SEV-", "VCEK", finding) &&
           check_name("VCEK's issuer", X509_get_issuer_name(chain->vcek), "SEV-", platform,
                      finding);
}

static bool check_kinds(const struct chain *chain, struct finding *finding)
{
    X509 *const certificates[] = {chain->vcek, chain->ask, chain->ark};

    for (int depth = 0; depth < 3; depth++) {
        if (!has_amd_signature_kind(certificates[depth]))
            return finding_fail(finding, VERDICT_CHAIN_ALGORITHM,
                                "%s: expected RSASSA-PSS with SHA-384 and a salt of 48 bytes",
                                role_at(depth));
        if (depth == 0)
            continue;
        if (!has_ca_key(certificates[depth]))
            return finding_fail(finding, VERDICT_CHAIN_ALGORITHM, "%s: expected RSA-%d",
                                role_at(depth), CA_KEY_BITS);
        if (!is_ca(certificates[depth]))
            return finding_fail(finding, VERDICT_CHAIN_CONSTRAINTS, "%s: not a CA", role_at(depth));
    }
    return true;
}

bool chain_verify(const struct chain *chain, enum product product, time_t now,
                  struct finding *finding)
{
    bool valid =
        check_path(chain, now, finding) && check_kinds(chain, finding) &&
        check_names(chain, chain->emulated ? EMULATED_NAME : product_name(product), finding);

    ERR_clear_error();
    return valid;
}
