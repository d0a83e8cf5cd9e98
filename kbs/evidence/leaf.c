/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/leaf.h"

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

#include "kbs/evidence/report.h"
#include "lib/base/reader.h"
#include "lib/ecdsa/der.h"

#define AMD_OID(suffix)  "1.3.6.1.4.1.3704.1." suffix
#define OID_HWID         AMD_OID("4")
#define OID_CSP_ID       AMD_OID("5")
#define P384_SCALAR_SIZE 48

static bool is_p384(const EVP_PKEY *key)
{
    char group[32];

    return key && EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
           OBJ_txt2nid(group) == NID_secp384r1;
}

bool leaf_check_signature(const X509 *leaf, const struct snp_report *report,
                          struct finding *finding)
{
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    EVP_MD_CTX *verify = EVP_MD_CTX_new();
    uint8_t der[ECDSA_DER_MAX];
    size_t size = ecdsa_der(BN_lebin2bn(report->signature_r, P384_SCALAR_SIZE, NULL),
                            BN_lebin2bn(report->signature_s, P384_SCALAR_SIZE, NULL), der);
    bool valid = false;

    if (!is_p384(key)) {
        finding_fail(finding, VERDICT_LEAF_KEY, "expected an EC key on P-384");
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
MUST_CHECK static bool find_extension(const X509 *leaf, const char *oid, struct reader *content)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    int at = object ? X509_get_ext_by_OBJ(leaf, object, -1) : -1;
    bool unique = at >= 0 && X509_get_ext_by_OBJ(leaf, object, at) < 0;

    ASN1_OBJECT_free(object);
    if (unique) {
        const ASN1_OCTET_STRING *octets = X509_EXTENSION_get_data(X509_get_ext(leaf, at));

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

/* A component of a TCB, and the extension that has it. */
struct component {
    const char *name, *oid;
    uint8_t value;
};

#define COMPONENTS 5

/* Lists the components that the leaf of a product has to name; returns how many they are. */
static unsigned list_components(enum product product, const struct tcb *tcb,
                                struct component components[COMPONENTS])
{
    const struct component all[COMPONENTS] = {
        {"boot loader", AMD_OID("3.1"), tcb->bootloader},
        {"TEE", AMD_OID("3.2"), tcb->tee},
        {"SNP firmware", AMD_OID("3.3"), tcb->snp},
        {"microcode", AMD_OID("3.8"), tcb->microcode},
        {"FMC", AMD_OID("3.9"), tcb->fmc},
    };

    memcpy(components, all, sizeof(all));
    return product_has_fmc(product) ? COMPONENTS : COMPONENTS - 1;
}

static bool check_component(const X509 *leaf, const struct component *expected,
                            struct finding *finding)
{
    struct reader content;
    uint8_t found;

    if (!find_extension(leaf, expected->oid, &content) || !read_svn(&content, &found))
        return finding_fail(finding, VERDICT_LEAF_EXTENSION, "%s (%s) is missing or malformed",
                            expected->name, expected->oid);
    return found == expected->value ||
           finding_fail(finding, VERDICT_TCB_MISMATCH, "%s: the report says %u, the certificate %u",
                        expected->name, expected->value, found);
}

static bool check_components(const X509 *leaf, enum product product, const struct tcb *tcb,
                             struct finding *finding)
{
    struct component components[COMPONENTS];
    unsigned count = list_components(product, tcb, components);
    bool equal = true;

    for (unsigned i = 0; equal && i < count; i++)
        equal = check_component(leaf, &components[i], finding);
    ERR_clear_error();
    return equal;
}

bool leaf_check_tcb(const X509 *leaf, const struct snp_report *report, enum product product,
                    struct finding *finding)
{
    struct tcb tcb = product_tcb(product, report->reported_tcb);

    return check_components(leaf, product, &tcb, finding);
}

/* Older certificates hold the bare bytes, newer ones an OCTET STRING around them. */
static void unwrap_hwid(struct reader *content, size_t size)
{
    const uint8_t header[] = {V_ASN1_OCTET_STRING, (uint8_t)size};

    if (content->left == sizeof(header) + size &&
        memcmp(content->next, header, sizeof(header)) == 0)
        *content = reader_over(content->next + sizeof(header), size);
}

/* The HWID extension; it has as many bytes as CHIP_ID has significant ones. */
static bool find_hwid(const X509 *vcek, enum product product, struct reader *hwid,
                      struct finding *finding)
{
    size_t size = product_chip_id_size(product);

    if (!find_extension(vcek, OID_HWID, hwid)) {
        finding_fail(finding, VERDICT_LEAF_EXTENSION, "HWID (%s) is missing", OID_HWID);
        return false;
    }
    unwrap_hwid(hwid, size);
    if (hwid->left == size)
        return true;
    finding_fail(finding, VERDICT_LEAF_EXTENSION, "HWID of %zu bytes, expected %zu", hwid->left,
                 size);
    return false;
}

bool leaf_check_chip(const X509 *vcek, const struct snp_report *report, enum product product,
                     struct finding *finding)
{
    struct reader hwid;

    if (!find_hwid(vcek, product, &hwid, finding))
        return false;
    return report_masks_chip(report) || memcmp(hwid.next, report->chip_id, hwid.left) == 0 ||
           finding_fail(finding, VERDICT_CHIP_ID_MISMATCH,
                        "expected %02x%02x%02x%02x..., found %02x%02x%02x%02x...", hwid.next[0],
                        hwid.next[1], hwid.next[2], hwid.next[3], report->chip_id[0],
                        report->chip_id[1], report->chip_id[2], report->chip_id[3]);
}

bool leaf_is_for(const X509 *vcek, enum product product, const uint8_t chip_id[CHIP_ID_SIZE],
                 const struct tcb *tcb)
{
    struct finding unused;
    struct reader hwid;

    return find_hwid(vcek, product, &hwid, &unused) && memcmp(hwid.next, chip_id, hwid.left) == 0 &&
           (!tcb || check_components(vcek, product, tcb, &unused));
}

/* An IA5String of 1 to CSP_ID_MAX printable characters and nothing after it. */
MUST_CHECK static bool read_csp_id(const struct reader *content, char csp_id[CSP_ID_MAX + 1])
{
    const uint8_t *end = content->next;
    ASN1_IA5STRING *text = d2i_ASN1_IA5STRING(NULL, &end, (long)content->left);
    int length = text ? ASN1_STRING_length(text) : 0;
    bool valid = end == content->next + content->left && length > 0 && length <= CSP_ID_MAX;

    for (int i = 0; valid && i < length; i++) {
        csp_id[i] = (char)ASN1_STRING_get0_data(text)[i];
        valid = csp_id[i] >= ' ' && csp_id[i] <= '~';
    }
    csp_id[valid ? length : 0] = '\0';
    ASN1_IA5STRING_free(text);
    return valid;
}

bool leaf_read_csp(const X509 *vlek, char csp_id[CSP_ID_MAX + 1], struct finding *finding)
{
    struct reader content;
    bool valid = find_extension(vlek, OID_CSP_ID, &content) && read_csp_id(&content, csp_id);

    ERR_clear_error();
    if (!valid)
        return finding_fail(finding, VERDICT_LEAF_EXTENSION, "CSP_ID (%s) is missing or malformed",
                            OID_CSP_ID);
    return !find_extension(vlek, OID_HWID, &content) ||
           finding_fail(finding, VERDICT_LEAF_EXTENSION, "a VLEK with HWID (%s)", OID_HWID);
}
