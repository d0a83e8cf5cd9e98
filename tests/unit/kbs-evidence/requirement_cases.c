/* SPDX-License-Identifier: MIT */
/* V9 to V13: what the owner requires; and that evidence_appraise requires the same. */
#include "tests/unit/kbs-evidence/attempt.h"
#include "tests/unit/registered.h"

/* As EXPECT; and what refuses at once must refuse later, too, what was accepted under the default.
 */
#define EXPECT_BOTH(change, expected)                                                              \
    do {                                                                                           \
        struct attempt try = attempt_begin();                                                      \
        struct finding later;                                                                      \
                                                                                                   \
        change;                                                                                    \
        expect_verdict(&try, expected);                                                            \
        assert_true(try.attested.genuine);                                                         \
        assert_int_equal(                                                                          \
            evidence_appraise(&try.attested, &try.requirements, try.admit, &try, &later),          \
            (expected) == VERDICT_OK);                                                             \
        assert_int_equal(later.verdict, expected);                                                 \
    } while (0)

TEST(names_what_is_wrong_with_the_guest)
{
    EXPECT_BOTH((void)try, VERDICT_OK);
    EXPECT_BOTH(try.report.vmpl = 1, VERDICT_VMPL);
    EXPECT_BOTH(try.report.vmpl = 0xffffffff, VERDICT_VMPL);
    EXPECT_BOTH(try.report.policy &= ~SNP_POLICY_RESERVED_ONE, VERDICT_POLICY_RESERVED);
    EXPECT_BOTH(try.report.policy |= SNP_POLICY_DEBUG, VERDICT_POLICY_DEBUG);
    EXPECT_BOTH(try.report.policy |= SNP_POLICY_MIGRATE_MA, VERDICT_POLICY_MIGRATION);
    EXPECT_BOTH(try.report.report_id_ma[5] = 0, VERDICT_POLICY_MIGRATION);
}

TEST(admits_debugging_and_migration_when_told_to)
{
    EXPECT_BOTH((try.report.policy |= SNP_POLICY_DEBUG, try.requirements.debug = true), VERDICT_OK);
    EXPECT_BOTH((try.report.policy |= SNP_POLICY_MIGRATE_MA, try.requirements.migration = true),
                VERDICT_OK);
    EXPECT_BOTH((try.report.report_id_ma[5] = 0, try.requirements.migration = true), VERDICT_OK);
}

TEST(wants_bits_of_the_guests_policy)
{
    struct attempt try = attempt_begin();

    EXPECT_BOTH(try.requirements.guest_policy.must_be_clear = SNP_POLICY_SMT, VERDICT_POLICY_BITS);
    EXPECT_BOTH(try.requirements.guest_policy.must_be_set = SNP_POLICY_SMT, VERDICT_OK);
    try.requirements.guest_policy.must_be_set = 1ull << 20 | 1ull << 40;
    expect_verdict(&try, VERDICT_POLICY_BITS);
    assert_string_equal(try.finding.detail, "must be set: SINGLE_SOCKET, bit 40");
}

TEST(wants_a_version_of_the_abi)
{
    EXPECT_BOTH((try.report.policy |= 0x0137, try.requirements.abi_major_min = 1,
                 try.requirements.abi_minor_min = 0x37),
                VERDICT_OK);
    EXPECT_BOTH((try.report.policy |= 0x0136, try.requirements.abi_major_min = 1,
                 try.requirements.abi_minor_min = 0x37),
                VERDICT_POLICY_ABI);
    EXPECT_BOTH((try.report.policy |= 0x0200, try.requirements.abi_major_min = 1,
                 try.requirements.abi_minor_min = 0x37),
                VERDICT_OK);
    EXPECT_BOTH((try.report.policy |= 0x00ff, try.requirements.abi_major_min = 1),
                VERDICT_POLICY_ABI);
}

/* A TCB of a Milan in which each component can be lower: boot loader 3, TEE 1, SNP 8, microcode
 * 0xD5; in the order of struct tcb's members from the boot loader on. */
#define FULL_TCB (CHIP_TCB + (1ull << 8))
static const unsigned component_shifts[] = {0, 8, 48, 56};

TEST(wants_each_component_of_each_tcb)
{
    struct certificate_spec spec = chip_vcek_spec(&milan);
    struct tcb floor = product_tcb(PRODUCT_MILAN, FULL_TCB);
    X509 *vcek;

    spec.tcb = FULL_TCB;
    vcek = chip_certificate(&spec);
    for (unsigned i = 0; i < 4; i++) {
        struct attempt good = attempt_begin(), try;

        good.sent.vcek = vcek;
        good.report.reported_tcb = good.report.committed_tcb = good.report.launch_tcb =
            good.report.current_tcb = FULL_TCB;
        good.requirements.tcb_min[PRODUCT_MILAN] = floor;
        expect_verdict(&good, VERDICT_OK);
        try = good;
        try.report.committed_tcb -= 1ull << component_shifts[i];
        expect_verdict(&try, VERDICT_TCB_COMMITTED_BOOTLOADER + i);
        try = good;
        try.report.launch_tcb -= 1ull << component_shifts[i];
        expect_verdict(&try, VERDICT_TCB_LAUNCH_BOOTLOADER + i);
        try = good;
        try.report.current_tcb -= 1ull << component_shifts[i];
        expect_verdict(&try, VERDICT_TCB_CURRENT_BOOTLOADER + i);
        try = good;
        ((uint8_t *)&try.requirements.tcb_min[PRODUCT_MILAN])[1 + i]++; /* behind the FMC */
        expect_verdict(&try, VERDICT_TCB_REPORTED_BOOTLOADER + i);
        assert_false(evidence_appraise(&try.attested, &try.requirements, NULL, NULL, &try.finding));
        assert_int_equal(try.finding.verdict, VERDICT_TCB_REPORTED_BOOTLOADER + i);
    }
    X509_free(vcek);
}

TEST(compares_tcbs_by_component_and_not_as_numbers)
{
    /* A higher microcode does not make up for a lower boot loader. */
    EXPECT_BOTH((try.requirements.tcb_min[PRODUCT_MILAN] =
                     (struct tcb){.bootloader = 4, .microcode = 0x10}),
                VERDICT_TCB_REPORTED_BOOTLOADER);
    EXPECT_BOTH(try.requirements.tcb_min[PRODUCT_GENOA].bootloader = 255, VERDICT_OK);
}

TEST(says_which_tcb_and_component_is_too_old)
{
    struct attempt try = attempt_begin();

    try.requirements.tcb_min[PRODUCT_MILAN].snp = 9;
    expect_verdict(&try, VERDICT_TCB_REPORTED_SNP);
    assert_string_equal(try.finding.detail, "REPORTED_TCB, SNP firmware: at least 9, found 8");
}

TEST(refuses_firmware_that_can_be_rolled_back)
{
    EXPECT_BOTH(try.report.current_tcb++, VERDICT_PROVISIONAL_FIRMWARE);
    EXPECT_BOTH(try.report.current_build++, VERDICT_PROVISIONAL_FIRMWARE);
    EXPECT_BOTH((try.report.current_tcb++, try.requirements.provisional_firmware = true),
                VERDICT_OK);
}

TEST(notes_tcbs_in_an_odd_order)
{
    struct attempt try = attempt_begin();

    try.report.committed_tcb++;
    expect_verdict(&try, VERDICT_OK);
    assert_non_null(strstr(try.finding.detail, "COMMITTED_TCB"));
    try = attempt_begin();
    try.report.committed_tcb--;
    try.requirements.provisional_firmware = true;
    expect_verdict(&try, VERDICT_OK);
    assert_non_null(strstr(try.finding.detail, "REPORTED_TCB"));
}

TEST(wants_bits_of_the_platform)
{
    struct attempt try = attempt_begin();

    EXPECT_BOTH(
        (try.report.platform_info = 0x25, try.requirements.platform_info.must_be_set = 1u << 5),
        VERDICT_OK);
    EXPECT_BOTH(
        (try.report.platform_info = 0x05, try.requirements.platform_info.must_be_set = 1u << 5),
        VERDICT_PLATFORM_INFO);
    EXPECT_BOTH((try.report.platform_info = 0x05, try.requirements.platform_info.must_be_clear = 1),
                VERDICT_PLATFORM_INFO);
    try.requirements.platform_info.must_be_set = 1u << 5;
    expect_verdict(&try, VERDICT_PLATFORM_INFO);
    assert_string_equal(try.finding.detail, "PLATFORM_INFO, must be set: ALIAS_CHECK_COMPLETE");
}

TEST(wants_mitigations_which_only_version_5_tells_of)
{
    EXPECT_BOTH((try.report.version = 5, try.report.launch_mit_vector = 3,
                 try.report.current_mit_vector = 3, try.requirements.mitigations.must_be_set = 2),
                VERDICT_OK);
    EXPECT_BOTH((try.report.version = 5, try.report.launch_mit_vector = 1,
                 try.report.current_mit_vector = 3, try.requirements.mitigations.must_be_set = 2),
                VERDICT_MITIGATIONS);
    EXPECT_BOTH((try.report.version = 5, try.report.launch_mit_vector = 3,
                 try.report.current_mit_vector = 1, try.requirements.mitigations.must_be_set = 2),
                VERDICT_MITIGATIONS);
    EXPECT_BOTH((try.report.version = 5, try.report.current_mit_vector = 4,
                 try.requirements.mitigations.must_be_clear = 4),
                VERDICT_MITIGATIONS);
    EXPECT_BOTH((try.report.version = 4, try.report.launch_mit_vector = 3,
                 try.report.current_mit_vector = 3, try.requirements.mitigations.must_be_set = 2),
                VERDICT_MITIGATIONS);
}

static bool find_retired(void *context, const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                         struct finding *finding)
{
    (void)context;
    (void)measurement;
    return finding_fail(finding, VERDICT_MEASUREMENT_RETIRED, "since yesterday");
}

static bool find_another_image(void *context, const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                               struct finding *finding)
{
    (void)context;
    (void)measurement;
    return finding_fail(finding, VERDICT_MEASUREMENT_REFUSED, "the volume is another image's");
}

static bool find_no_store(void *context, const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                          struct finding *finding)
{
    (void)context;
    (void)measurement;
    return finding_fail(finding, VERDICT_INTERNAL, "the store does not answer");
}

TEST(asks_whether_the_measurement_is_admitted)
{
    EXPECT_BOTH(try.report.measurement[0] ^= 1, VERDICT_MEASUREMENT_UNKNOWN);
    EXPECT_BOTH((try.report.measurement[0] ^= 1, try.admit = NULL), VERDICT_OK);
    EXPECT_BOTH(try.admit = find_retired, VERDICT_MEASUREMENT_RETIRED);
    EXPECT_BOTH(try.admit = find_another_image, VERDICT_MEASUREMENT_REFUSED);
    EXPECT_BOTH(try.admit = find_no_store, VERDICT_INTERNAL);
}

#define WANT(member)                                                                               \
    (try.requirements.member.set = true,                                                           \
     memset(try.requirements.member.bytes, 0x77, sizeof(try.report.member)),                       \
     memset(try.report.member, 0x77, sizeof(try.report.member)))

TEST(wants_the_guests_identity)
{
    EXPECT_BOTH((try.requirements.guest_svn_min = 7, try.report.guest_svn = 7), VERDICT_OK);
    EXPECT_BOTH((try.requirements.guest_svn_min = 7, try.report.guest_svn = 6), VERDICT_GUEST_SVN);
    EXPECT_BOTH(WANT(host_data), VERDICT_OK);
    EXPECT_BOTH((WANT(host_data), try.report.host_data[31] ^= 1), VERDICT_HOST_DATA);
    EXPECT_BOTH(WANT(family_id), VERDICT_OK);
    EXPECT_BOTH((WANT(family_id), try.report.family_id[15] ^= 1), VERDICT_FAMILY_ID);
    EXPECT_BOTH(WANT(image_id), VERDICT_OK);
    EXPECT_BOTH((WANT(image_id), try.report.image_id[15] ^= 1), VERDICT_IMAGE_ID);
    EXPECT_BOTH(WANT(id_key_digest), VERDICT_OK);
    EXPECT_BOTH((WANT(id_key_digest), try.report.id_key_digest[47] ^= 1), VERDICT_ID_KEY_DIGEST);
}

TEST(an_authors_digest_counts_only_with_an_authors_key)
{
    EXPECT_BOTH((WANT(author_key_digest), try.report.key_info = 1), VERDICT_OK);
    EXPECT_BOTH(WANT(author_key_digest), VERDICT_AUTHOR_KEY_DIGEST);
    EXPECT_BOTH(
        (WANT(author_key_digest), try.report.key_info = 1, try.report.author_key_digest[47] ^= 1),
        VERDICT_AUTHOR_KEY_DIGEST);
}

/* What was accepted, under other requirements. */

static void expect_later(const struct attested *attested, const struct requirements *requirements,
                         enum verdict expected)
{
    struct finding finding;

    assert_int_equal(evidence_appraise(attested, requirements, NULL, NULL, &finding),
                     expected == VERDICT_OK);
    assert_int_equal(finding.verdict, expected);
}

TEST(appraises_claims_under_other_requirements)
{
    struct attempt try = attempt_begin();
    uint8_t another_chip[1][CHIP_ID_SIZE] = {{1}};
    struct requirements other;

    expect_verdict(&try, VERDICT_OK);
    expect_later(&try.attested, &try.requirements, VERDICT_OK);
    other = try.requirements;
    other.version_min = 4;
    expect_later(&try.attested, &other, VERDICT_REPORT_VERSION);
    other = try.requirements;
    other.product_allowed[PRODUCT_MILAN] = false;
    expect_later(&try.attested, &other, VERDICT_PRODUCT_REFUSED);
    other = try.requirements;
    other.vcek = false;
    expect_later(&try.attested, &other, VERDICT_VCEK_REFUSED);
    other = try.requirements;
    other.chip_ids = another_chip;
    other.chip_id_count = 1;
    expect_later(&try.attested, &other, VERDICT_CHIP_REFUSED);
    memset(try.report.chip_id, 0, CHIP_ID_SIZE);
    try.requirements.masked_chip_id = true;
    expect_verdict(&try, VERDICT_OK);
    try.requirements.masked_chip_id = false;
    expect_later(&try.attested, &try.requirements, VERDICT_CHIP_ID_MASKED);
}

TEST(appraises_a_vleks_provider)
{
    struct attempt try = attempt_begin();

    try.sign_with_vlek = true;
    try.report.key_info = 1u << 2;
    try.sent = (struct chip_entries){.ask = milan.asvk, .vlek = milan.vlek, .crl = milan_crl};
    try.requirements.vlek = true;
    try.requirements.csp_id_count = 1;
    strcpy(try.requirements.csp_ids[0], CHIP_CSP_ID);
    expect_verdict(&try, VERDICT_OK);
    expect_later(&try.attested, &try.requirements, VERDICT_OK);
    strcpy(try.requirements.csp_ids[0], "Another Cloud");
    expect_later(&try.attested, &try.requirements, VERDICT_CSP_ID_REFUSED);
    try.requirements.vlek = false;
    expect_later(&try.attested, &try.requirements, VERDICT_VLEK_REFUSED);
}

TEST(appraises_nothing_that_was_never_verified)
{
    struct attested nothing = {0};
    struct requirements requirements;

    requirements_strict(&requirements);
    expect_later(&nothing, &requirements, VERDICT_INTERNAL);
}
