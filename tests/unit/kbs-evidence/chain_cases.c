/* SPDX-License-Identifier: MIT */
/* V4: the certificates. */
#include <stdlib.h>

#include <openssl/evp.h>

#include "kbs/evidence/certificate_table.h"
#include "tests/unit/kbs-evidence/attempt.h"
#include "tests/unit/registered.h"

/* Tries with one certificate of the chain made differently. */
#define EXPECT_SPEC(which, change, expected)                                                       \
    do {                                                                                           \
        struct certificate_spec spec = chip_##which##_spec(&milan);                                \
        struct attempt try = attempt_begin();                                                      \
                                                                                                   \
        change;                                                                                    \
        try.sent.which = chip_certificate(&spec);                                                  \
        expect_verdict(&try, expected);                                                            \
        X509_free(try.sent.which);                                                                 \
    } while (0)

#define EXPECT_ASK(change, expected)  EXPECT_SPEC(ask, change, expected)
#define EXPECT_VCEK(change, expected) EXPECT_SPEC(vcek, change, expected)

TEST(names_what_is_wrong_with_the_ask)
{
    EVP_PKEY *small = EVP_RSA_gen(2048);

    EXPECT_ASK(spec.issuer_key = milan.ask_key, VERDICT_CHAIN_SIGNATURE);
    EXPECT_ASK(spec.from = DAY / 2, VERDICT_CHAIN_VALIDITY);
    EXPECT_ASK(spec.until = -DAY / 2, VERDICT_CHAIN_VALIDITY);
    EXPECT_ASK(spec.ca = false, VERDICT_CHAIN_CONSTRAINTS);
    EXPECT_ASK(spec.critical = "1.2.3.4", VERDICT_CHAIN_CONSTRAINTS);
    EXPECT_ASK(spec.salt = 20, VERDICT_CHAIN_ALGORITHM);
    EXPECT_ASK(spec.salt = 0, VERDICT_CHAIN_ALGORITHM);
    EXPECT_ASK(spec.key = small, VERDICT_CHAIN_ALGORITHM);
    EXPECT_ASK(spec.subject = "SEV-Genoa", VERDICT_CHAIN_NAME);
    EXPECT_ASK(spec.issuer = "ARK-Genoa", VERDICT_CHAIN_NAME);
    EVP_PKEY_free(small);
}

TEST(names_what_is_wrong_with_the_vcek)
{
    EVP_PKEY *small = EVP_RSA_gen(2048);

    EXPECT_VCEK(spec.issuer_key = milan.ark_key, VERDICT_CHAIN_SIGNATURE);
    EXPECT_VCEK(spec.from = DAY / 2, VERDICT_CHAIN_VALIDITY);
    EXPECT_VCEK(spec.until = -DAY / 2, VERDICT_CHAIN_VALIDITY);
    EXPECT_VCEK(spec.critical = "1.2.3.4", VERDICT_CHAIN_CONSTRAINTS);
    EXPECT_VCEK(spec.salt = 32, VERDICT_CHAIN_ALGORITHM);
    EXPECT_VCEK(spec.subject = "SEV-VLEK", VERDICT_CHAIN_NAME);
    EXPECT_VCEK(spec.issuer = "SEV-Genoa", VERDICT_CHAIN_NAME);
    EXPECT_VCEK(spec.key = small, VERDICT_LEAF_KEY);
    EVP_PKEY_free(small);
}

/* Tries with a root of that making, which the verifier takes for AMD's. */
#define EXPECT_ARK(change, expected)                                                               \
    do {                                                                                           \
        struct certificate_spec spec = chip_ark_spec(&milan);                                      \
        struct attempt try = attempt_begin();                                                      \
        X509 *ark;                                                                                 \
                                                                                                   \
        change;                                                                                    \
        ark = chip_certificate(&spec);                                                             \
        try.trust.amd_ark[PRODUCT_MILAN] = ark;                                                    \
        expect_verdict(&try, expected);                                                            \
        X509_free(ark);                                                                            \
    } while (0)

TEST(looks_at_the_root_as_well)
{
    EXPECT_ARK((void)spec, VERDICT_OK);
    EXPECT_ARK(spec.issuer_key = milan.ask_key, VERDICT_CHAIN_SIGNATURE);
    EXPECT_ARK(spec.until = -DAY / 2, VERDICT_CHAIN_VALIDITY);
    EXPECT_ARK(spec.ca = false, VERDICT_CHAIN_CONSTRAINTS);
    EXPECT_ARK(spec.subject = "ARK-Genoa", VERDICT_CHAIN_NAME);
    EXPECT_ARK(spec.salt = 20, VERDICT_CHAIN_ALGORITHM);
}

TEST(says_which_certificate_it_is)
{
    struct certificate_spec spec = chip_ask_spec(&milan);
    struct attempt try = attempt_begin();

    spec.until = -DAY / 2;
    try.sent.ask = chip_certificate(&spec);
    expect_verdict(&try, VERDICT_CHAIN_VALIDITY);
    assert_memory_equal(try.finding.detail, "ASK: ", 5);
    X509_free(try.sent.ask);
}

TEST(refuses_an_incomplete_chain)
{
    EXPECT(try.sent.ask = NULL, VERDICT_CERTIFICATE_MISSING);
    EXPECT(try.sent.vcek = NULL, VERDICT_CERTIFICATE_MISSING);
    EXPECT(try.trust.amd_ark[PRODUCT_MILAN] = NULL, VERDICT_CERTIFICATE_MISSING);
    EXPECT((try.sent.ask = NULL, try.trust.amd_ask[PRODUCT_MILAN] = milan.ask), VERDICT_OK);
}

TEST(refuses_a_root_that_the_client_brings)
{
    struct certificate_spec spec = chip_ark_spec(&milan);
    X509 *twin = chip_certificate(&spec); /* same key and names, other bytes */

    EXPECT(try.sent.ark = twin, VERDICT_ROOT_UNTRUSTED);
    /* Without a root of the owner's, only AMD's very own will do. */
    EXPECT((try.sent.ark = milan.ark, try.trust.amd_ark[PRODUCT_MILAN] = NULL),
           VERDICT_ROOT_UNTRUSTED);
    X509_free(twin);
}

TEST(takes_the_leaf_for_no_ca)
{
    EXPECT(try.sent.ask = milan.vcek, VERDICT_CHAIN_NAME);
}

TEST(does_not_take_one_product_for_another)
{
    EXPECT((try.report.cpuid_mod_id = 0x11, try.trust.amd_ark[PRODUCT_GENOA] = milan.ark),
           VERDICT_CHAIN_NAME);
}

TEST(refuses_a_table_that_is_malformed)
{
    struct attempt try = attempt_begin();
    uint8_t table[8192] = {[19] = 0xff}; /* an entry beyond the end */
    struct evidence evidence = {
        .report = (const uint8_t *)&try.report,
        .report_size = sizeof(try.report),
        .certificate_table = table,
        .certificate_table_size = sizeof(table),
    };
    struct expectation expected = {.requirements = &try.requirements, .now = try.now};

    try.verifier.trust = &try.trust;
    chip_sign(&milan, &try.report);
    assert_false(evidence_verify(&try.verifier, &evidence, &expected, &try.attested, &try.finding));
    assert_int_equal(try.finding.verdict, VERDICT_CERTIFICATE_TABLE);
    verdict_seen[VERDICT_CERTIFICATE_TABLE] = true;
}

TEST(takes_a_list_of_certificates_too)
{
    struct attempt try = attempt_begin();
    struct certificates list = {.ask = milan.ask, .vcek = milan.vcek, .crl = milan_crl};
    struct evidence evidence = {
        .report = (const uint8_t *)&try.report,
        .report_size = sizeof(try.report),
        .certificates = &list,
    };
    struct expectation expected = {.requirements = &try.requirements, .now = try.now};

    memcpy(expected.report_data, try.report_data, sizeof(expected.report_data));
    try.verifier.trust = &try.trust;
    chip_sign(&milan, &try.report);
    if (!evidence_verify(&try.verifier, &evidence, &expected, &try.attested, &try.finding))
        fail_msg("%s (%s)", verdict_code(try.finding.verdict), try.finding.detail);
}

/* The emulated platform */

static struct chip emulated;

static struct attempt begin_emulated(void)
{
    struct attempt try = attempt_begin();

    try.chip = &emulated;
    try.trust = (struct trust){.emulated_ark = emulated.ark};
    try.sent = (struct chip_entries){.ask = emulated.ask, .vcek = emulated.vcek};
    try.report = chip_report(&emulated, try.report_data);
    return try;
}

TEST(believes_an_emulated_platform_only_when_told_to)
{
    struct attempt try = begin_emulated();

    expect_verdict(&try, VERDICT_OK); /* without a CRL: it has none */
    assert_int_equal(try.attested.platform, PLATFORM_EMULATED);
    try.sent.ark = emulated.ark;
    expect_verdict(&try, VERDICT_OK);
    try.trust.emulated_ark = NULL;
    expect_verdict(&try, VERDICT_EMULATED_UNTRUSTED);
    assert_int_equal(try.attested.platform, PLATFORM_EMULATED);
    try.trust.emulated_ark = milan.ark;
    expect_verdict(&try, VERDICT_ROOT_UNTRUSTED);
}

TEST(an_emulated_chip_cannot_pass_for_amds)
{
    struct attempt try = begin_emulated();
    struct certificate_spec vcek = chip_vcek_spec(&emulated), ask = chip_ask_spec(&emulated);
    X509 *false_vcek, *false_ask;

    ask.subject = vcek.issuer = "SEV-Milan";
    false_vcek = chip_certificate(&vcek);
    false_ask = chip_certificate(&ask);
    try.sent = (struct chip_entries){.ask = false_ask, .vcek = false_vcek, .crl = milan_crl};
    expect_verdict(&try, VERDICT_CERTIFICATE_MISSING);
    try.sent.ark = emulated.ark;
    expect_verdict(&try, VERDICT_ROOT_UNTRUSTED);
    try.sent.ark = NULL;
    try.trust.amd_ark[PRODUCT_MILAN] = emulated.ark;
    expect_verdict(&try, VERDICT_CHAIN_NAME);
    X509_free(false_vcek);
    X509_free(false_ask);
}

TEST(knows_the_emulated_chip_by_its_id)
{
    struct attempt try = begin_emulated();

    try.sent = (struct chip_entries){0};
    expect_verdict(&try, VERDICT_CERTIFICATE_MISSING);
    try.trust.of_emulated = (struct certificates){.ask = emulated.ask, .vcek = emulated.vcek};
    expect_verdict(&try, VERDICT_OK);
    try.report.chip_id[9] ^= 1;
    expect_verdict(&try, VERDICT_CERTIFICATE_MISSING);
}

TEST(an_emulated_report_of_version_2_tells_no_product)
{
    struct attempt try = begin_emulated();

    try.requirements.version_min = try.report.version = 2;
    expect_verdict(&try, VERDICT_PRODUCT_UNKNOWN);
}

static int make_emulated(void **state)
{
    (void)state;
    emulated = milan; /* the keys */
    emulated.ark = emulated.ask = emulated.asvk = emulated.vcek = emulated.vlek = NULL;
    chip_become(&emulated, "Emulated");
    return 0;
}

static int free_emulated(void **state)
{
    (void)state;
    X509_free(emulated.ark);
    X509_free(emulated.ask);
    X509_free(emulated.asvk);
    X509_free(emulated.vcek);
    X509_free(emulated.vlek);
    return 0;
}

/* The table */

TEST(reads_all_kinds_of_entries)
{
    struct chip_entries entries = {.ark = milan.ark,
                                   .ask = milan.ask,
                                   .vcek = milan.vcek,
                                   .vlek = milan.vlek,
                                   .crl = milan_crl};
    uint8_t table[16384];
    size_t size = chip_whole_table(&entries, table, sizeof(table));
    struct certificates found;

    assert_true(certificates_parse_table(table, size, NULL, &found));
    assert_int_equal(X509_cmp(found.ark, milan.ark), 0);
    assert_int_equal(X509_cmp(found.ask, milan.ask), 0);
    assert_int_equal(X509_cmp(found.vcek, milan.vcek), 0);
    assert_int_equal(X509_cmp(found.vlek, milan.vlek), 0);
    assert_int_equal(X509_CRL_cmp(found.crl, milan_crl), 0);
    certificates_free(&found);
}

TEST(refuses_malformed_tables)
{
    struct chip_entries entries = {.ask = milan.ask, .vcek = milan.vcek, .crl = milan_crl};
    uint8_t table[16384], twice[16384] = {0};
    size_t size = chip_whole_table(&entries, table, sizeof(table));
    struct certificates found;

    for (size_t cut = 0; cut < size; cut++)
        assert_false(certificates_parse_table(table, cut, NULL, &found));

    memcpy(twice, table, size);
    memcpy(twice + 24, table, 24); /* the ASK again */
    assert_false(certificates_parse_table(twice, size, NULL, &found));

    memcpy(twice, table, size);
    memcpy(twice + 24, table + 48, 24); /* the CRL again */
    assert_false(certificates_parse_table(twice, size, NULL, &found));

    memset(table + 16, 0xff, 4); /* offset beyond the table */
    assert_false(certificates_parse_table(table, size, NULL, &found));

    memset(table, 0, 24); /* the host gave nothing */
    assert_true(certificates_parse_table(table, size, NULL, &found));
    assert_null(found.ask);
    assert_null(found.vcek);
}

TEST_GROUP(make_emulated, free_emulated)
