/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs/chip.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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

static bool is_omitted(const struct certificate_spec *spec, const char *oid)
{
    return spec->omitted_oid && strcmp(spec->omitted_oid, oid) == 0;
}

static void add_svn(X509 *certificate, const struct certificate_spec *spec, const char *oid,
                    unsigned byte)
{
    uint8_t svn = (uint8_t)(spec->tcb >> (8 * byte));
    uint8_t small[] = {0x02, 0x01, svn}, large[] = {0x02, 0x02, 0x00, svn};

    if (is_omitted(spec, oid))
        return;
    if (svn < 0x80)
        add_extension(certificate, oid, 0, small, sizeof(small));
    else
        add_extension(certificate, oid, 0, large, sizeof(large));
}

static void add_svns(X509 *certificate, const struct certificate_spec *spec)
{
    if (spec->turin)
        add_svn(certificate, spec, AMD_OID("3.9"), 0);
    add_svn(certificate, spec, AMD_OID("3.1"), spec->turin ? 1 : 0);
    add_svn(certificate, spec, AMD_OID("3.2"), spec->turin ? 2 : 1);
    add_svn(certificate, spec, AMD_OID("3.3"), spec->turin ? 3 : 6);
    add_svn(certificate, spec, AMD_OID("3.8"), 7);
}

static void add_csp_id(X509 *certificate, const char *csp_id)
{
    uint8_t bytes[2 + 127] = {V_ASN1_IA5STRING, (uint8_t)strlen(csp_id)};

    must(strlen(csp_id) <= 127);
    memcpy(bytes + 2, csp_id, strlen(csp_id));
    add_extension(certificate, AMD_OID("5"), 0, bytes, 2 + strlen(csp_id));
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
    if (spec->leaf)
        add_svns(certificate, spec);
    if (spec->hwid && !is_omitted(spec, AMD_OID("4")))
        add_extension(certificate, AMD_OID("4"), 0, spec->hwid, spec->hwid_size);
    if (spec->csp_id)
        add_csp_id(certificate, spec->csp_id);
}

static void set_name(X509_NAME *name, int type, const char *common_name, int size)
{
    must(X509_NAME_add_entry_by_txt(name, "CN", type ? type : MBSTRING_UTF8,
                                    (const uint8_t *)common_name, type ? size : -1, -1, 0));
}

/* A context for signing with PSS and a salt of that size, or without when it is 0. */
static EVP_MD_CTX *signer(EVP_PKEY *key, int salt)
{
    EVP_MD_CTX *sign = EVP_MD_CTX_new();
    EVP_PKEY_CTX *scheme;

    must(EVP_DigestSignInit(sign, &scheme, EVP_sha384(), NULL, key) == 1);
    if (salt > 0)
        must(EVP_PKEY_CTX_set_rsa_padding(scheme, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(scheme, salt) == 1);
    return sign;
}

static void sign_certificate(X509 *certificate, const struct certificate_spec *spec)
{
    EVP_MD_CTX *sign = signer(spec->issuer_key, spec->salt);

    must(X509_sign_ctx(certificate, sign) > 0);
    EVP_MD_CTX_free(sign);
}

X509 *chip_certificate(const struct certificate_spec *spec)
{
    X509 *certificate = X509_new();

    must(X509_set_version(certificate, X509_VERSION_3) &&
         ASN1_INTEGER_set(X509_get_serialNumber(certificate), spec->serial) &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), spec->from) &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), spec->until) &&
         X509_set_pubkey(certificate, spec->key));
    set_name(X509_get_subject_name(certificate), spec->subject_type, spec->subject,
             spec->subject_size);
    set_name(X509_get_issuer_name(certificate), 0, spec->issuer, 0);
    add_extensions(certificate, spec);
    sign_certificate(certificate, spec);
    return certificate;
}

struct certificate_spec chip_ark_spec(const struct chip *chip)
{
    return (struct certificate_spec){
        .subject = chip->ark_name,
        .issuer = chip->ark_name,
        .key = chip->ark_key,
        .issuer_key = chip->ark_key,
        .serial = 0x10000,
        .from = -DAY,
        .until = DAY,
        .salt = 48,
        .ca = true,
    };
}

struct certificate_spec chip_ask_spec(const struct chip *chip)
{
    struct certificate_spec spec = chip_ark_spec(chip);

    spec.subject = chip->ask_name;
    spec.key = chip->ask_key;
    spec.serial = 0x10001;
    return spec;
}

struct certificate_spec chip_asvk_spec(const struct chip *chip)
{
    struct certificate_spec spec = chip_ask_spec(chip);

    spec.subject = chip->asvk_name;
    spec.serial = 0x10002;
    return spec;
}

struct certificate_spec chip_vcek_spec(const struct chip *chip)
{
    return (struct certificate_spec){
        .subject = "SEV-VCEK",
        .issuer = chip->ask_name,
        .key = chip->vcek_key,
        .issuer_key = chip->ask_key,
        .from = -DAY,
        .until = DAY,
        .salt = 48,
        .leaf = true,
        .hwid = chip->id,
        .hwid_size = chip->id_size,
        .tcb = chip->tcb,
        .turin = strcmp(chip->platform, "Turin") == 0,
    };
}

struct certificate_spec chip_vlek_spec(const struct chip *chip)
{
    struct certificate_spec spec = chip_vcek_spec(chip);

    spec.subject = "SEV-VLEK";
    spec.issuer = chip->asvk_name;
    spec.key = chip->vlek_key;
    spec.hwid = NULL;
    spec.csp_id = CHIP_CSP_ID;
    return spec;
}

static void free_certificates(struct chip *chip)
{
    X509_free(chip->ark);
    X509_free(chip->ask);
    X509_free(chip->asvk);
    X509_free(chip->vcek);
    X509_free(chip->vlek);
}

void chip_become(struct chip *chip, const char *platform)
{
    bool turin = strcmp(platform, "Turin") == 0;
    struct certificate_spec ark, ask, asvk, vcek, vlek;

    free_certificates(chip);
    chip->platform = platform;
    snprintf(chip->ark_name, sizeof(chip->ark_name), "ARK-%s", platform);
    snprintf(chip->ask_name, sizeof(chip->ask_name), "SEV-%s", platform);
    snprintf(chip->asvk_name, sizeof(chip->asvk_name), "SEV-VLEK-%s", platform);
    chip->id_size = turin ? 8 : CHIP_ID_SIZE;
    chip->tcb = turin ? CHIP_TCB_TURIN : CHIP_TCB;
    for (size_t i = 0; i < sizeof(chip->id); i++)
        chip->id[i] = i < chip->id_size ? (uint8_t)(0xc0 ^ i) : 0;
    ark = chip_ark_spec(chip);
    ask = chip_ask_spec(chip);
    asvk = chip_asvk_spec(chip);
    vcek = chip_vcek_spec(chip);
    vlek = chip_vlek_spec(chip);
    chip->ark = chip_certificate(&ark);
    chip->ask = chip_certificate(&ask);
    chip->asvk = chip_certificate(&asvk);
    chip->vcek = chip_certificate(&vcek);
    chip->vlek = chip_certificate(&vlek);
}

void chip_make(struct chip *chip)
{
    *chip = (struct chip){
        .ark_key = EVP_RSA_gen(4096),
        .ask_key = EVP_RSA_gen(4096),
        .vcek_key = EVP_EC_gen("P-384"),
        .vlek_key = EVP_EC_gen("P-384"),
    };
    chip_become(chip, "Emulated");
}

void chip_free(struct chip *chip)
{
    free_certificates(chip);
    EVP_PKEY_free(chip->ark_key);
    EVP_PKEY_free(chip->ask_key);
    EVP_PKEY_free(chip->vcek_key);
    EVP_PKEY_free(chip->vlek_key);
}

struct crl_spec chip_crl_spec(const struct chip *chip)
{
    return (struct crl_spec){
        .issuer = chip->ark_name, .key = chip->ark_key, .from = -DAY, .until = DAY, .salt = 48};
}

static void add_crl_extension(X509_CRL *crl, X509_EXTENSION *extension)
{
    must(extension && X509_CRL_add_ext(crl, extension, -1));
    X509_EXTENSION_free(extension);
}

static X509_EXTENSION *unknown_critical(const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    must(object && ASN1_OCTET_STRING_set(octets, (const uint8_t *)"\x05", 2));
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, octets);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
    return extension;
}

static X509_EXTENSION *scope_of(const char *only_scope)
{
    ISSUING_DIST_POINT *scope = ISSUING_DIST_POINT_new();
    X509_EXTENSION *extension;

    if (strcmp(only_scope, "onlyuser") == 0)
        scope->onlyuser = 0xff;
    else
        scope->onlyCA = 0xff;
    extension = X509V3_EXT_i2d(NID_issuing_distribution_point, 1, scope);
    ISSUING_DIST_POINT_free(scope);
    return extension;
}

static void add_revoked(X509_CRL *crl, long serial)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, time(NULL) - DAY);

    must(ASN1_INTEGER_set(number, serial) && X509_REVOKED_set_serialNumber(entry, number) &&
         X509_REVOKED_set_revocationDate(entry, when) && X509_CRL_add0_revoked(crl, entry));
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(when);
}

/* The same as others would read it, which alone has the digest that comparisons use. */
static X509_CRL *reread(X509_CRL *crl)
{
    uint8_t *der = NULL;
    const uint8_t *start;
    int size = i2d_X509_CRL(crl, &der);

    must(size > 0);
    X509_CRL_free(crl);
    start = der;
    crl = d2i_X509_CRL(NULL, &start, size);
    must(crl != NULL);
    OPENSSL_free(der);
    return crl;
}

X509_CRL *chip_crl(const struct crl_spec *spec)
{
    X509_CRL *crl = X509_CRL_new();
    X509_NAME *issuer = X509_NAME_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, time(NULL) + spec->from);
    ASN1_TIME *until = ASN1_TIME_set(NULL, time(NULL) + spec->until);
    EVP_MD_CTX *sign = signer(spec->key, spec->salt);

    set_name(issuer, 0, spec->issuer, 0);
    must(X509_CRL_set_version(crl, X509_CRL_VERSION_2) && X509_CRL_set_issuer_name(crl, issuer) &&
         X509_CRL_set1_lastUpdate(crl, from) &&
         (spec->until == 0 || X509_CRL_set1_nextUpdate(crl, until)));
    if (spec->critical)
        add_crl_extension(crl, unknown_critical(spec->critical));
    if (spec->only_scope)
        add_crl_extension(crl, scope_of(spec->only_scope));
    if (spec->revoked)
        add_revoked(crl, spec->revoked);
    must(X509_CRL_sort(crl) && X509_CRL_sign_ctx(crl, sign) > 0);
    EVP_MD_CTX_free(sign);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    X509_NAME_free(issuer);
    return reread(crl);
}

/* CPUID as reports have it. */
static void set_processor(const struct chip *chip, struct snp_report *report)
{
    report->cpuid_fam_id = strcmp(chip->platform, "Turin") == 0 ? 0x1a : 0x19;
    report->cpuid_mod_id = strcmp(chip->platform, "Genoa") == 0 ? 0x11 : 0x01;
}

struct snp_report chip_report(const struct chip *chip, const uint8_t report_data[REPORT_DATA_SIZE])
{
    struct snp_report report = {
        .version = 3,
        .policy = SNP_POLICY_DEFAULT,
        .signature_algo = 1,
        .current_tcb = chip->tcb,
        .reported_tcb = chip->tcb,
        .committed_tcb = chip->tcb,
        .launch_tcb = chip->tcb,
    };

    set_processor(chip, &report);
    memcpy(report.report_data, report_data, sizeof(report.report_data));
    memset(report.measurement, 0x4d, sizeof(report.measurement));
    memset(report.report_id_ma, 0xff, sizeof(report.report_id_ma));
    memcpy(report.chip_id, chip->id, sizeof(report.chip_id));
    return report;
}

static void sign_with(EVP_PKEY *key, struct snp_report *report)
{
    EVP_MD_CTX *sign = EVP_MD_CTX_new();
    uint8_t der[128];
    const uint8_t *start = der;
    size_t size = sizeof(der);
    ECDSA_SIG *signature;

    must(EVP_DigestSignInit(sign, NULL, EVP_sha384(), NULL, key) == 1 &&
         EVP_DigestSign(sign, der, &size, (const uint8_t *)report, REPORT_SIGNED_SIZE) == 1);
    signature = d2i_ECDSA_SIG(NULL, &start, (long)size);
    must(BN_bn2lebinpad(ECDSA_SIG_get0_r(signature), report->signature_r,
                        sizeof(report->signature_r)) > 0 &&
         BN_bn2lebinpad(ECDSA_SIG_get0_s(signature), report->signature_s,
                        sizeof(report->signature_s)) > 0);
    ECDSA_SIG_free(signature);
    EVP_MD_CTX_free(sign);
}

void chip_sign(const struct chip *chip, struct snp_report *report)
{
    sign_with(chip->vcek_key, report);
}

void chip_sign_with_vlek(const struct chip *chip, struct snp_report *report)
{
    sign_with(chip->vlek_key, report);
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

/* An entry's place in the table is ahead, its content at the end, which moves on. */
static void put_entry(struct writer *entries, const char *guid, const uint8_t *der, int size,
                      uint8_t *table, size_t room, size_t *end)
{
    must(size > 0 && (size_t)size <= room - *end && writer_put(entries, guid, GUID_SIZE) &&
         writer_le32(entries, (uint32_t)*end) && writer_le32(entries, (uint32_t)size));
    memcpy(table + *end, der, (size_t)size);
    *end += (size_t)size;
}

static void put_certificate(struct writer *entries, const char *guid, const X509 *certificate,
                            uint8_t *table, size_t room, size_t *end)
{
    uint8_t *der = NULL;
    int size = certificate ? i2d_X509(certificate, &der) : 0;

    if (certificate)
        put_entry(entries, guid, der, size, table, room, end);
    OPENSSL_free(der);
}

size_t chip_whole_table(const struct chip_entries *entries, uint8_t *table, size_t room)
{
    size_t end = 6 * (GUID_SIZE + 8);
    struct writer head = writer_over(table, end);
    uint8_t *crl = NULL;

    assert(room >= end);
    put_certificate(&head, "\xc0\xb4\x06\xa4\xa8\x03\x49\x52\x97\x43\x3f\xb6\x01\x4c\xd0\xae",
                    entries->ark, table, room, &end);
    put_certificate(&head, "\x4a\xb7\xb3\x79\xbb\xac\x4f\xe4\xa0\x2f\x05\xae\xf3\x27\xc7\x82",
                    entries->ask, table, room, &end);
    put_certificate(&head, "\x63\xda\x75\x8d\xe6\x64\x45\x64\xad\xc5\xf4\xb9\x3b\xe8\xac\xcd",
                    entries->vcek, table, room, &end);
    put_certificate(&head, "\xa8\x07\x4b\xc2\xa2\x5a\x48\x3e\xaa\xe6\x39\xc0\x45\xa0\xb8\xa1",
                    entries->vlek, table, room, &end);
    if (entries->crl) {
        int size = i2d_X509_CRL(entries->crl, &crl);

        put_entry(&head, "\x92\xf8\x1b\xc3\x58\x11\x4d\x3d\x97\xff\xd1\x9f\x88\xdc\x67\xea", crl,
                  size, table, room, &end);
        OPENSSL_free(crl);
    }
    must(writer_zeros(&head, head.room));
    return end;
}

size_t chip_table(X509 *ark, X509 *ask, X509 *vcek, uint8_t *table, size_t room)
{
    struct chip_entries entries = {.ark = ark, .ask = ask, .vcek = vcek};

    return chip_whole_table(&entries, table, room);
}
