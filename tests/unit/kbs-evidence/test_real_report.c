/* SPDX-License-Identifier: MIT */
/* A report of version 2 of a real Milan, with its real chain; skipped where the data are absent. */
#include "tests/unit/kbs-evidence/real_evidence.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/kbs/hex.h"
#include "tests/unit/registered.h"

#define A_DAY_IN_2026 1780000000 /* within the VCEK's validity */

static struct trust trust;
static struct snp_report report;
static struct der ark, ask, vcek;
static bool have_data;

static bool load_report(void)
{
    char hex[2 * REPORT_SIZE + 1] = "";

    if (real_load("data/report-milan/report.hex", hex, sizeof(hex) - 1) != sizeof(hex) - 1)
        return false;
    bytes_of_hex(hex, &report, sizeof(report));
    return true;
}

static int load(void **state)
{
    struct trust_error error;

    (void)state;
    if (!load_report())
        return 0;
    have_data = true;
    real_load_certificate("data/report-milan/vcek.der", &vcek);
    real_load_certificate("data/amd-certs/milan-ask.pem", &ask);
    real_load_certificate("data/amd-certs/milan-ark.pem", &ark);
    if (!trust_load_amd(&trust, real_path("data/amd-certs"), &error))
        fail_msg("%s", error.text);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    trust_free(&trust);
    return 0;
}

static void skip_without_data(void)
{
    if (!have_data)
        skip();
}

/* Which requirements it meets: those that admit version 2, without a CRL. */
static struct requirements requirements_it_meets(void)
{
    struct requirements requirements;

    requirements_strict(&requirements);
    requirements.version_min = 2;
    requirements.crl = CRL_OFF;
    return requirements;
}

static struct attempt begin(void)
{
    struct attempt attempt = {
        .requirements = requirements_it_meets(),
        .trust = trust,
        .report = report,
        .ask = ask,
        .leaf = vcek,
        .now = A_DAY_IN_2026,
    };

    memcpy(attempt.report_data, report.report_data, REPORT_DATA_SIZE);
    return attempt;
}

TEST(it_is_refused_for_its_version_by_default)
{
    struct attempt attempt;

    skip_without_data();
    attempt = begin();
    requirements_strict(&attempt.requirements);
    expect_run(&attempt, VERDICT_REPORT_VERSION);
    assert_false(attempt.attested.genuine);
}

TEST(it_verifies_where_version_2_is_admitted)
{
    struct attempt attempt;

    skip_without_data();
    attempt = begin();
    expect_run(&attempt, VERDICT_OK);
    assert_true(attempt.attested.genuine);
    assert_true(attempt.attested.bound);
    assert_int_equal(attempt.attested.platform, PLATFORM_AMD);
    assert_int_equal(attempt.attested.product, PRODUCT_MILAN);
    attempt.ark = ark;
    expect_run(&attempt, VERDICT_OK);
}

TEST(it_verifies_with_amds_root_from_the_client_alone)
{
    struct attempt attempt;

    skip_without_data();
    attempt = begin();
    attempt.trust = (struct trust){0};
    expect_run(&attempt, VERDICT_CERTIFICATE_MISSING);
    attempt.ark = ark; /* its fingerprint is pinned */
    expect_run(&attempt, VERDICT_OK);
}

TEST(it_needs_a_crl_unless_that_is_off)
{
    struct attempt attempt;

    skip_without_data();
    attempt = begin();
    attempt.requirements.crl = CRL_REQUIRED;
    expect_run(&attempt, VERDICT_CRL_MISSING);
}

TEST(it_expires_with_its_vcek)
{
    struct attempt attempt;

    skip_without_data();
    attempt = begin();
    attempt.now = 2000000000; /* 2033 */
    expect_run(&attempt, VERDICT_CHAIN_VALIDITY);
    assert_string_equal(attempt.finding.detail, "VCEK: valid from 2023-04-03 to 2030-04-03");
}

TEST(it_meets_its_own_tcb_and_no_higher)
{
    struct attempt attempt;

    skip_without_data();
    attempt = begin();
    attempt.requirements.tcb_min[PRODUCT_MILAN] =
        (struct tcb){.bootloader = 3, .snp = 8, .microcode = 0x73};
    expect_run(&attempt, VERDICT_OK);
    attempt.requirements.tcb_min[PRODUCT_MILAN].microcode = 0x74;
    expect_run(&attempt, VERDICT_TCB_REPORTED_MICROCODE);
    attempt.requirements = requirements_it_meets();
    attempt.requirements.chip_ids = &attempt.report.chip_id;
    attempt.requirements.chip_id_count = 1;
    expect_run(&attempt, VERDICT_OK);
}

TEST(genoas_and_turins_roots_are_pinned_too)
{
    skip_without_data();
    for (enum product product = 0; product < PRODUCT_COUNT; product++) {
        assert_true(trust_is_amd_root(product, trust.amd_ark[product]));
        assert_false(trust_is_amd_root(product, trust.amd_ask[product]));
    }
}

/* Alterations of the report */

static const struct {
    const char *name;
    size_t offset, size;
    enum verdict verdict; /* when the top bit of any of its bytes is flipped */
} report_fields[] = {
    {"version", 0x000, 4, VERDICT_REPORT_VERSION},
    {"guest_svn", 0x004, 4, VERDICT_REPORT_SIGNATURE},
    {"policy", 0x008, 8, VERDICT_REPORT_SIGNATURE},
    {"family_id", 0x010, 16, VERDICT_REPORT_SIGNATURE},
    {"image_id", 0x020, 16, VERDICT_REPORT_SIGNATURE},
    {"vmpl", 0x030, 4, VERDICT_REPORT_SIGNATURE},
    {"signature_algo", 0x034, 4, VERDICT_SIGNATURE_ALGORITHM},
    {"current_tcb", 0x038, 8, VERDICT_REPORT_SIGNATURE},
    {"platform_info", 0x040, 8, VERDICT_REPORT_SIGNATURE},
    {"key_info", 0x048, 4, VERDICT_REPORT_SIGNATURE},
    {"reserved", 0x04c, 4, VERDICT_REPORT_SIGNATURE},
    {"report_data", 0x050, 64, VERDICT_REPORT_SIGNATURE},
    {"measurement", 0x090, 48, VERDICT_REPORT_SIGNATURE},
    {"host_data", 0x0c0, 32, VERDICT_REPORT_SIGNATURE},
    {"id_key_digest", 0x0e0, 48, VERDICT_REPORT_SIGNATURE},
    {"author_key_digest", 0x110, 48, VERDICT_REPORT_SIGNATURE},
    {"report_id", 0x140, 32, VERDICT_REPORT_SIGNATURE},
    {"report_id_ma", 0x160, 32, VERDICT_REPORT_SIGNATURE},
    {"reported_tcb", 0x180, 8, VERDICT_REPORT_SIGNATURE},
    {"reserved", 0x188, 24, VERDICT_REPORT_SIGNATURE},
    {"chip_id", 0x1a0, 64, VERDICT_REPORT_SIGNATURE},
    {"committed_tcb", 0x1e0, 8, VERDICT_REPORT_SIGNATURE},
    {"current version", 0x1e8, 4, VERDICT_REPORT_SIGNATURE},
    {"committed version", 0x1ec, 4, VERDICT_REPORT_SIGNATURE},
    {"launch_tcb", 0x1f0, 8, VERDICT_REPORT_SIGNATURE},
    {"reserved", 0x1f8, 168, VERDICT_REPORT_SIGNATURE},
    {"r", 0x2a0, 48, VERDICT_REPORT_SIGNATURE},
    {"padding of r", 0x2d0, 24, VERDICT_UNSIGNED_BYTES},
    {"s", 0x2e8, 48, VERDICT_REPORT_SIGNATURE},
    {"padding of s", 0x318, 24, VERDICT_UNSIGNED_BYTES},
    {"unsigned", 0x330, 368, VERDICT_UNSIGNED_BYTES},
};

TEST(no_byte_of_the_report_can_be_altered)
{
    struct attempt attempt;
    size_t end = 0;

    skip_without_data();
    attempt = begin();
    attempt.chains = chain_cache_new(4);
    for (size_t field = 0; field < sizeof(report_fields) / sizeof(report_fields[0]); field++) {
        assert_int_equal(report_fields[field].offset, end);
        end += report_fields[field].size;
        for (size_t at = report_fields[field].offset; at < end; at++) {
            attempt.report = report;
            ((uint8_t *)&attempt.report)[at] ^= 0x80;
            expect_run(&attempt, report_fields[field].verdict);
        }
    }
    assert_int_equal(end, sizeof(report));
    chain_cache_free(attempt.chains);
}

TEST(claims_that_decide_on_the_chain_have_reasons_of_their_own)
{
    struct attempt attempt;

    skip_without_data();
    attempt = begin();
    attempt.report.version = 3; /* CPUID is zero in it */
    expect_run(&attempt, VERDICT_PRODUCT_UNKNOWN);
    attempt = begin();
    attempt.report.key_info |= 2;
    expect_run(&attempt, VERDICT_CHIP_KEY_MASKED);
    attempt = begin();
    attempt.report.key_info |= 7 << 2;
    expect_run(&attempt, VERDICT_SIGNING_KEY);
    attempt = begin();
    attempt.report.key_info |= 1 << 2;
    expect_run(&attempt, VERDICT_VLEK_REFUSED);
    attempt = begin();
    memset(attempt.report.signature_r, 0, 48);
    expect_run(&attempt, VERDICT_SIGNATURE_RANGE);
}

/* Alterations of the certificates */

TEST(no_field_of_the_vcek_can_be_altered)
{
    struct attempt attempt;
    struct alteration alteration = {
        .role = "VCEK",
        .original = &vcek,
        .altered = &attempt.leaf,
        .own = {[FIELD_VERSION] = VERDICT_CHAIN_SIGNATURE,
                [FIELD_SERIAL] = VERDICT_CHAIN_SIGNATURE,
                [FIELD_INNER_ALGORITHM] = VERDICT_CHAIN_SIGNATURE,
                [FIELD_ISSUER] = VERDICT_CHAIN_NAME,
                [FIELD_VALIDITY] = VERDICT_CHAIN_VALIDITY,
                [FIELD_SUBJECT] = VERDICT_CHAIN_NAME,
                [FIELD_KEY] = VERDICT_CHAIN_SIGNATURE,
                [FIELD_EXTENSIONS] = VERDICT_CHAIN_SIGNATURE,
                [FIELD_ALGORITHM] = VERDICT_CHAIN_ALGORITHM,
                [FIELD_SIGNATURE] = VERDICT_CHAIN_SIGNATURE},
    };

    skip_without_data();
    attempt = begin();
    alter_all_fields(&attempt, &alteration);
}

TEST(no_field_of_the_ask_can_be_altered)
{
    struct attempt attempt;
    struct alteration alteration = {
        .role = "ASK",
        .original = &ask,
        .altered = &attempt.ask,
        .own = {[FIELD_VERSION] = VERDICT_CHAIN_SIGNATURE,
                [FIELD_SERIAL] = VERDICT_CHAIN_SIGNATURE,
                [FIELD_INNER_ALGORITHM] = VERDICT_CHAIN_SIGNATURE,
                [FIELD_ISSUER] = VERDICT_CHAIN_NAME,
                [FIELD_VALIDITY] = VERDICT_CHAIN_VALIDITY,
                [FIELD_SUBJECT] = VERDICT_CHAIN_NAME,
                [FIELD_KEY] = VERDICT_CHAIN_SIGNATURE,
                [FIELD_EXTENSIONS] = VERDICT_CHAIN_CONSTRAINTS,
                [FIELD_ALGORITHM] = VERDICT_CHAIN_ALGORITHM,
                [FIELD_SIGNATURE] = VERDICT_CHAIN_SIGNATURE},
    };

    skip_without_data();
    attempt = begin();
    alter_all_fields(&attempt, &alteration);
}

/* The root is pinned: whatever is altered, it is another one. */
TEST(no_byte_of_the_ark_can_be_altered)
{
    struct attempt attempt;
    unsigned pinned = 0;

    skip_without_data();
    attempt = begin();
    for (size_t at = 0; at < ark.size; at++) {
        attempt.ark = ark;
        attempt.ark.bytes[at] ^= 0x04;
        attempt_run(&attempt);
        if (attempt.finding.verdict == VERDICT_ROOT_UNTRUSTED)
            pinned++;
        else if (attempt.finding.verdict != VERDICT_CERTIFICATE_TABLE) /* does not parse */
            fail_msg("byte %zu: %s", at, verdict_code(attempt.finding.verdict));
    }
    assert_in_range(pinned, ark.size * 3 / 4, ark.size);
}

TEST(the_owners_copy_of_the_ark_cannot_be_altered)
{
    char directory[] = "/tmp/snp-vtpm-ark-XXXXXX", path[64];
    struct trust altered = {0};
    struct trust_error error;
    struct der copy;
    FILE *file;

    skip_without_data();
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/milan-ark.der", directory);
    copy = ark;
    copy.bytes[copy.size - 1] ^= 1;
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(copy.bytes, 1, copy.size, file), copy.size);
    fclose(file);
    assert_false(trust_load_amd(&altered, directory, &error));
    assert_non_null(strstr(error.text, "not AMD's root"));
    trust_free(&altered);
    remove(path);
    remove(directory);
}

TEST_GROUP(load, unload)
