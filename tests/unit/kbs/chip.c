/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs/chip.h"

#include <assert.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "lib/base/writer.h"

#define AMD_OID(suffix) "1.3.6.1.4.1.3704.1." suffix
#define GUID_SIZE       16

/* What cannot fail in a test with memory. */
static void must(bool done)
{
    if (!done)
        abort();
}

static void add_extension(X509 *certificate, const char *oid, int critical, const uint8_t *bytes,
                          size_t size)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    must(ASN1_OCTET_STRING_set(octets, bytes, (int)size));
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, octets);
    must(X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
}

static void add_svn(X509 *certificate, const struct certificate_spec *spec, const char *oid,
                    unsigned byte)
{
    uint8_t svn = (uint8_t)(spec->tcb >> (8 * byte));
    uint8_t small[] = {0x02, 0x01, svn}, large[] = {0x02, 0x02, 0x00, svn};

    if (spec->omitted_oid && strcmp(spec->omitted_oid, oid) == 0)
        return;
    if (svn < 0x80)
        add_extension(certificate, oid, 0, small, sizeof(small));
    else
        add_extension(certificate, oid, 0, large, sizeof(large));
}

static void add_standard(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    must(extension && X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

static void add_extensions(X509 *certificate, const struct certificate_spec *spec)
{
    if (spec->ca)
        add_standard(certificate, NID_basic_constraints, "critical,CA:TRUE");
    if (spec->critical)
        add_extension(certificate, spec->critical, 1, (const uint8_t *)"\x05", 2);
    if (!spec->hwid)
        return;
    add_svn(certificate, spec, AMD_OID("3.1"), 0);
    add_svn(certificate, spec, AMD_OID("3.2"), 1);
    add_svn(certificate, spec, AMD_OID("3.3"), 6);
    add_svn(certificate, spec, AMD_OID("3.8"), 7);
    add_extension(certificate, AMD_OID("4"), 0, spec->hwid, spec->hwid_size);
}

static void set_name(X509_NAME *name, const char *common_name)
{
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)common_name, -1, -1,
                                    0));
}

static void sign_certificate(X509 *certificate, const struct certificate_spec *spec)
{
    EVP_MD_CTX *sign = EVP_MD_CTX_new();
    EVP_PKEY_CTX *scheme;

    must(EVP_DigestSignInit(sign, &scheme, EVP_sha384(), NULL, spec->issuer_key) == 1);
    if (spec->salt > 0)
        must(EVP_PKEY_CTX_set_rsa_padding(scheme, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(scheme, spec->salt) == 1);
    must(X509_sign_ctx(certificate, sign) > 0);
    EVP_MD_CTX_free(sign);
}

X509 *chip_certificate(const struct certificate_spec *spec)
{
    X509 *certificate = X509_new();

    must(X509_set_version(certificate, X509_VERSION_3) &&
         ASN1_INTEGER_set(X509_get_serialNumber(certificate), 0) &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), spec->from) &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), spec->until) &&
         X509_set_pubkey(certificate, spec->key));
    set_name(X509_get_subject_name(certificate), spec->subject);
    set_name(X509_get_issuer_name(certificate), spec->issuer);
    add_extensions(certificate, spec);
    sign_certificate(certificate, spec);
    return certificate;
}

struct certificate_spec chip_ark_spec(const struct chip *chip)
{
    return (struct certificate_spec){
        .subject = "ARK-Emulated",
        .issuer = "ARK-Emulated",
        .key = chip->ark_key,
        .issuer_key = chip->ark_key,
        .from = -DAY,
        .until = DAY,
        .salt = 48,
        .ca = true,
    };
}

struct certificate_spec chip_ask_spec(const struct chip *chip)
{
    struct certificate_spec spec = chip_ark_spec(chip);

    spec.subject = "SEV-Emulated";
    spec.key = chip->ask_key;
    return spec;
}

struct certificate_spec chip_vcek_spec(const struct chip *chip)
{
    return (struct certificate_spec){
        .subject = "SEV-VCEK",
        .issuer = "SEV-Emulated",
        .key = chip->vcek_key,
        .issuer_key = chip->ask_key,
        .from = -DAY,
        .until = DAY,
        .salt = 48,
        .hwid = chip->id,
        .hwid_size = sizeof(chip->id),
        .tcb = CHIP_TCB,
    };
}

void chip_make(struct chip *chip)
{
    struct certificate_spec ark, ask, vcek;

    *chip = (struct chip){
        .ark_key = EVP_RSA_gen(4096),
        .ask_key = EVP_RSA_gen(4096),
        .vcek_key = EVP_EC_gen("P-384"),
    };
    for (size_t i = 0; i < sizeof(chip->id); i++)
        chip->id[i] = (uint8_t)(0xc0 ^ i);
    ark = chip_ark_spec(chip);
    ask = chip_ask_spec(chip);
    vcek = chip_vcek_spec(chip);
    chip->ark = chip_certificate(&ark);
    chip->ask = chip_certificate(&ask);
    chip->vcek = chip_certificate(&vcek);
}

void chip_free(struct chip *chip)
{
    X509_free(chip->ark);
    X509_free(chip->ask);
    X509_free(chip->vcek);
    EVP_PKEY_free(chip->ark_key);
    EVP_PKEY_free(chip->ask_key);
    EVP_PKEY_free(chip->vcek_key);
}

struct snp_report chip_report(const struct chip *chip, const uint8_t report_data[REPORT_DATA_SIZE])
{
    struct snp_report report = {
        .version = 3,
        .policy = SNP_POLICY_DEFAULT,
        .signature_algo = 1,
        .current_tcb = CHIP_TCB,
        .reported_tcb = CHIP_TCB,
        .committed_tcb = CHIP_TCB,
        .launch_tcb = CHIP_TCB,
        .cpuid_fam_id = 0x19,
        .cpuid_mod_id = 0x01,
    };

    memcpy(report.report_data, report_data, sizeof(report.report_data));
    memset(report.measurement, 0x4d, sizeof(report.measurement));
    memset(report.report_id_ma, 0xff, sizeof(report.report_id_ma));
    memcpy(report.chip_id, chip->id, sizeof(report.chip_id));
    return report;
}

void chip_sign(const struct chip *chip, struct snp_report *report)
{
    EVP_MD_CTX *sign = EVP_MD_CTX_new();
    uint8_t der[128];
    const uint8_t *start = der;
    size_t size = sizeof(der);
    ECDSA_SIG *signature;

    must(EVP_DigestSignInit(sign, NULL, EVP_sha384(), NULL, chip->vcek_key) == 1 &&
         EVP_DigestSign(sign, der, &size, (const uint8_t *)report, REPORT_SIGNED_SIZE) == 1);
    signature = d2i_ECDSA_SIG(NULL, &start, (long)size);
    must(BN_bn2lebinpad(ECDSA_SIG_get0_r(signature), report->signature_r,
                        sizeof(report->signature_r)) > 0 &&
         BN_bn2lebinpad(ECDSA_SIG_get0_s(signature), report->signature_s,
                        sizeof(report->signature_s)) > 0);
    ECDSA_SIG_free(signature);
    EVP_MD_CTX_free(sign);
}

void chip_report_data(const struct p521_point *key, const uint8_t *nonce, size_t size,
                      uint8_t report_data[REPORT_DATA_SIZE])
{
    uint8_t bound[sizeof(*key) + 64];

    assert(size <= 64);
    memcpy(bound, key, sizeof(*key));
    memcpy(bound + sizeof(*key), nonce, size);
    SHA512(bound, sizeof(*key) + size, report_data);
}

size_t chip_table(X509 *ark, X509 *ask, X509 *vcek, uint8_t *table, size_t room)
{
    static const char *const guids[] = {
        "\xc0\xb4\x06\xa4\xa8\x03\x49\x52\x97\x43\x3f\xb6\x01\x4c\xd0\xae",
        "\x4a\xb7\xb3\x79\xbb\xac\x4f\xe4\xa0\x2f\x05\xae\xf3\x27\xc7\x82",
        "\x63\xda\x75\x8d\xe6\x64\x45\x64\xad\xc5\xf4\xb9\x3b\xe8\xac\xcd"};
    X509 *const certificates[] = {ark, ask, vcek};
    size_t end = 4 * (GUID_SIZE + 8);
    struct writer entries = writer_over(table, end);

    assert(room >= end);
    for (int i = 0; i < 3; i++) {
        uint8_t *der = NULL;
        int size;

        if (!certificates[i])
            continue;
        size = i2d_X509(certificates[i], &der);
        must(size > 0 && (size_t)size <= room - end && writer_put(&entries, guids[i], GUID_SIZE) &&
             writer_le32(&entries, (uint32_t)end) && writer_le32(&entries, (uint32_t)size));
        memcpy(table + end, der, (size_t)size);
        end += (size_t)size;
        OPENSSL_free(der);
    }
    must(writer_zeros(&entries, entries.room));
    return end;
}
