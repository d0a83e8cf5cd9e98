/* SPDX-License-Identifier: MIT */
/* V1 to V3, V14: what the report alone tells; and that nothing in it can be altered. */
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "tests/unit/kbs-evidence/attempt.h"
#include "tests/unit/registered.h"

TEST(accepts_a_good_report)
{
    struct attempt try = attempt_begin();

    expect_verdict(&try, VERDICT_OK);
    assert_true(try.attested.genuine);
    assert_true(try.attested.bound);
    assert_int_equal(try.attested.platform, PLATFORM_AMD);
    assert_int_equal(try.attested.product, PRODUCT_MILAN);
    assert_false(try.attested.vlek);
    assert_memory_equal(&try.attested.report, &try.report, sizeof(try.report));
    assert_string_equal(try.finding.detail, "");
}

TEST(accepts_the_root_beside_it)
{
    EXPECT(try.sent.ark = milan.ark, VERDICT_OK);
}

TEST(admits_versions_3_to_5_unless_told_otherwise)
{
    EXPECT(try.report.version = 3, VERDICT_OK);
    EXPECT(try.report.version = 4, VERDICT_OK);
    EXPECT(try.report.version = 5, VERDICT_OK);
    EXPECT(try.report.version = 6, VERDICT_REPORT_VERSION);
    EXPECT(try.report.version = 2, VERDICT_REPORT_VERSION);
    EXPECT((try.report.version = 3, try.requirements.version_min = 4), VERDICT_REPORT_VERSION);
    EXPECT((try.report.version = 5, try.requirements.version_max = 4), VERDICT_REPORT_VERSION);
}

TEST(takes_the_product_of_a_version_2_from_its_chain)
{
    struct attempt try = attempt_begin();

    try.requirements.version_min = 2;
    try.report.version = 2;
    try.report.cpuid_fam_id = try.report.cpuid_mod_id = 0;
    expect_verdict(&try, VERDICT_OK);
    assert_int_equal(try.attested.product, PRODUCT_MILAN);
    try.requirements.product_allowed[PRODUCT_MILAN] = false;
    expect_verdict(&try, VERDICT_PRODUCT_REFUSED);
}

TEST(refuses_a_report_of_another_size)
{
    struct attempt try = attempt_begin();
    struct snp_report twice[2];

    chip_sign(&milan, &try.report);
    twice[0] = twice[1] = try.report;
    for (size_t size = 0; size < sizeof(twice); size += 37)
        if (size != sizeof(twice[0]))
            assert_int_equal(attempt_verify_bytes(&try, twice, size), VERDICT_REPORT_SIZE);
    assert_int_equal(attempt_verify_bytes(&try, twice, sizeof(twice[0]) + 1), VERDICT_REPORT_SIZE);
}

TEST(refuses_every_flipped_byte)
{
    struct attempt try = attempt_begin();
    struct snp_report good;

    try.verifier.chains = chain_cache_new(4);
    chip_sign(&milan, &try.report);
    good = try.report;
    assert_int_equal(attempt_verify(&try), VERDICT_OK);
    for (size_t at = 0; at < sizeof(good); at++) {
        try.report = good;
        ((uint8_t *)&try.report)[at] ^= 0x10;
        assert_int_not_equal(attempt_verify(&try), VERDICT_OK);
        assert_false(try.attested.genuine);
        assert_false(try.attested.bound);
    }
    chain_cache_free(try.verifier.chains);
}

/* Verifies after signing and then changing something. */
#define EXPECT_AFTER(change, expected)                                                             \
    do {                                                                                           \
        struct attempt try = attempt_begin();                                                      \
                                                                                                   \
        chip_sign(&milan, &try.report);                                                            \
        change;                                                                                    \
        assert_int_equal(attempt_verify(&try), expected);                                          \
    } while (0)

TEST(names_what_is_wrong_with_the_unsigned_form)
{
    EXPECT_AFTER(try.report.reserved_330[0] = 1, VERDICT_UNSIGNED_BYTES);
    EXPECT_AFTER(try.report.reserved_330[367] = 1, VERDICT_UNSIGNED_BYTES);
    EXPECT_AFTER(try.report.signature_r[48] = 1, VERDICT_UNSIGNED_BYTES);
    EXPECT_AFTER(try.report.signature_s[71] = 1, VERDICT_UNSIGNED_BYTES);
    EXPECT_AFTER(memset(try.report.signature_r, 0, 72), VERDICT_SIGNATURE_RANGE);
    EXPECT_AFTER(memset(try.report.signature_s, 0, 72), VERDICT_SIGNATURE_RANGE);
    EXPECT_AFTER(memset(try.report.signature_s, 0xff, 48), VERDICT_SIGNATURE_RANGE);
    EXPECT_AFTER(try.report.signature_s[0] ^= 1, VERDICT_REPORT_SIGNATURE);
    EXPECT_AFTER(try.report.host_data[0] ^= 1, VERDICT_REPORT_SIGNATURE);
}

/* Sets scalar to the order of P-384, plus an offset. */
static void set_near_order(uint8_t scalar[72], int offset)
{
    EC_GROUP *p384 = EC_GROUP_new_by_curve_name(NID_secp384r1);
    BIGNUM *value = BN_dup(EC_GROUP_get0_order(p384));

    assert_int_equal(offset < 0 ? BN_sub_word(value, (BN_ULONG)-offset)
                                : BN_add_word(value, (BN_ULONG)offset),
                     1);
    assert_int_equal(BN_bn2lebinpad(value, scalar, 72), 72);
    BN_free(value);
    EC_GROUP_free(p384);
}

TEST(knows_the_order_of_the_curve)
{
    EXPECT_AFTER(set_near_order(try.report.signature_r, -1), VERDICT_REPORT_SIGNATURE);
    EXPECT_AFTER(set_near_order(try.report.signature_r, 0), VERDICT_SIGNATURE_RANGE);
    EXPECT_AFTER(set_near_order(try.report.signature_r, 1), VERDICT_SIGNATURE_RANGE);
    EXPECT_AFTER(set_near_order(try.report.signature_s, 0), VERDICT_SIGNATURE_RANGE);
}

TEST(names_what_is_wrong_with_its_claims)
{
    EXPECT(try.report.signature_algo = 2, VERDICT_SIGNATURE_ALGORITHM);
    EXPECT(try.report.cpuid_fam_id = 0x17, VERDICT_PRODUCT_UNKNOWN);
    EXPECT(try.requirements.product_allowed[PRODUCT_MILAN] = false, VERDICT_PRODUCT_REFUSED);
    EXPECT(try.report.key_info = 1u << 1, VERDICT_CHIP_KEY_MASKED);
    EXPECT(try.report.key_info = 7u << 2, VERDICT_SIGNING_KEY); /* none */
    EXPECT(try.report.key_info = 2u << 2, VERDICT_SIGNING_KEY);
    EXPECT(try.report.key_info = 1u << 2, VERDICT_VLEK_REFUSED);
    EXPECT(try.requirements.vcek = false, VERDICT_VCEK_REFUSED);
}

TEST(refuses_a_report_that_is_for_somebody_else)
{
    struct attempt try = attempt_begin();

    try.report.report_data[63] ^= 1;
    expect_verdict(&try, VERDICT_REPORT_DATA);
    assert_true(try.attested.genuine);
    assert_false(try.attested.bound);
}

TEST(tells_bound_from_admitted)
{
    struct attempt try = attempt_begin();

    try.report.vmpl = 2;
    expect_verdict(&try, VERDICT_VMPL);
    assert_true(try.attested.genuine);
    assert_true(try.attested.bound);
    try.report.report_data[0] ^= 1;
    expect_verdict(&try, VERDICT_VMPL);
    assert_true(try.attested.genuine);
    assert_false(try.attested.bound);
}
