/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/policy/policy.h"
#include "kbs/store/policies.h"
#include "tests/unit/registered.h"

/* libconfig 1.5 loses the string that it reads when it comes upon an error of syntax. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:strbuf_append\nleak:libconfig_yylex\n";
}

static struct policy must_parse(const char *text)
{
    struct policy policy;
    struct policy_error error;

    if (!policy_parse(text, &policy, &error))
        fail_msg("%s: %s", text, error.text);
    return policy;
}

/* Every member but the pointer, for which there is its count. */
static void assert_same(const struct policy *one, const struct policy *other)
{
    const struct requirements *a = &one->requirements, *b = &other->requirements;

    assert_int_equal(a->version_min, b->version_min);
    assert_int_equal(a->version_max, b->version_max);
    assert_int_equal(a->vcek, b->vcek);
    assert_int_equal(a->vlek, b->vlek);
    assert_int_equal(a->csp_id_count, b->csp_id_count);
    assert_int_equal(a->crl, b->crl);
    assert_int_equal(a->masked_chip_id, b->masked_chip_id);
    assert_memory_equal(a->product_allowed, b->product_allowed, sizeof(a->product_allowed));
    assert_memory_equal(a->tcb_min, b->tcb_min, sizeof(a->tcb_min));
    assert_int_equal(a->chip_id_count, b->chip_id_count);
    assert_int_equal(a->debug, b->debug);
    assert_int_equal(a->migration, b->migration);
    assert_memory_equal(&a->guest_policy, &b->guest_policy, sizeof(a->guest_policy));
    assert_int_equal(a->abi_major_min, b->abi_major_min);
    assert_int_equal(a->abi_minor_min, b->abi_minor_min);
    assert_memory_equal(&a->platform_info, &b->platform_info, sizeof(a->platform_info));
    assert_memory_equal(&a->mitigations, &b->mitigations, sizeof(a->mitigations));
    assert_int_equal(a->provisional_firmware, b->provisional_firmware);
    assert_int_equal(a->guest_svn_min, b->guest_svn_min);
    assert_memory_equal(&a->host_data, &b->host_data, sizeof(a->host_data));
    assert_memory_equal(&a->family_id, &b->family_id, sizeof(a->family_id));
    assert_memory_equal(&a->image_id, &b->image_id, sizeof(a->image_id));
    assert_memory_equal(&a->id_key_digest, &b->id_key_digest, sizeof(a->id_key_digest));
    assert_memory_equal(&a->author_key_digest, &b->author_key_digest, sizeof(a->author_key_digest));
    assert_int_equal(one->image_count, other->image_count);
}

TEST(the_default_text_and_none_at_all_are_strict)
{
    struct policy strict = {0}, policy;

    requirements_strict(&strict.requirements);
    policy = must_parse(policy_default_text);
    assert_same(&policy, &strict);
    policy_free(&policy);
    policy = must_parse("");
    assert_same(&policy, &strict);
    policy_free(&policy);
    assert_int_equal(strict.requirements.version_min, 3);
    assert_int_equal(strict.requirements.version_max, 5);
    assert_true(strict.requirements.vcek);
    assert_false(strict.requirements.vlek);
    assert_int_equal(strict.requirements.crl, CRL_REQUIRED);
}

#define CHIP_HEX                                                                                   \
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"                             \
    "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
#define HEX_16 "000102030405060708090A0B0C0D0E0F"
#define HEX_32 HEX_16 HEX_16
#define HEX_48 HEX_32 HEX_16

static const char full_text[] =
    "images = [ \"svsm-2026.03\", \"svsm_next\" ];\n"
    "guest = {\n"
    "  debug = true; migration = true;\n"
    "  policy = { must-be-set = [\"SMT\", \"CXL_ALLOW\"]; must-be-clear = [\"SINGLE_SOCKET\"]; };\n"
    "  abi-min = { major = 1; minor = 55; };\n"
    "  svn-min = 4294967295L;\n"
    "  host-data = \"" HEX_32 "\"; family-id = \"" HEX_16 "\"; image-id = \"" HEX_16 "\";\n"
    "  id-key-digest = \"" HEX_48 "\"; author-key-digest = \"" HEX_48 "\";\n"
    "};\n"
    "report = { version-min = 2; version-max = 5; };\n"
    "signing-keys = [ \"vcek\", \"vlek\" ]; csp-ids = [ \"Example Cloud\", \"Another\" ];\n"
    "crl = \"off\"; products = [ \"genoa\", \"turin\" ];\n"
    "chips = [ \"" CHIP_HEX "\", \"0102030405060708\" ]; masked-chip-ids = false;\n"
    "tcb = { milan = { bootloader = 1; tee = 2; snp = 3; microcode = 4; };\n"
    "  genoa = { bootloader = 5; tee = 6; snp = 7; microcode = 8; };\n"
    "  turin = { fmc = 9; bootloader = 10; tee = 11; snp = 12; microcode = 0xff; };\n"
    "  provisional = true; };\n"
    "platform-info = { must-be-set = [\"ALIAS_CHECK_COMPLETE\"]; must-be-clear = [\"SMT_EN\"]; };\n"
    "mitigations = { must-be-set = [0, 63]; must-be-clear = [1]; };\n";

TEST(reads_every_setting)
{
    struct policy policy = must_parse(full_text);
    const struct requirements *r = &policy.requirements;

    assert_int_equal(policy.image_count, 2);
    assert_string_equal(policy.images[0], "svsm-2026.03");
    assert_string_equal(policy.images[1], "svsm_next");
    assert_true(r->debug && r->migration);
    assert_int_equal(r->guest_policy.must_be_set, 1u << 16 | 1u << 21);
    assert_int_equal(r->guest_policy.must_be_clear, 1u << 20);
    assert_int_equal(r->abi_major_min, 1);
    assert_int_equal(r->abi_minor_min, 55);
    assert_int_equal(r->guest_svn_min, UINT32_MAX);
    assert_true(r->host_data.set && r->host_data.bytes[31] == 0x0f);
    assert_true(r->family_id.set && r->family_id.bytes[15] == 0x0f && r->family_id.bytes[16] == 0);
    assert_true(r->image_id.set && r->image_id.bytes[10] == 0x0a);
    assert_true(r->id_key_digest.set && r->id_key_digest.bytes[47] == 0x0f);
    assert_true(r->author_key_digest.set && r->author_key_digest.bytes[47] == 0x0f);
    assert_int_equal(r->version_min, 2);
    assert_int_equal(r->version_max, 5);
    assert_true(r->vcek && r->vlek);
    assert_int_equal(r->csp_id_count, 2);
    assert_string_equal(r->csp_ids[1], "Another");
    assert_int_equal(r->crl, CRL_OFF);
    assert_false(r->product_allowed[PRODUCT_MILAN]);
    assert_true(r->product_allowed[PRODUCT_GENOA] && r->product_allowed[PRODUCT_TURIN]);
    assert_int_equal(r->chip_id_count, 2);
    assert_int_equal(r->chip_ids[0][63], 0x3f);
    assert_int_equal(r->chip_ids[1][7], 8);
    assert_int_equal(r->chip_ids[1][8], 0);
    assert_int_equal(r->tcb_min[PRODUCT_MILAN].bootloader, 1);
    assert_int_equal(r->tcb_min[PRODUCT_MILAN].tee, 2);
    assert_int_equal(r->tcb_min[PRODUCT_MILAN].snp, 3);
    assert_int_equal(r->tcb_min[PRODUCT_MILAN].microcode, 4);
    assert_int_equal(r->tcb_min[PRODUCT_GENOA].bootloader, 5);
    assert_int_equal(r->tcb_min[PRODUCT_GENOA].microcode, 8);
    assert_int_equal(r->tcb_min[PRODUCT_TURIN].fmc, 9);
    assert_int_equal(r->tcb_min[PRODUCT_TURIN].microcode, 255);
    assert_true(r->provisional_firmware);
    assert_int_equal(r->platform_info.must_be_set, 1u << 5);
    assert_int_equal(r->platform_info.must_be_clear, 1);
    assert_true(r->mitigations.must_be_set == (1ull << 63 | 1));
    assert_int_equal(r->mitigations.must_be_clear, 2);
    policy_free(&policy);
}

TEST(admits_the_images_it_names)
{
    struct policy policy = must_parse("images = [\"a\", \"b\"];");

    assert_true(policy_admits_image(&policy, "a"));
    assert_true(policy_admits_image(&policy, "b"));
    assert_false(policy_admits_image(&policy, "ab"));
    policy_free(&policy);
    policy = must_parse("images = [];");
    assert_true(policy_admits_image(&policy, "anything"));
    policy_free(&policy);
}

/* text, and what the error says */
static const struct {
    const char *text, *error;
} refused[] = {
    /* syntax */
    {"crl = ", "line 2: syntax error"},
    {"\n\ncrl \"off\";", "line 3: syntax error"},
    {"crl = \"off\"; crl = \"off\";", "line 1: duplicate setting name"},
    {"tcb = { milan = {}; milan = {}; };", "line 1: duplicate setting name"},
    {"# fine\n@include \"/etc/passwd\"\n", "line 2: a policy cannot include files"},
    /* unknown settings */
    {"\ncrll = \"off\";", "line 2: crll: no such setting; there are: images, guest, report, "},
    {"guest = { Debug = true; };", "line 1: guest.Debug: no such setting; there are: debug, "},
    {"tcb = { milan = { fmc = 1; }; };", "tcb.milan.fmc: no such setting; there are: bootloader"},
    {"tcb = { rome = {}; };", "tcb.rome: no such setting; there are: milan, genoa, turin"},
    /* wrong types */
    {"guest = 1;", "guest: must be a group: { debug, migration, "},
    {"guest = [];", "guest: must be a group"},
    {"guest = { debug = 1; };", "guest.debug: must be true or false"},
    {"guest = { debug = \"no\"; };", "guest.debug: must be true or false"},
    {"guest = { svn-min = \"1\"; };", "guest.svn-min: must be a number from 0 to 4294967295"},
    {"guest = { svn-min = 1.5; };", "guest.svn-min: must be a number"},
    {"crl = true;", "crl: must be \"required\" or \"off\""},
    {"images = \"a\";", "images: must be a list of strings"},
    {"images = [1];", "images: must be a list of strings"},
    {"images = (\"a\", 1);", "images: must be a list of strings"},
    {"platform-info = { must-be-set = 1; };", "platform-info.must-be-set: must be a list of bits"},
    {"platform-info = { must-be-set = [5]; };", "must name bits; there are: SMT_EN, "},
    /* out of range */
    {"report = { version-min = 6; };", "report.version-min: must be a number from 0 to 5"},
    {"report = { version-min = 1; };", "report.version-min: must be 2 to 5"},
    {"report = { version-max = -1; };", "report.version-max: must be a number from 0 to 5"},
    {"tcb = { milan = { snp = 256; }; };", "tcb.milan.snp: must be a number from 0 to 255"},
    {"tcb = { milan = { snp = -1; }; };", "tcb.milan.snp: must be a number from 0 to 255"},
    {"tcb = { milan = { snp = 4294967297; }; };", "no number may be above 4294967295"},
    {"tcb = { milan = { snp = 18446744073709551617; }; };", "no number may be above"},
    {"tcb = { milan = { snp = 0x100000001; }; };", "no number may be above 4294967295"},
    {"tcb = { milan = { snp = -4294967295; }; };", "no number may be above 4294967295, or neg"},
    {"guest = { svn-min = 4294967296L; };", "no number may be above"},
    {"guest = { host-data = \"00\"; };", "guest.host-data: must be 64 hexadecimal digits"},
    {"guest = { family-id = \"" HEX_32 "\"; };", "guest.family-id: must be 32 hexadecimal digits"},
    {"guest = { image-id = \"0g0102030405060708090A0B0C0D0E0F\"; };", "guest.image-id: must be 32"},
    {"guest = { id-key-digest = 1; };", "guest.id-key-digest: must be 96 hexadecimal digits"},
    {"chips = [\"01\"];", "chips: a chip id has 128 hexadecimal digits, a Turin's 16"},
    {"images = [\"\"];", "images: an image's name has 1 to 63"},
    {"images = [\"a b\"];", "images: an image's name has 1 to 63"},
    {"csp-ids = [\"\"];", "csp-ids: a CSP_ID has 1 to 63 characters"},
    {"signing-keys = [\"VCEK\"];", "signing-keys: must be \"vcek\", \"vlek\" or both"},
    {"signing-keys = [];", "signing-keys: must have \"vcek\", \"vlek\" or both"},
    {"products = [\"rome\"];", "products: must be of \"milan\", \"genoa\", \"turin\""},
    {"products = [];", "products: must have at least one of"},
    {"guest = { policy = { must-be-set = [\"DEBUG\"]; }; };", "must name bits; there are: SMT, "},
    {"mitigations = { must-be-set = [64]; };", "mitigations.must-be-set: must be a number from 0 "},
    {"mitigations = { must-be-set = [\"X\"]; };", "must be a number from 0 to 63"},
    /* twice in a list */
    {"images = [\"a\", \"a\"];", "images: \"a\" is there twice"},
    {"signing-keys = [\"vcek\", \"vcek\"];", "\"vcek\" is there twice"},
    {"platform-info = { must-be-set = [\"SMT_EN\", \"SMT_EN\"]; };", "a bit is there twice"},
    /* contradictions */
    {"report = { version-min = 5; version-max = 4; };",
     "line 1: report: version-min 5 is above version-max 4"},
    {"report = { version-max = 2; };", "report: version-min 3 is above version-max 2"},
    {"\nsigning-keys = [\"vlek\"];", "line 2: signing-keys: \"vlek\" needs csp-ids"},
    {"csp-ids = [\"x\"];", "csp-ids: are of VLEKs, but signing-keys lacks \"vlek\""},
    {"chips = [\"0102030405060708\"]; masked-chip-ids = true;",
     "masked-chip-ids: a masked chip id is none of those in chips"},
    {"guest = { policy = { must-be-set = [\"SMT\"]; must-be-clear = [\"SMT\"]; }; };",
     "guest.policy: to be both set and clear: SMT"},
    {"platform-info = { must-be-set = [\"TIO_EN\"]; must-be-clear = [\"TIO_EN\"]; };",
     "platform-info: to be both set and clear: TIO_EN"},
    {"mitigations = { must-be-set = [3]; must-be-clear = [3]; };",
     "mitigations: to be both set and clear: bit 3"},
    {"mitigations = { must-be-set = [3]; }; report = { version-max = 4; };",
     "mitigations: reports before version 5 tell of none, and report.version-max is 4"},
};

/* libconfig 1.5 (Debian 12) cannot tell such a number without an L from a negative one; 1.7 reads
 * it. */
TEST(a_number_above_31_bits_is_what_it_says_or_refused)
{
    struct policy policy;
    struct policy_error error = {""};

    if (policy_parse("guest = { svn-min = 4000000000; };", &policy, &error))
        assert_int_equal(policy.requirements.guest_svn_min, 4000000000u);
    else
        assert_non_null(strstr(error.text, "4294967295, with L behind it above 2147483647"));
}

TEST(says_what_is_wrong_where_and_what_is_allowed)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct policy policy;
        struct policy_error error = {""};

        if (policy_parse(refused[i].text, &policy, &error))
            fail_msg("accepted: %s", refused[i].text);
        if (!strstr(error.text, refused[i].error))
            fail_msg("%s\n expected: %s\n found:    %s", refused[i].text, refused[i].error,
                     error.text);
        if (strncmp(error.text, "line ", 5) != 0)
            fail_msg("no line: %s", error.text);
    }
}

TEST(bounds_size_and_nesting)
{
    char *text = malloc(POLICY_TEXT_MAX + 2);
    struct policy policy;
    struct policy_error error;

    memset(text, '#', POLICY_TEXT_MAX);
    text[POLICY_TEXT_MAX] = '\0';
    policy = must_parse(text);
    policy_free(&policy);
    strcat(text, "#");
    assert_false(policy_parse(text, &policy, &error));
    assert_string_equal(error.text, "line 1: a policy has at most 65536 bytes");

    text[0] = '\0';
    for (int i = 0; i < 1000; i++)
        strcat(text, "a={");
    assert_false(policy_parse(text, &policy, &error));
    assert_string_equal(error.text, "line 1: nested too deeply");
    free(text);
    /* What is quoted does not count. */
    policy =
        must_parse("# {{{{{{{{{{{{{{{{{{{{ 99999999999\n// [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n"
                   "/* (((((((((((((((((((((((((((( */ products = [\"turin\"];\n"
                   "signing-keys = [\"vlek\"]; csp-ids = [\"\\\"{{{{{{{{{{{{{{{{{{{{{{{\"]; # end");
    policy_free(&policy);
}

TEST(bounds_lists)
{
    char text[4096] = "images = [";
    struct policy policy;
    struct policy_error error;

    for (int i = 0; i < POLICY_IMAGES_MAX; i++)
        sprintf(text + strlen(text), "%s\"image%d\"", i > 0 ? "," : "", i);
    strcat(text, "];");
    policy = must_parse(text);
    assert_int_equal(policy.image_count, POLICY_IMAGES_MAX);
    policy_free(&policy);
    strcpy(text + strlen(text) - 2, ", \"one more\"];");
    assert_false(policy_parse(text, &policy, &error));
    assert_string_equal(error.text, "line 1: images: has more than 64 elements");
}
