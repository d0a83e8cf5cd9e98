/* SPDX-License-Identifier: MIT */
/*
 * Reports of versions 3 and 5 of real Milans, Genoas and Turins, one of them signed with a VLEK,
 * with AMD's CRLs; skipped where the data are absent. All came from public repositories.
 */
#include "tests/unit/kbs-evidence/real_evidence.h"
#include "tests/unit/registered.h"

#include <stdio.h>

#define IN_SEPTEMBER_2026 1789430400 /* within the CRLs' validity, from August to October */
#define IN_JUNE_2025      1748736000 /* within the VLEK's */
#define IN_JUNE_2026      1780272000 /* after that */

#define CSP_ID "CN=cc-us-east-2.amazonaws.com"

static const struct sample {
    const char *name;
    enum product product;
    uint32_t version;
    struct tcb tcb; /* that it reports */
} samples[] = {
    {"milan-v3", PRODUCT_MILAN, 3, {.bootloader = 4, .snp = 0x18, .microcode = 0xDB}},
    {"genoa-v3", PRODUCT_GENOA, 3, {.bootloader = 10, .snp = 0x17, .microcode = 0x54}},
    {"genoa-v5", PRODUCT_GENOA, 5, {.bootloader = 10, .snp = 0x19, .microcode = 0x54}},
    {"family19-model-a0-v5", PRODUCT_GENOA, 5, {.bootloader = 10, .snp = 0x1B, .microcode = 0x1B}},
    {"turin-v5", PRODUCT_TURIN, 5, {.bootloader = 1, .snp = 2, .microcode = 0x47}},
};

#define EACH_SAMPLE                                                                                \
    const struct sample *sample = samples;                                                         \
    sample < samples + sizeof(samples) / sizeof(samples[0]);                                       \
    sample++

static struct trust trust;
static bool have_data;

static const char *evidence_name(const char *name, const char *suffix)
{
    static char path[256];

    snprintf(path, sizeof(path), "data/evidence/%s%s", name, suffix);
    return path;
}

static int load(void **state)
{
    struct trust_error error;
    uint8_t byte;

    (void)state;
    if (real_load("data/evidence/README", &byte, 1) == 0)
        return 0;
    have_data = true;
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

static void load_report(struct attempt *attempt, const char *name)
{
    assert_int_equal(real_load(evidence_name(name, ".report"), &attempt->report, REPORT_SIZE),
                     REPORT_SIZE);
    memcpy(attempt->report_data, attempt->report.report_data, REPORT_DATA_SIZE);
}

static void load_crl(struct der *crl, enum product product)
{
    static const char *const names[] = {
        [PRODUCT_MILAN] = "milan", [PRODUCT_GENOA] = "genoa", [PRODUCT_TURIN] = "turin"};

    crl->size = real_load(evidence_name(names[product], "-vcek.crl"), crl->bytes, DER_MAX);
    assert_in_range(crl->size, 1, DER_MAX - 1);
}

/* A report with its VCEK and AMD's CRL, under the strict default. */
static struct attempt begin(const struct sample *sample)
{
    struct attempt attempt = {.trust = trust, .now = IN_SEPTEMBER_2026};

    requirements_strict(&attempt.requirements);
    load_report(&attempt, sample->name);
    real_load_certificate(evidence_name(sample->name, ".vcek.der"), &attempt.leaf);
    load_crl(&attempt.crl, sample->product);
    return attempt;
}

TEST(they_verify_under_the_strict_default_with_amds_crl)
{
    skip_without_data();
    for (EACH_SAMPLE) {
        struct attempt attempt = begin(sample);

        expect_run(&attempt, VERDICT_OK);
        assert_true(attempt.attested.genuine);
        assert_true(attempt.attested.bound);
        assert_false(attempt.attested.vlek);
        assert_int_equal(attempt.attested.platform, PLATFORM_AMD);
        assert_int_equal(attempt.attested.product, sample->product);
        assert_int_equal(attempt.attested.report.version, sample->version);
    }
}

TEST(they_need_a_crl_that_is_valid_now)
{
    skip_without_data();
    for (EACH_SAMPLE) {
        struct attempt attempt = begin(sample);

        attempt.now = IN_SEPTEMBER_2026 + 30 * 86400;
        expect_run(&attempt, VERDICT_CRL_EXPIRED);
        attempt.crl.size = 0;
        expect_run(&attempt, VERDICT_CRL_MISSING);
        attempt.requirements.crl = CRL_OFF;
        expect_run(&attempt, VERDICT_OK);
        load_crl(&attempt.crl, (sample->product + 1) % PRODUCT_COUNT);
        attempt.requirements.crl = CRL_REQUIRED;
        attempt.now = IN_SEPTEMBER_2026;
        expect_run(&attempt, VERDICT_CRL_ISSUER);
    }
}

TEST(they_are_bound_to_their_report_data)
{
    skip_without_data();
    for (EACH_SAMPLE) {
        struct attempt attempt = begin(sample);

        attempt.report_data[63] ^= 1;
        expect_run(&attempt, VERDICT_REPORT_DATA);
        assert_true(attempt.attested.genuine);
        assert_false(attempt.attested.bound);
    }
}

/* Each of these, raised by one, is higher than what was reported. */
static const struct {
    size_t offset;
    enum verdict verdict;
} floors[] = {
    {offsetof(struct tcb, bootloader), VERDICT_TCB_REPORTED_BOOTLOADER},
    {offsetof(struct tcb, snp), VERDICT_TCB_REPORTED_SNP},
    {offsetof(struct tcb, microcode), VERDICT_TCB_REPORTED_MICROCODE},
};

TEST(they_meet_their_own_tcb_and_no_higher)
{
    skip_without_data();
    for (EACH_SAMPLE) {
        struct attempt attempt = begin(sample);
        struct tcb *least = &attempt.requirements.tcb_min[sample->product];

        *least = sample->tcb;
        expect_run(&attempt, VERDICT_OK);
        for (size_t i = 0; i < sizeof(floors) / sizeof(floors[0]); i++) {
            *least = sample->tcb;
            ((uint8_t *)least)[floors[i].offset]++;
            expect_run(&attempt, floors[i].verdict);
        }
    }
}

TEST(a_turin_has_a_floor_for_its_fmc)
{
    struct attempt attempt;

    skip_without_data();
    attempt = begin(&samples[4]);
    attempt.requirements.tcb_min[PRODUCT_TURIN].fmc = 1;
    expect_run(&attempt, VERDICT_TCB_REPORTED_FMC);
}

TEST(their_generation_chip_and_version_can_be_demanded)
{
    skip_without_data();
    for (EACH_SAMPLE) {
        struct attempt attempt = begin(sample);
        uint8_t chip[1][CHIP_ID_SIZE];

        memcpy(chip[0], attempt.report.chip_id, CHIP_ID_SIZE);
        attempt.requirements.chip_ids = chip;
        attempt.requirements.chip_id_count = 1;
        attempt.requirements.version_min = attempt.requirements.version_max = sample->version;
        expect_run(&attempt, VERDICT_OK);
        chip[0][0] ^= 1;
        expect_run(&attempt, VERDICT_CHIP_REFUSED);
        attempt.requirements.product_allowed[sample->product] = false;
        expect_run(&attempt, VERDICT_PRODUCT_REFUSED);
        attempt.requirements.version_min = attempt.requirements.version_max = 4;
        expect_run(&attempt, VERDICT_REPORT_VERSION);
    }
}

TEST(a_report_of_version_5_tells_its_mitigations)
{
    skip_without_data();
    for (EACH_SAMPLE) {
        struct attempt attempt = begin(sample);
        uint64_t told = attempt.report.launch_mit_vector & attempt.report.current_mit_vector;

        attempt.requirements.mitigations.must_be_set = told;
        expect_run(&attempt, VERDICT_OK);
        attempt.requirements.mitigations.must_be_set = told | 1ull << 40;
        expect_run(&attempt, VERDICT_MITIGATIONS);
        assert_true(sample->version == 5 || told == 0);
    }
}

TEST(another_chips_vcek_does_not_sign_for_it)
{
    skip_without_data();
    for (EACH_SAMPLE) {
        struct attempt attempt = begin(sample);

        real_load_certificate(
            evidence_name(sample->product == PRODUCT_MILAN ? "genoa-v3" : "milan-v3", ".vcek.der"),
            &attempt.leaf);
        assert_int_not_equal(attempt_run(&attempt), VERDICT_OK);
        assert_false(attempt.attested.genuine);
    }
    /* Of the same generation, so that its chain is right. */
    {
        struct attempt attempt = begin(&samples[1]);

        real_load_certificate(evidence_name("genoa-v5", ".vcek.der"), &attempt.leaf);
        expect_run(&attempt, VERDICT_REPORT_SIGNATURE);
    }
}

/* Alterations */

TEST(no_byte_of_a_report_can_be_altered)
{
    skip_without_data();
    for (EACH_SAMPLE) {
        struct attempt attempt = begin(sample);

        attempt.chains = chain_cache_new(4);
        alter_all_bytes(&attempt, sample->name, (uint8_t *)&attempt.report, REPORT_SIZE);
        expect_run(&attempt, VERDICT_OK); /* all is as it was */
        chain_cache_free(attempt.chains);
    }
}

/* What somebody would like a report to say. */
static const struct {
    const char *what;
    size_t offset, size;
    uint64_t value;
} claims[] = {
    {"a newer version", offsetof(struct snp_report, version), 4, 4},
    {"a higher GUEST_SVN", offsetof(struct snp_report, guest_svn), 4, 7},
    {"a stricter policy", offsetof(struct snp_report, policy), 8, 0x20000},
    {"VMPL 3", offsetof(struct snp_report, vmpl), 4, 3},
    {"another platform", offsetof(struct snp_report, platform_info), 8, 0},
    {"an author's key", offsetof(struct snp_report, key_info), 4, 1},
    {"a higher TCB", offsetof(struct snp_report, reported_tcb), 8, 0xFF00000000000009},
    {"a higher committed TCB", offsetof(struct snp_report, committed_tcb), 8, 0xFF00000000000009},
    {"a higher current TCB", offsetof(struct snp_report, current_tcb), 8, 0xFF00000000000009},
    {"a higher launch TCB", offsetof(struct snp_report, launch_tcb), 8, 0xFF00000000000009},
    {"another measurement", offsetof(struct snp_report, measurement), 8, 0},
    {"other host data", offsetof(struct snp_report, host_data), 8, 1},
    {"another ID key", offsetof(struct snp_report, id_key_digest), 8, 1},
    {"another report", offsetof(struct snp_report, report_id), 8, 1},
    {"other report data", offsetof(struct snp_report, report_data), 8, 1},
};

TEST(no_claim_of_a_report_can_be_replaced)
{
    skip_without_data();
    for (EACH_SAMPLE) {
        struct attempt original = begin(sample);

        original.chains = chain_cache_new(4);
        for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
            struct attempt attempt = original;

            memcpy((uint8_t *)&attempt.report + claims[i].offset, &claims[i].value, claims[i].size);
            memcpy(attempt.report_data, attempt.report.report_data, REPORT_DATA_SIZE);
            if (attempt_run(&attempt) == VERDICT_OK || attempt.attested.genuine)
                fail_msg("%s: accepted with %s", sample->name, claims[i].what);
        }
        chain_cache_free(original.chains);
    }
}

TEST(no_byte_of_a_vcek_can_be_altered)
{
    skip_without_data();
    for (EACH_SAMPLE) {
        struct attempt attempt = begin(sample);

        alter_all_bytes(&attempt, "VCEK", attempt.leaf.bytes, attempt.leaf.size);
    }
}

TEST(no_byte_of_amds_crls_can_be_altered)
{
    skip_without_data();
    for (EACH_SAMPLE) {
        struct attempt attempt = begin(sample);

        if (sample > samples && sample->product == sample[-1].product)
            continue; /* the same CRL */
        alter_all_bytes(&attempt, "CRL", attempt.crl.bytes, attempt.crl.size);
    }
}

/* A VLEK, of a cloud provider's host that hides its chip */

static struct attempt begin_vlek(void)
{
    struct attempt attempt = {.trust = trust, .now = IN_JUNE_2025, .vlek = true};

    requirements_strict(&attempt.requirements);
    attempt.requirements.vlek = true;
    attempt.requirements.csp_id_count = 1;
    strcpy(attempt.requirements.csp_ids[0], CSP_ID);
    attempt.requirements.crl = CRL_OFF; /* AMD's of then is not at hand */
    load_report(&attempt, "milan-vlek-v3");
    real_load_certificate(evidence_name("milan-vlek-v3", ".vlek.der"), &attempt.leaf);
    real_load_certificate(evidence_name("milan-asvk", ".der"), &attempt.ask);
    return attempt;
}

/* A Linux guest asked for the report at VMPL 1, which no policy admits; all else is right. */
TEST(a_report_signed_with_a_vlek_is_genuine_but_not_of_vmpl_0)
{
    struct attempt attempt;

    skip_without_data();
    attempt = begin_vlek();
    expect_run(&attempt, VERDICT_VMPL);
    assert_string_equal(attempt.finding.detail, "expected 0, found 1");
    assert_true(attempt.attested.genuine);
    assert_true(attempt.attested.vlek);
    assert_string_equal(attempt.attested.csp_id, CSP_ID);
    assert_int_equal(attempt.attested.product, PRODUCT_MILAN);
}

TEST(a_vlek_is_refused_by_default)
{
    struct attempt attempt;

    skip_without_data();
    attempt = begin_vlek();
    requirements_strict(&attempt.requirements);
    expect_run(&attempt, VERDICT_VLEK_REFUSED);
    assert_false(attempt.attested.genuine);
}

TEST(a_vlek_expires)
{
    struct attempt attempt;

    skip_without_data();
    attempt = begin_vlek();
    attempt.now = IN_JUNE_2026;
    expect_run(&attempt, VERDICT_CHAIN_VALIDITY);
    assert_string_equal(attempt.finding.detail, "VLEK: valid from 2024-12-10 to 2025-12-10");
}

TEST(a_vlek_needs_its_provider_admitted_and_no_list_of_chips)
{
    uint8_t chip[1][CHIP_ID_SIZE] = {{1}};
    struct attempt attempt;

    skip_without_data();
    attempt = begin_vlek();
    strcpy(attempt.requirements.csp_ids[0], "CN=cc-us-east-1.amazonaws.com"); /* another region */
    expect_run(&attempt, VERDICT_CSP_ID_REFUSED);
    attempt = begin_vlek();
    attempt.requirements.chip_ids = chip; /* this host hides its own */
    attempt.requirements.chip_id_count = 1;
    expect_run(&attempt, VERDICT_CHIP_REFUSED);
    attempt = begin_vlek();
    attempt.ask.size = 0;
    expect_run(&attempt, VERDICT_CERTIFICATE_MISSING);
    real_load_certificate("data/amd-certs/milan-ask.pem", &attempt.ask); /* of VCEKs */
    expect_run(&attempt, VERDICT_CHAIN_NAME);
}

TEST(no_byte_of_a_vleks_report_and_chain_can_be_altered)
{
    struct attempt attempt;

    skip_without_data();
    attempt = begin_vlek();
    attempt.chains = chain_cache_new(4);
    alter_all_bytes(&attempt, "report", (uint8_t *)&attempt.report, REPORT_SIZE);
    chain_cache_free(attempt.chains);
    attempt.chains = NULL;
    alter_all_bytes(&attempt, "VLEK", attempt.leaf.bytes, attempt.leaf.size);
    alter_all_bytes(&attempt, "ASVK", attempt.ask.bytes, attempt.ask.size);
    expect_run(&attempt, VERDICT_VMPL); /* all is as it was */
    assert_true(attempt.attested.genuine);
}

TEST_GROUP(load, unload)
