/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "kbs/evidence/chain.h"
#include "kbs/evidence/evidence.h"
#include "kbs/evidence/vcek.h"
#include "tests/unit/kbs/chip.h"
#include "tests/unit/kbs/hex.h"
#include "tests/unit/kbs/vectors.h"

static struct chip chip;
static const uint8_t data[REPORT_DATA_SIZE] = {1, 2, 3, 4};

static int make_chip(void **state)
{
    (void)state;
    chip_make(&chip);
    return 0;
}

static int free_chip(void **state)
{
    (void)state;
    chip_free(&chip);
    return 0;
}

/* Registered is the measurement of chip_report alone. */
static bool is_registered(void *registry, const uint8_t measurement[LAUNCH_DIGEST_SIZE])
{
    struct snp_report report = chip_report(&chip, data);

    (void)registry;
    return memcmp(report.measurement, measurement, LAUNCH_DIGEST_SIZE) == 0;
}

/* Verifies bytes with the certificates given, the emulated root being trusted or not. */
static enum verdict verify_bytes(const void *bytes, size_t size, X509 *ark, X509 *ask, X509 *vcek,
                                 bool trusted)
{
    uint8_t table[8192];
    const struct evidence evidence = {
        .report = bytes,
        .report_size = size,
        .certificate_table = table,
        .certificate_table_size = chip_table(ark, ask, vcek, table, sizeof(table)),
    };
    const struct trust trust = {.emulated_ark = trusted ? chip.ark : NULL};
    struct expectation expected = {
        .trust = &trust, .now = time(NULL), .is_registered = is_registered};
    struct attested attested;
    struct finding finding;
    bool accepted;

    memcpy(expected.report_data, data, sizeof(data));
    accepted = evidence_verify(&evidence, &expected, &attested, &finding);
    assert_int_equal(accepted, finding.verdict == VERDICT_OK);
    if (accepted)
        assert_int_equal(attested.platform, PLATFORM_EMULATED);
    return finding.verdict;
}

static enum verdict verify_report(const struct snp_report *report)
{
    return verify_bytes(report, sizeof(*report), NULL, chip.ask, chip.vcek, true);
}

static enum verdict sign_and_verify(struct snp_report report)
{
    chip_sign(&chip, &report);
    return verify_report(&report);
}

static struct snp_report good_report(void)
{
    struct snp_report report = chip_report(&chip, data);

    chip_sign(&chip, &report);
    return report;
}

static void accepts_a_good_report(void **state)
{
    struct snp_report report = good_report();

    (void)state;
    assert_int_equal(verify_report(&report), VERDICT_OK);
    assert_int_equal(verify_bytes(&report, sizeof(report), chip.ark, chip.ask, chip.vcek, true),
                     VERDICT_OK);
}

static void accepts_versions_3_to_5(void **state)
{
    struct snp_report report = chip_report(&chip, data);

    (void)state;
    for (report.version = 3; report.version <= 5; report.version++)
        assert_int_equal(sign_and_verify(report), VERDICT_OK);
    assert_int_equal(sign_and_verify(report), VERDICT_REPORT_VERSION); /* 6 */
    report.version = 2;
    assert_int_equal(sign_and_verify(report), VERDICT_REPORT_VERSION);
}

static void refuses_a_report_of_another_size(void **state)
{
    struct snp_report report[2] = {good_report(), good_report()};

    (void)state;
    for (size_t size = 0; size < sizeof(report); size += 37)
        if (size != sizeof(report[0]))
            assert_int_equal(verify_bytes(report, size, NULL, chip.ask, chip.vcek, true),
                             VERDICT_REPORT_SIZE);
    assert_int_equal(verify_bytes(report, sizeof(report[0]) + 1, NULL, chip.ask, chip.vcek, true),
                     VERDICT_REPORT_SIZE);
}

static void refuses_every_flipped_byte(void **state)
{
    const struct snp_report good = good_report();

    (void)state;
    for (size_t at = 0; at < sizeof(good); at++) {
        struct snp_report bad = good;

        ((uint8_t *)&bad)[at] ^= 0x10;
        assert_int_not_equal(verify_report(&bad), VERDICT_OK);
    }
}

static void names_what_is_wrong_with_the_unsigned_form(void **state)
{
    const struct snp_report good = good_report();
    struct snp_report bad;

    (void)state;
    bad = good;
    bad.reserved_330[367] = 1;
    assert_int_equal(verify_report(&bad), VERDICT_UNSIGNED_BYTES);
    bad = good;
    bad.signature_r[48] = 1;
    assert_int_equal(verify_report(&bad), VERDICT_UNSIGNED_BYTES);
    bad = good;
    bad.signature_s[71] = 1;
    assert_int_equal(verify_report(&bad), VERDICT_UNSIGNED_BYTES);
    bad = good;
    memset(bad.signature_r, 0, sizeof(bad.signature_r));
    assert_int_equal(verify_report(&bad), VERDICT_SIGNATURE_RANGE);
    bad = good;
    memset(bad.signature_s, 0xff, 48);
    assert_int_equal(verify_report(&bad), VERDICT_SIGNATURE_RANGE);
    bad = good;
    bad.signature_s[0] ^= 1;
    assert_int_equal(verify_report(&bad), VERDICT_REPORT_SIGNATURE);
    bad = good;
    bad.host_data[0] ^= 1;
    assert_int_equal(verify_report(&bad), VERDICT_REPORT_SIGNATURE);
}

#define EXPECT_WITH(change, verdict)                                                               \
    do {                                                                                           \
        struct snp_report report = chip_report(&chip, data);                                       \
        change;                                                                                    \
        assert_int_equal(sign_and_verify(report), verdict);                                        \
    } while (0)

static void names_what_is_wrong_with_a_signed_field(void **state)
{
    (void)state;
    EXPECT_WITH(report.signature_algo = 2, VERDICT_SIGNATURE_ALGORITHM);
    EXPECT_WITH(report.cpuid_fam_id = 0x17, VERDICT_PRODUCT_UNKNOWN);
    EXPECT_WITH(report.key_info = 1u << 1, VERDICT_CHIP_KEY_MASKED);
    EXPECT_WITH(report.key_info = 1u << 2, VERDICT_SIGNING_KEY); /* VLEK */
    EXPECT_WITH(report.key_info = 7u << 2, VERDICT_SIGNING_KEY); /* none */
    EXPECT_WITH(report.reported_tcb ^= 1ull, VERDICT_TCB_MISMATCH);
    EXPECT_WITH(report.reported_tcb ^= 1ull << 8, VERDICT_TCB_MISMATCH);
    EXPECT_WITH(report.reported_tcb ^= 1ull << 48, VERDICT_TCB_MISMATCH);
    EXPECT_WITH(report.reported_tcb ^= 1ull << 56, VERDICT_TCB_MISMATCH);
    EXPECT_WITH(report.chip_id[63] ^= 1, VERDICT_CHIP_ID_MISMATCH);
    EXPECT_WITH(report.vmpl = 1, VERDICT_VMPL);
    EXPECT_WITH(report.vmpl = 0xffffffff, VERDICT_VMPL);
    EXPECT_WITH(report.policy &= ~SNP_POLICY_RESERVED_ONE, VERDICT_POLICY_RESERVED);
    EXPECT_WITH(report.policy |= SNP_POLICY_DEBUG, VERDICT_POLICY_DEBUG);
    EXPECT_WITH(report.policy |= SNP_POLICY_MIGRATE_MA, VERDICT_POLICY_MIGRATION);
    EXPECT_WITH(report.report_id_ma[5] = 0, VERDICT_POLICY_MIGRATION);
    EXPECT_WITH(report.measurement[0] ^= 1, VERDICT_MEASUREMENT_UNKNOWN);
    EXPECT_WITH(report.report_data[63] ^= 1, VERDICT_REPORT_DATA);
}

static void refuses_an_emulated_platform_unless_told_to_trust_it(void **state)
{
    struct snp_report report = good_report();

    (void)state;
    assert_int_equal(verify_bytes(&report, sizeof(report), NULL, chip.ask, chip.vcek, false),
                     VERDICT_EMULATED_UNTRUSTED);
    assert_int_equal(verify_bytes(&report, sizeof(report), chip.ark, chip.ask, chip.vcek, false),
                     VERDICT_EMULATED_UNTRUSTED);
}

static void refuses_an_incomplete_chain(void **state)
{
    struct snp_report report = good_report();

    (void)state;
    assert_int_equal(verify_bytes(&report, sizeof(report), NULL, NULL, chip.vcek, true),
                     VERDICT_CERTIFICATE_MISSING);
    assert_int_equal(verify_bytes(&report, sizeof(report), NULL, chip.ask, NULL, true),
                     VERDICT_CERTIFICATE_MISSING);
}

static void refuses_a_root_that_the_client_brings(void **state)
{
    struct snp_report report = good_report();
    struct certificate_spec spec = chip_ark_spec(&chip);
    X509 *twin = chip_certificate(&spec); /* same key and names, other bytes */

    (void)state;
    assert_int_equal(verify_bytes(&report, sizeof(report), twin, chip.ask, chip.vcek, true),
                     VERDICT_ROOT_UNTRUSTED);
    X509_free(twin);
}

/* Verifies a good report with one certificate of the chain made differently. */
static enum verdict verify_with_ask(const struct certificate_spec *spec)
{
    struct snp_report report = good_report();
    X509 *ask = chip_certificate(spec);
    enum verdict verdict = verify_bytes(&report, sizeof(report), NULL, ask, chip.vcek, true);

    X509_free(ask);
    return verdict;
}

static enum verdict verify_with_vcek(const struct certificate_spec *spec)
{
    struct snp_report report = good_report();
    X509 *vcek = chip_certificate(spec);
    enum verdict verdict = verify_bytes(&report, sizeof(report), NULL, chip.ask, vcek, true);

    X509_free(vcek);
    return verdict;
}

#define EXPECT_ASK(change, verdict)                                                                \
    do {                                                                                           \
        struct certificate_spec spec = chip_ask_spec(&chip);                                       \
        change;                                                                                    \
        assert_int_equal(verify_with_ask(&spec), verdict);                                         \
    } while (0)

#define EXPECT_VCEK(change, verdict)                                                               \
    do {                                                                                           \
        struct certificate_spec spec = chip_vcek_spec(&chip);                                      \
        change;                                                                                    \
        assert_int_equal(verify_with_vcek(&spec), verdict);                                        \
    } while (0)

static void names_what_is_wrong_with_the_chain(void **state)
{
    EVP_PKEY *small = EVP_RSA_gen(2048);

    (void)state;
    EXPECT_ASK(spec.issuer_key = chip.ask_key, VERDICT_CHAIN_SIGNATURE);
    EXPECT_ASK(spec.from = DAY / 2, VERDICT_CHAIN_VALIDITY);
    EXPECT_ASK(spec.until = -DAY / 2, VERDICT_CHAIN_VALIDITY);
    EXPECT_ASK(spec.ca = false, VERDICT_CHAIN_CONSTRAINTS);
    EXPECT_ASK(spec.critical = "1.2.3.4", VERDICT_CHAIN_CONSTRAINTS);
    EXPECT_ASK(spec.salt = 20, VERDICT_CHAIN_ALGORITHM);
    EXPECT_ASK(spec.salt = 0, VERDICT_CHAIN_ALGORITHM);
    EXPECT_ASK(spec.subject = "SEV-Milan", VERDICT_CHAIN_SIGNATURE); /* no longer its issuer */

    EXPECT_VCEK(spec.issuer_key = chip.ark_key, VERDICT_CHAIN_SIGNATURE);
    EXPECT_VCEK(spec.from = DAY / 2, VERDICT_CHAIN_VALIDITY);
    EXPECT_VCEK(spec.until = -DAY / 2, VERDICT_CHAIN_VALIDITY);
    EXPECT_VCEK(spec.critical = "1.2.3.4", VERDICT_CHAIN_CONSTRAINTS);
    EXPECT_VCEK(spec.salt = 32, VERDICT_CHAIN_ALGORITHM);
    EXPECT_VCEK(spec.subject = "SEV-VLEK", VERDICT_CHAIN_NAME);
    EXPECT_VCEK(spec.key = small, VERDICT_VCEK_KEY);
    EVP_PKEY_free(small);
}

static void names_what_is_wrong_with_the_vcek(void **state)
{
    EVP_PKEY *p256 = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-384");
    uint8_t tagged[2 + CHIP_ID_SIZE] = {0x04, CHIP_ID_SIZE};

    (void)state;
    memcpy(tagged + 2, chip.id, sizeof(chip.id));
    EXPECT_VCEK(spec.key = p256, VERDICT_VCEK_KEY);
    EXPECT_VCEK(spec.key = other, VERDICT_REPORT_SIGNATURE);
    EXPECT_VCEK(spec.omitted_oid = "1.3.6.1.4.1.3704.1.3.1", VERDICT_VCEK_EXTENSION);
    EXPECT_VCEK(spec.omitted_oid = "1.3.6.1.4.1.3704.1.3.8", VERDICT_VCEK_EXTENSION);
    EXPECT_VCEK(spec.hwid_size = 63, VERDICT_VCEK_EXTENSION);
    EXPECT_VCEK((spec.hwid = tagged, spec.hwid_size = sizeof(tagged)), VERDICT_OK);
    EXPECT_VCEK(spec.tcb ^= 1ull << 56, VERDICT_TCB_MISMATCH);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(other);
}

static void takes_the_leaf_for_no_ca(void **state)
{
    struct snp_report report = good_report();

    (void)state;
    assert_int_equal(verify_bytes(&report, sizeof(report), NULL, chip.vcek, chip.vcek, true),
                     VERDICT_CHAIN_SIGNATURE);
}

static void a_chain_that_ends_in_amds_names_needs_amds_key(void **state)
{
    struct certificate_spec ark = chip_ark_spec(&chip), ask = chip_ask_spec(&chip),
                            vcek = chip_vcek_spec(&chip);
    struct snp_report report = good_report();
    X509 *fake_ark, *fake_ask, *fake_vcek;

    (void)state;
    ark.subject = ark.issuer = ask.issuer = "ARK-Milan";
    ask.subject = vcek.issuer = "SEV-Milan";
    fake_ark = chip_certificate(&ark);
    fake_ask = chip_certificate(&ask);
    fake_vcek = chip_certificate(&vcek);
    assert_int_equal(verify_bytes(&report, sizeof(report), fake_ark, fake_ask, fake_vcek, true),
                     VERDICT_ROOT_UNTRUSTED);
    assert_int_equal(verify_bytes(&report, sizeof(report), NULL, fake_ask, fake_vcek, true),
                     VERDICT_CERTIFICATE_MISSING);
    X509_free(fake_ark);
    X509_free(fake_ask);
    X509_free(fake_vcek);
}

static void refuses_malformed_certificate_tables(void **state)
{
    uint8_t table[8192], twice[8192] = {0};
    size_t size = chip_table(NULL, chip.ask, chip.vcek, table, sizeof(table));
    struct certificates found;

    (void)state;
    assert_true(certificates_parse_table(table, size, &found));
    assert_non_null(found.ask);
    assert_non_null(found.vcek);
    assert_null(found.ark);
    certificates_free(&found);

    for (size_t cut = 0; cut < size; cut++)
        assert_false(certificates_parse_table(table, cut, &found));

    memcpy(twice, table, size);
    memcpy(twice + 24, table, 24); /* the ASK again */
    assert_false(certificates_parse_table(twice, size, &found));

    memset(table + 16, 0xff, 4); /* offset beyond the table */
    assert_false(certificates_parse_table(table, size, &found));

    memset(table, 0, 24); /* the host gave nothing */
    assert_true(certificates_parse_table(table, size, &found));
    assert_null(found.ask);
    assert_null(found.vcek);
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

static void verifies_the_signature_vector_and_none_of_its_alterations(void **state)
{
    struct snp_report report = vector_report();
    struct certificate_spec spec = chip_vcek_spec(&chip);
    uint8_t point[1 + 2 * 48] = {0x04};
    struct finding finding;
    X509 *vcek;

    (void)state;
    bytes_of_hex(REPORT_VECTOR_X, point + 1, 48);
    bytes_of_hex(REPORT_VECTOR_Y, point + 49, 48);
    spec.key = EVP_PKEY_new();
    assert_int_equal(EVP_PKEY_copy_parameters(spec.key, chip.vcek_key), 1);
    assert_int_equal(EVP_PKEY_set1_encoded_public_key(spec.key, point, sizeof(point)), 1);
    vcek = chip_certificate(&spec);
    assert_true(vcek_check_signature(vcek, &report, &finding));
    for (size_t at = 0; at < REPORT_SIGNED_SIZE; at++) {
        ((uint8_t *)&report)[at] ^= 1;
        assert_false(vcek_check_signature(vcek, &report, &finding));
        assert_int_equal(finding.verdict, VERDICT_REPORT_SIGNATURE);
        ((uint8_t *)&report)[at] ^= 1;
    }
    X509_free(vcek);
    EVP_PKEY_free(spec.key);
}

static void splits_the_tcb_by_processor_generation(void **state)
{
    struct tcb milan = product_tcb(PRODUCT_MILAN, 0x0807060504030201ull);
    struct tcb turin = product_tcb(PRODUCT_TURIN, 0x0807060504030201ull);
    enum product product;

    (void)state;
    assert_int_equal(milan.fmc, 0);
    assert_int_equal(milan.bootloader, 1);
    assert_int_equal(milan.tee, 2);
    assert_int_equal(milan.snp, 7);
    assert_int_equal(milan.microcode, 8);
    assert_int_equal(turin.fmc, 1);
    assert_int_equal(turin.bootloader, 2);
    assert_int_equal(turin.tee, 3);
    assert_int_equal(turin.snp, 4);
    assert_int_equal(turin.microcode, 8);
    assert_true(product_of_cpuid(0x19, 0xA5, &product) && product == PRODUCT_GENOA);
    assert_true(product_of_cpuid(0x1A, 0x11, &product) && product == PRODUCT_TURIN);
    assert_false(product_of_cpuid(0x1A, 0x12, &product));
    assert_false(product_of_cpuid(0, 0, &product));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_a_good_report),
        cmocka_unit_test(accepts_versions_3_to_5),
        cmocka_unit_test(refuses_a_report_of_another_size),
        cmocka_unit_test(refuses_every_flipped_byte),
        cmocka_unit_test(names_what_is_wrong_with_the_unsigned_form),
        cmocka_unit_test(names_what_is_wrong_with_a_signed_field),
        cmocka_unit_test(refuses_an_emulated_platform_unless_told_to_trust_it),
        cmocka_unit_test(refuses_an_incomplete_chain),
        cmocka_unit_test(refuses_a_root_that_the_client_brings),
        cmocka_unit_test(names_what_is_wrong_with_the_chain),
        cmocka_unit_test(names_what_is_wrong_with_the_vcek),
        cmocka_unit_test(takes_the_leaf_for_no_ca),
        cmocka_unit_test(a_chain_that_ends_in_amds_names_needs_amds_key),
        cmocka_unit_test(refuses_malformed_certificate_tables),
        cmocka_unit_test(verifies_the_signature_vector_and_none_of_its_alterations),
        cmocka_unit_test(splits_the_tcb_by_processor_generation),
    };

    return cmocka_run_group_tests(tests, make_chip, free_chip);
}
