/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/vcek.h"

#include <stddef.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#define AMD_OID(suffix)   "1.3.6.1.4.1.3704.1." suffix
#define P384_SCALAR_SIZE  48
#define SIGNATURE_DER_MAX 128 /* two 49-byte INTEGERs in a SEQUENCE take 104 */

#define TURIN_HWID_SIZE 8

/* The DER form that EVP_DigestVerify wants; returns its size, 0 on failure. */
static size_t signature_to_der(const struct snp_report *report, uint8_t der[SIGNATURE_DER_MAX])
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_lebin2bn(report->signature_r, P384_SCALAR_SIZE, NULL);
    BIGNUM *s = BN_lebin2bn(report->signature_s, P384_SCALAR_SIZE, NULL);
    int size = 0;

    if (signature && r && s && ECDSA_SIG_set0(signature, r, s) == 1) {
        r = s = NULL; /* signature owns them now */
        size = i2d_ECDSA_SIG(signature, &der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    return size > 0 ? (size_t)size : 0;
}

static bool is_p384(const EVP_PKEY *key)
{
    char group[32];

    return key && EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
           OBJ_txt2nid(group) == NID_secp384r1;
}

bool vcek_check_signature(const X509 *vcek, const struct snp_report *report,
                          struct finding *finding)
{
    EVP_PKEY *key = X509_get0_pubkey(vcek);
    EVP_MD_CTX *verify = EVP_MD_CTX_new();
    uint8_t der[SIGNATURE_DER_MAX];
    size_t size = signature_to_der(report, der);
    bool valid = false;

    if (!is_p384(key)) {
        finding_fail(finding, VERDICT_VCEK_KEY, "expected an EC key on P-384");
        goto out;
    }
    if (!verify || size == 0 || EVP_DigestVerifyInit(verify, NULL, EVP_sha384(), NULL, key) != 1) {
        finding_fail(finding, VERDICT_INTERNAL, "cannot set up signature verification");
        goto out;
    }
    valid = EVP_DigestVerify(verify, der, size, (const uint8_t *)report, REPORT_SIGNED_SIZE) == 1;
    if (!valid)
        finding_fail(finding, VERDICT_REPORT_SIGNATURE, "altered, or signed by another chip");
out:
    EVP_MD_CTX_free(verify);
    ERR_clear_error();
    return valid;
}

/* The content of the one extension with this OID; false when absent or repeated. */
MUST_CHECK static bool find_extension(const X509 *vcek, const char *oid, struct reader *content)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    int at = object ? X509_get_ext_by_OBJ(vcek, object, -1) : -1;
    bool unique = at >= 0 && X509_get_ext_by_OBJ(vcek, object, at) < 0;

    ASN1_OBJECT_free(object);
    if (unique) {
        const ASN1_OCTET_STRING *octets = X509_EXTENSION_get_data(X509_get_ext(vcek, at));

        *content = reader_over(ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets));
    }
    return unique;
}

/* A DER INTEGER of 0..255 and nothing after it. */
MUST_CHECK static bool read_svn(const struct reader *content, uint8_t *svn)
{
    const uint8_t *end = content->next;
    ASN1_INTEGER *integer = d2i_ASN1_INTEGER(NULL, &end, (long)content->left);
    uint64_t value;
    bool valid = integer && end == content->next + content->left &&
                 ASN1_INTEGER_get_uint64(&value, integer) == 1 && value <= UINT8_MAX;

    if (valid)
        *svn = (uint8_t)value;
    ASN1_INTEGER_free(integer);
    return valid;
}

static bool check_svn(const X509 *vcek, const char *name, const char *oid, uint8_t expected,
                      struct finding *finding)
{
    struct reader content;
    uint8_t found;

    if (!find_extension(vcek, oid, &content) || !read_svn(&content, &found))
        return finding_fail(finding, VERDICT_VCEK_EXTENSION, "%s (%s)", name, oid);
    return found == expected ||
           finding_fail(finding, VERDICT_TCB_MISMATCH, "%s: the report says %u, the VCEK %u", name,
                        expected, found);
}

bool vcek_check_tcb(const X509 *vcek, const struct snp_report *report, enum product product,
                    struct finding *finding)
{
    struct tcb tcb = product_tcb(product, report->reported_tcb);
    bool equal =
        check_svn(vcek, "boot loader", AMD_OID("3.1"), tcb.bootloader, finding) &&
        check_svn(vcek, "TEE", AMD_OID("3.2"), tcb.tee, finding) &&
        check_svn(vcek, "SNP firmware", AMD_OID("3.3"), tcb.snp, finding) &&
        check_svn(vcek, "microcode", AMD_OID("3.8"), tcb.microcode, finding) &&
        (product != PRODUCT_TURIN || check_svn(vcek, "FMC", AMD_OID("3.9"), tcb.fmc, finding));

    ERR_clear_error();
    return equal;
}

/* Older certificates hold the bare bytes, newer ones an OCTET STRING around them. */
static void unwrap_hwid(struct reader *content, size_t size)
{
    const uint8_t header[] = {V_ASN1_OCTET_STRING, (uint8_t)size};

    if (content->left == sizeof(header) + size &&
        memcmp(content->next, header, sizeof(header)) == 0)
        *content = reader_over(content->next + sizeof(header), size);
}

bool vcek_check_chip(const X509 *vcek, const struct snp_report *report, enum product product,
                     struct finding *finding)
{
    /* Turin's CHIP_ID has 8 significant bytes, then zeros. */
    size_t size = product == PRODUCT_TURIN ? TURIN_HWID_SIZE : CHIP_ID_SIZE;
    struct reader hwid;

    if (!find_extension(vcek, AMD_OID("4"), &hwid))
        return finding_fail(finding, VERDICT_VCEK_EXTENSION, "HWID (%s)", AMD_OID("4"));
    unwrap_hwid(&hwid, size);
    if (hwid.left != size)
        return finding_fail(finding, VERDICT_VCEK_EXTENSION, "HWID of %zu bytes, expected %zu",
                            hwid.left, size);
    return memcmp(hwid.next, report->chip_id, size) == 0 ||
           finding_fail(finding, VERDICT_CHIP_ID_MISMATCH, "CHIP_ID begins with %02x%02x%02x%02x",
                        report->chip_id[0], report->chip_id[1], report->chip_id[2],
                        report->chip_id[3]);
}
