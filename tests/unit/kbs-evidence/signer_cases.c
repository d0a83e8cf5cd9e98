/* SPDX-License-Identifier: MIT */
/* V6 to V8: the key that signed, VCEK or VLEK, and what its certificate was issued for. */
#include <stdlib.h>

#include <openssl/evp.h>

#include "kbs/evidence/leaf.h"
#include "tests/unit/kbs-evidence/attempt.h"
#include "tests/unit/kbs/hex.h"
#include "tests/unit/kbs/vectors.h"
#include "tests/unit/registered.h"

#define AMD_OID(suffix) "1.3.6.1.4.1.3704.1." suffix

#define EXPECT_VCEK(change, expected)                                                              \
    do {                                                                                           \
        struct certificate_spec spec = chip_vcek_spec(&milan);                                     \
        struct attempt try = attempt_begin();                                                      \
                                                                                                   \
        change;                                                                                    \
        try.sent.vcek = chip_certificate(&spec);                                                   \
        expect_verdict(&try, expected);                                                            \
        X509_free(try.sent.vcek);                                                                  \
    } while (0)

TEST(names_what_is_wrong_with_the_key)
{
    EVP_PKEY *p256 = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-384");

    EXPECT_VCEK(spec.key = p256, VERDICT_LEAF_KEY);
    EXPECT_VCEK(spec.key = other, VERDICT_REPORT_SIGNATURE);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(other);
}

TEST(holds_each_component_of_the_tcb_against_the_vcek)
{
    EXPECT(try.report.reported_tcb ^= 1ull, VERDICT_TCB_MISMATCH);
    EXPECT(try.report.reported_tcb ^= 1ull << 8, VERDICT_TCB_MISMATCH);
    EXPECT(try.report.reported_tcb ^= 1ull << 48, VERDICT_TCB_MISMATCH);
    EXPECT(try.report.reported_tcb ^= 1ull << 56, VERDICT_TCB_MISMATCH);
    EXPECT_VCEK(spec.tcb ^= 1ull << 56, VERDICT_TCB_MISMATCH);
    EXPECT_VCEK(spec.omitted_oid = AMD_OID("3.1"), VERDICT_LEAF_EXTENSION);
    EXPECT_VCEK(spec.omitted_oid = AMD_OID("3.2"), VERDICT_LEAF_EXTENSION);
    EXPECT_VCEK(spec.omitted_oid = AMD_OID("3.3"), VERDICT_LEAF_EXTENSION);
    EXPECT_VCEK(spec.omitted_oid = AMD_OID("3.8"), VERDICT_LEAF_EXTENSION);
}

TEST(holds_the_chip_against_the_vcek)
{
    uint8_t tagged[2 + CHIP_ID_SIZE] = {0x04, CHIP_ID_SIZE};

    memcpy(tagged + 2, milan.id, sizeof(milan.id));
    EXPECT(try.report.chip_id[63] ^= 1, VERDICT_CHIP_ID_MISMATCH);
    EXPECT_VCEK(spec.hwid_size = 63, VERDICT_LEAF_EXTENSION);
    EXPECT_VCEK(spec.omitted_oid = AMD_OID("4"), VERDICT_LEAF_EXTENSION);
    EXPECT_VCEK((spec.hwid = tagged, spec.hwid_size = sizeof(tagged)), VERDICT_OK);
}

TEST(admits_a_masked_chip_only_when_told_to)
{
    struct attempt try = attempt_begin();

    memset(try.report.chip_id, 0, sizeof(try.report.chip_id));
    expect_verdict(&try, VERDICT_CHIP_ID_MASKED);
    try.requirements.masked_chip_id = true;
    expect_verdict(&try, VERDICT_OK);
    try.sent.vcek = NULL;
    expect_verdict(&try, VERDICT_CERTIFICATE_MISSING);
}

TEST(admits_only_listed_chips)
{
    struct attempt try = attempt_begin();
    uint8_t chips[2][CHIP_ID_SIZE] = {{1}, {2}};

    try.requirements.chip_ids = chips;
    try.requirements.chip_id_count = 2;
    expect_verdict(&try, VERDICT_CHIP_REFUSED);
    memcpy(chips[1], milan.id, CHIP_ID_SIZE);
    expect_verdict(&try, VERDICT_OK);
}

/* Turin */

TEST(splits_turins_tcb_and_chip_id)
{
    struct chip turin = milan;
    struct attempt try = attempt_begin();
    struct crl_spec spec;

    turin.ark = turin.ask = turin.asvk = turin.vcek = turin.vlek = NULL;
    chip_become(&turin, "Turin");
    spec = chip_crl_spec(&turin);
    try.chip = &turin;
    try.trust = (struct trust){.amd_ark = {[PRODUCT_TURIN] = turin.ark}};
    try.sent = (struct chip_entries){.ask = turin.ask, .vcek = turin.vcek, .crl = chip_crl(&spec)};
    try.report = chip_report(&turin, try.report_data);
    expect_verdict(&try, VERDICT_OK);
    assert_int_equal(try.attested.product, PRODUCT_TURIN);

    try.requirements.tcb_min[PRODUCT_TURIN] =
        (struct tcb){.fmc = 1, .bootloader = 3, .tee = 0, .snp = 8, .microcode = 0xd5};
    expect_verdict(&try, VERDICT_OK);
    try.requirements.tcb_min[PRODUCT_TURIN].fmc = 2;
    expect_verdict(&try, VERDICT_TCB_REPORTED_FMC);
    try.requirements.tcb_min[PRODUCT_TURIN].fmc = 1;
    try.report.committed_tcb--;
    expect_verdict(&try, VERDICT_TCB_COMMITTED_FMC);
    try.report.committed_tcb++;
    try.report.launch_tcb--;
    expect_verdict(&try, VERDICT_TCB_LAUNCH_FMC);
    try.report.launch_tcb++;
    try.report.current_tcb--;
    expect_verdict(&try, VERDICT_TCB_CURRENT_FMC);
    try.report.current_tcb++;

    try.report.reported_tcb ^= 1; /* FMC */
    try.requirements.tcb_min[PRODUCT_TURIN].fmc = 0;
    expect_verdict(&try, VERDICT_TCB_MISMATCH);
    try.report.reported_tcb ^= 1;
    try.report.chip_id[7] ^= 1;
    expect_verdict(&try, VERDICT_CHIP_ID_MISMATCH);

    X509_CRL_free(try.sent.crl);
    X509_free(turin.ark);
    X509_free(turin.ask);
    X509_free(turin.asvk);
    X509_free(turin.vcek);
    X509_free(turin.vlek);
}

/* VLEK */

static struct attempt begin_vlek(void)
{
    struct attempt try = attempt_begin();

    try.sign_with_vlek = true;
    try.report.key_info = 1u << 2;
    try.sent = (struct chip_entries){.ask = milan.asvk, .vlek = milan.vlek, .crl = milan_crl};
    try.requirements.vlek = true;
    try.requirements.csp_id_count = 2;
    strcpy(try.requirements.csp_ids[0], "Another Cloud");
    strcpy(try.requirements.csp_ids[1], CHIP_CSP_ID);
    return try;
}

TEST(admits_a_vlek_of_a_listed_provider)
{
    struct attempt try = begin_vlek();

    expect_verdict(&try, VERDICT_OK);
    assert_true(try.attested.vlek);
    assert_string_equal(try.attested.csp_id, CHIP_CSP_ID);
    memset(try.report.chip_id, 0, sizeof(try.report.chip_id)); /* a VLEK is not of one chip */
    expect_verdict(&try, VERDICT_OK);
    try.requirements.csp_id_count = 1;
    expect_verdict(&try, VERDICT_CSP_ID_REFUSED);
    try.requirements.vlek = false;
    expect_verdict(&try, VERDICT_VLEK_REFUSED);
}

TEST(the_report_says_which_chain_it_is_and_not_the_client)
{
    struct attempt try = begin_vlek();

    /* Signed with the VLEK, but sent with the VCEK's chain. */
    try.sent = (struct chip_entries){.ask = milan.ask, .vcek = milan.vcek, .crl = milan_crl};
    expect_verdict(&try, VERDICT_CERTIFICATE_MISSING);
    try.sent.vlek = milan.vlek;
    expect_verdict(&try, VERDICT_CHAIN_NAME); /* the ASK is no ASVK */
    try.sent.ask = milan.asvk;
    expect_verdict(&try, VERDICT_OK); /* whatever else lies beside */
    try.report.key_info = 0;
    expect_verdict(&try, VERDICT_CHAIN_NAME);
    try.sent.ask = milan.ask;
    expect_verdict(&try, VERDICT_REPORT_SIGNATURE);
}

TEST(takes_the_asvk_from_the_owner)
{
    struct attempt try = begin_vlek();

    try.sent.ask = NULL;
    expect_verdict(&try, VERDICT_CERTIFICATE_MISSING);
    try.trust.amd_ask[PRODUCT_MILAN] = milan.ask;
    expect_verdict(&try, VERDICT_CERTIFICATE_MISSING);
    try.trust.amd_asvk[PRODUCT_MILAN] = milan.asvk;
    expect_verdict(&try, VERDICT_OK);
}

static void expect_vlek(const struct certificate_spec *spec, enum verdict expected)
{
    struct attempt try = begin_vlek();

    try.sent.vlek = chip_certificate(spec);
    expect_verdict(&try, expected);
    X509_free(try.sent.vlek);
}

TEST(names_what_is_wrong_with_the_vlek)
{
    struct certificate_spec spec = chip_vlek_spec(&milan);
    char long_name[CSP_ID_MAX + 2];

    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    spec.csp_id = NULL;
    expect_vlek(&spec, VERDICT_LEAF_EXTENSION);
    spec.csp_id = "";
    expect_vlek(&spec, VERDICT_LEAF_EXTENSION);
    spec.csp_id = long_name;
    expect_vlek(&spec, VERDICT_LEAF_EXTENSION);
    spec.csp_id = "Example\x01";
    expect_vlek(&spec, VERDICT_LEAF_EXTENSION);
    spec = chip_vlek_spec(&milan);
    spec.hwid = milan.id;
    expect_vlek(&spec, VERDICT_LEAF_EXTENSION);
    spec = chip_vlek_spec(&milan);
    spec.tcb++;
    expect_vlek(&spec, VERDICT_TCB_MISMATCH);
    spec = chip_vlek_spec(&milan);
    spec.key = milan.vcek_key;
    expect_vlek(&spec, VERDICT_REPORT_SIGNATURE);
}

TEST(the_asvk_can_be_revoked)
{
    struct attempt try = begin_vlek();
    struct crl_spec spec = chip_crl_spec(&milan);

    spec.revoked = 0x10002;
    try.sent.crl = chip_crl(&spec);
    expect_verdict(&try, VERDICT_CERTIFICATE_REVOKED);
    assert_string_equal(try.finding.detail, "the ASVK");
    X509_CRL_free(try.sent.crl);
}

/* The signed report whose signature two other implementations made. */
static struct snp_report vector_report(void)
{
    struct snp_report report = {.version = 3, .policy = 0x30000, .signature_algo = 1};
    uint8_t big_endian[48];

    report.current_tcb = report.reported_tcb = report.committed_tcb = report.launch_tcb =
        0xdb18000000000004;
    report.platform_info = 0x25;
    bytes_of_hex(TV3_REPORT_DATA, report.report_data, sizeof(report.report_data));
    for (unsigned i = 0; i < sizeof(report.measurement); i++)
        report.measurement[i] = (uint8_t)i;
    memset(report.host_data, 0xc0, sizeof(report.host_data));
    memset(report.report_id, 0x14, sizeof(report.report_id));
    memset(report.report_id_ma, 0xff, sizeof(report.report_id_ma));
    report.cpuid_fam_id = 0x19;
    report.cpuid_mod_id = report.cpuid_step = 1;
    for (unsigned i = 0; i < sizeof(report.chip_id); i++)
        report.chip_id[i] = (uint8_t)i;
    report.current_build = report.committed_build = 0x1d;
    report.current_minor = report.committed_minor = 0x37;
    report.current_major = report.committed_major = 1;
    bytes_of_hex(REPORT_VECTOR_R, big_endian, sizeof(big_endian));
    for (unsigned i = 0; i < 48; i++)
        report.signature_r[i] = big_endian[47 - i];
    bytes_of_hex(REPORT_VECTOR_S, big_endian, sizeof(big_endian));
    for (unsigned i = 0; i < 48; i++)
        report.signature_s[i] = big_endian[47 - i];
    return report;
}

TEST(verifies_the_signature_vector_and_none_of_its_alterations)
{
    struct snp_report report = vector_report();
    struct certificate_spec spec = chip_vcek_spec(&milan);
    uint8_t point[1 + 2 * 48] = {0x04};
    struct finding finding;
    X509 *vcek;

    bytes_of_hex(REPORT_VECTOR_X, point + 1, 48);
    bytes_of_hex(REPORT_VECTOR_Y, point + 49, 48);
    spec.key = EVP_PKEY_new();
    assert_int_equal(EVP_PKEY_copy_parameters(spec.key, milan.vcek_key), 1);
    assert_int_equal(EVP_PKEY_set1_encoded_public_key(spec.key, point, sizeof(point)), 1);
    vcek = chip_certificate(&spec);
    assert_true(leaf_check_signature(vcek, &report, &finding));
    for (size_t at = 0; at < REPORT_SIGNED_SIZE; at++) {
        ((uint8_t *)&report)[at] ^= 1;
        assert_false(leaf_check_signature(vcek, &report, &finding));
        assert_int_equal(finding.verdict, VERDICT_REPORT_SIGNATURE);
        ((uint8_t *)&report)[at] ^= 1;
    }
    X509_free(vcek);
    EVP_PKEY_free(spec.key);
}

TEST(splits_the_tcb_by_processor_generation)
{
    struct tcb milans = product_tcb(PRODUCT_MILAN, 0x0807060504030201ull);
    struct tcb turins = product_tcb(PRODUCT_TURIN, 0x0807060504030201ull);
    enum product product;

    assert_int_equal(milans.fmc, 0);
    assert_int_equal(milans.bootloader, 1);
    assert_int_equal(milans.tee, 2);
    assert_int_equal(milans.snp, 7);
    assert_int_equal(milans.microcode, 8);
    assert_int_equal(turins.fmc, 1);
    assert_int_equal(turins.bootloader, 2);
    assert_int_equal(turins.tee, 3);
    assert_int_equal(turins.snp, 4);
    assert_int_equal(turins.microcode, 8);
    assert_true(product_of_cpuid(0x19, 0xA5, &product) && product == PRODUCT_GENOA);
    assert_true(product_of_cpuid(0x1A, 0x11, &product) && product == PRODUCT_TURIN);
    assert_false(product_of_cpuid(0x1A, 0x12, &product));
    assert_false(product_of_cpuid(0, 0, &product));
}
