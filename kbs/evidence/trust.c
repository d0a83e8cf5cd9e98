/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

/* SHA-256 of the DER of ARK-Milan, ARK-Genoa and ARK-Turin. */
static const uint8_t amd_root_pins[PRODUCT_COUNT][SHA256_DIGEST_LENGTH] = {
    [PRODUCT_MILAN] = {0x69, 0xd0, 0x63, 0xb4, 0x53, 0x44, 0xd2, 0x6a, 0x2e, 0x94, 0xe1,
                       0xf4, 0x21, 0x0d, 0xe4, 0x9e, 0xf5, 0x55, 0x30, 0x82, 0x87, 0xd4,
                       0xc1, 0x74, 0x44, 0x5c, 0x95, 0x63, 0x9a, 0x54, 0x0b, 0xcd},
    [PRODUCT_GENOA] = {0x4c, 0x65, 0x98, 0xd1, 0x9c, 0x18, 0x71, 0x9c, 0x5d, 0xfd, 0x4a,
                       0x7d, 0x33, 0x5f, 0x67, 0x4e, 0x5b, 0xfe, 0x1d, 0x8f, 0x80, 0x0c,
                       0xea, 0x2c, 0xf2, 0x70, 0xc1, 0x0d, 0x10, 0x3d, 0xb2, 0xf1},
    [PRODUCT_TURIN] = {0x1f, 0x08, 0x41, 0x61, 0xa4, 0x4b, 0xb6, 0xd9, 0x37, 0x78, 0xa9,
                       0x04, 0x87, 0x7d, 0x48, 0x19, 0xca, 0xfa, 0x5d, 0x05, 0xef, 0x41,
                       0x93, 0xb2, 0xde, 0xd9, 0xdd, 0x9c, 0x73, 0xdd, 0x3f, 0x6a},
};

static const char *const file_prefix[PRODUCT_COUNT] = {"milan", "genoa", "turin"};

static bool fail(struct trust_error *error, const char *path, const char *reason)
{
    snprintf(error->text, sizeof(error->text), "%s: %s", path, reason);
    return false;
}

/* Loads a certificate if the file exists; leaves *certificate NULL if not. */
MUST_CHECK static bool load_optional(const char *directory, const char *name, X509 **certificate,
                                     struct trust_error *error)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    *certificate = certificate_load(path);
    if (*certificate || errno == ENOENT)
        return true;
    return fail(error, path, errno == EINVAL ? "not a certificate" : strerror(errno));
}

bool trust_is_amd_root(enum product product, const X509 *certificate)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];

    return X509_digest(certificate, EVP_sha256(), digest, NULL) == 1 &&
           memcmp(digest, amd_root_pins[product], sizeof(digest)) == 0;
}

/* Loads PRODUCT-ROLE.pem or .der. */
MUST_CHECK static bool load_role(const char *directory, enum product product, const char *role,
                                 X509 **certificate, struct trust_error *error)
{
    char pem[32], der[32];

    snprintf(pem, sizeof(pem), "%s-%s.pem", file_prefix[product], role);
    snprintf(der, sizeof(der), "%s-%s.der", file_prefix[product], role);
    return load_optional(directory, pem, certificate, error) &&
           (*certificate || load_optional(directory, der, certificate, error));
}

MUST_CHECK static bool load_product(struct trust *trust, enum product product,
                                    const char *directory, struct trust_error *error)
{
    char ark[16];

    if (!load_role(directory, product, "ark", &trust->amd_ark[product], error) ||
        !load_role(directory, product, "ask", &trust->amd_ask[product], error) ||
        !load_role(directory, product, "asvk", &trust->amd_asvk[product], error))
        return false;
    snprintf(ark, sizeof(ark), "%s-ark", file_prefix[product]);
    if (trust->amd_ark[product] && !trust_is_amd_root(product, trust->amd_ark[product]))
        return fail(error, ark, "not AMD's root certificate (its SHA-256 is not the pinned one)");
    return true;
}

bool trust_load_amd(struct trust *trust, const char *directory, struct trust_error *error)
{
    bool any = false;

    for (enum product product = 0; product < PRODUCT_COUNT; product++) {
        if (!load_product(trust, product, directory, error))
            return false;
        any |= trust->amd_ark[product] || trust->amd_ask[product] || trust->amd_asvk[product];
    }
    return any || fail(error, directory, "holds none of {milan,genoa,turin}-{ark,ask,asvk}.pem");
}

bool trust_load_emulated(struct trust *trust, const char *path, struct trust_error *error)
{
    trust->emulated_ark = certificate_load(path);
    if (trust->emulated_ark)
        return true;
    return fail(error, path, errno == EINVAL ? "not a certificate" : strerror(errno));
}

bool trust_load_emulated_chain(struct trust *trust, const char *directory,
                               struct trust_error *error)
{
    struct certificates *chain = &trust->of_emulated;

    if (!load_optional(directory, "ask.pem", &chain->ask, error) ||
        !load_optional(directory, "vcek.der", &chain->vcek, error) ||
        (!chain->vcek && !load_optional(directory, "vcek.pem", &chain->vcek, error)))
        return false;
    return (chain->ask && chain->vcek) ||
           fail(error, directory, "lacks ask.pem, or both vcek.der and vcek.pem");
}

void trust_free(struct trust *trust)
{
    for (enum product product = 0; product < PRODUCT_COUNT; product++) {
        X509_free(trust->amd_ark[product]);
        X509_free(trust->amd_ask[product]);
        X509_free(trust->amd_asvk[product]);
    }
    X509_free(trust->emulated_ark);
    certificates_free(&trust->of_emulated);
    *trust = (struct trust){0};
}
