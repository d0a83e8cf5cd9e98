/* SPDX-License-Identifier: MIT */
/* V5: revocation. */
#include "tests/unit/kbs-evidence/attempt.h"
#include "tests/unit/registered.h"

/* Tries with a CRL made differently. */
#define EXPECT_CRL(change, expected)                                                               \
    do {                                                                                           \
        struct crl_spec spec = chip_crl_spec(&milan);                                              \
        struct attempt try = attempt_begin();                                                      \
                                                                                                   \
        change;                                                                                    \
        try.sent.crl = chip_crl(&spec);                                                            \
        expect_verdict(&try, expected);                                                            \
        X509_CRL_free(try.sent.crl);                                                               \
    } while (0)

TEST(fails_closed_without_a_crl)
{
    EXPECT(try.sent.crl = NULL, VERDICT_CRL_MISSING);
    EXPECT((try.sent.crl = NULL, try.requirements.crl = CRL_OFF), VERDICT_OK);
}

TEST(names_what_is_wrong_with_the_crl)
{
    EXPECT_CRL((void)spec, VERDICT_OK);
    EXPECT_CRL(spec.issuer = "ARK-Genoa", VERDICT_CRL_ISSUER);
    EXPECT_CRL(spec.key = milan.ask_key, VERDICT_CRL_SIGNATURE);
    EXPECT_CRL(spec.salt = 0, VERDICT_CRL_SIGNATURE);
    EXPECT_CRL(spec.from = DAY / 2, VERDICT_CRL_EXPIRED);
    EXPECT_CRL(spec.until = -DAY / 2, VERDICT_CRL_EXPIRED);
    EXPECT_CRL(spec.until = 0, VERDICT_CRL_EXPIRED);
    EXPECT_CRL(spec.critical = "1.2.3.4", VERDICT_CRL_EXTENSION);
    EXPECT_CRL(spec.only_scope = "onlyuser", VERDICT_CRL_EXTENSION);
    EXPECT_CRL(spec.only_scope = "onlyCA", VERDICT_OK);
}

/* The CRL with another encoding of its algorithm where that is not signed: behind what is. */
static X509_CRL *with_another_algorithm_outside(const X509_CRL *crl)
{
    static const uint8_t null[] = {V_ASN1_NULL, 0}; /* the parameters of SHA-384 */
    size_t signature = 512;                         /* comes last */
    uint8_t der[4096], *end = der;
    size_t size = (size_t)i2d_X509_CRL(crl, &end), last = 0;
    X509_CRL *altered;

    assert_in_range(size, signature, sizeof(der));
    for (size_t at = 0; at + signature < size; at++)
        if (memcmp(der + at, null, sizeof(null)) == 0)
            last = at;
    assert_int_not_equal(last, 0);
    der[last] = V_ASN1_OCTET_STRING;
    altered = crl_parse(der, size);
    assert_non_null(altered);
    return altered;
}

TEST(the_algorithm_outside_of_what_is_signed_is_the_one_inside)
{
    struct attempt try = attempt_begin();
    X509_CRL *altered = with_another_algorithm_outside(try.sent.crl);

    try.sent.crl = altered;
    expect_verdict(&try, VERDICT_CRL_SIGNATURE);
    X509_CRL_free(altered);
}

TEST(refuses_revoked_certificates)
{
    EXPECT_CRL(spec.revoked = 0x10001, VERDICT_CERTIFICATE_REVOKED); /* ASK */
    EXPECT_CRL(spec.revoked = 0x10000, VERDICT_CERTIFICATE_REVOKED); /* ARK */
    EXPECT_CRL(spec.revoked = 0x10002, VERDICT_OK);                  /* the ASVK is not in use */
    EXPECT_CRL(spec.revoked = 77, VERDICT_OK);
}

TEST(says_which_certificate_is_revoked)
{
    struct crl_spec spec = chip_crl_spec(&milan);
    struct attempt try = attempt_begin();

    spec.revoked = 0x10001;
    try.sent.crl = chip_crl(&spec);
    expect_verdict(&try, VERDICT_CERTIFICATE_REVOKED);
    assert_string_equal(try.finding.detail, "the ASK");
    X509_CRL_free(try.sent.crl);
}

TEST(a_leaf_with_a_serial_number_can_be_revoked)
{
    struct certificate_spec leaf = chip_vcek_spec(&milan);
    struct crl_spec spec = chip_crl_spec(&milan);
    struct attempt try = attempt_begin();

    leaf.serial = spec.revoked = 4711;
    try.sent.vcek = chip_certificate(&leaf);
    expect_verdict(&try, VERDICT_OK);
    try.sent.crl = chip_crl(&spec);
    expect_verdict(&try, VERDICT_CERTIFICATE_REVOKED);
    X509_CRL_free(try.sent.crl);
    X509_free(try.sent.vcek);
}

TEST(a_broken_chain_is_named_before_a_missing_crl)
{
    EXPECT((try.sent.crl = NULL, try.now += 2 * DAY), VERDICT_CHAIN_VALIDITY);
}
