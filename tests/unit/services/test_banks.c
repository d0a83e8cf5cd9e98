/* SPDX-License-Identifier: MIT */
/* The PCR banks that a launch image asks for. */
#include <string.h>

#include "lib/boot/boot_params.h"
#include "services/tpm/banks.h"
#include "tests/unit/registered.h"
#include "tests/unit/services/tpm_client.h"
#include "tests/unit/services/tpm_commands.h"

#define TPM_CC_PCR_Read 0x0000017e
#define WANTED          (BOOT_PCR_BANK_SHA256 | BOOT_PCR_BANK_SHA384)
#define LOCALITY_3      3

static int set_up(void **state)
{
    *state = tpm_client_new();
    return 0;
}

static uint32_t bank_of(uint16_t algorithm)
{
    switch (algorithm) {
    case TPM_ALG_SHA1:
        return BOOT_PCR_BANK_SHA1;
    case TPM_ALG_SHA256:
        return BOOT_PCR_BANK_SHA256;
    case TPM_ALG_SHA384:
        return BOOT_PCR_BANK_SHA384;
    case TPM_ALG_SHA512:
        return BOOT_PCR_BANK_SHA512;
    default:
        fail_msg("an unknown bank 0x%x", algorithm);
        return 0;
    }
}

/* The banks that have PCRs; each has all 24 or none. */
static uint32_t banks_of(struct tpm_client *c)
{
    uint32_t banks = 0, count = 0;

    put_command(c, TPM_CC_GetCapability);
    put_u32(c, TPM_CAP_PCRS);
    put_u32(c, 0);
    put_u32(c, 1);
    assert_int_equal(send_command(c), TPM_RC_SUCCESS);
    assert_true(reader_skip(&c->reply, 1 + 4) && reader_be32(&c->reply, &count));
    while (count-- > 0) {
        uint8_t select[3] = {0}, size = 0;
        uint16_t algorithm = 0;

        assert_true(reader_be16(&c->reply, &algorithm) && reader_u8(&c->reply, &size));
        assert_int_equal(size, sizeof(select));
        assert_true(reader_copy(&c->reply, select, size));
        assert_true(select[0] == select[1] && select[1] == select[2]);
        assert_true(select[0] == 0 || select[0] == 0xFF);
        banks |= select[0] ? bank_of(algorithm) : 0;
    }
    return banks;
}

/* TPM2_PCR_Allocate by the guest's firmware: the SHA-1 bank and no other. */
static void allocate_sha1(struct tpm_client *c)
{
    static const uint16_t algorithms[] = {TPM_ALG_SHA1, TPM_ALG_SHA256, TPM_ALG_SHA384,
                                          TPM_ALG_SHA512};

    put_command(c, TPM_CC_PCR_Allocate);
    put_handle(c, TPM_RH_PLATFORM);
    put_passwords(c, 1, "");
    put_u32(c, sizeof(algorithms) / sizeof(algorithms[0]));
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        put_u16(c, algorithms[i]);
        put_u8(c, 3);
        for (int byte = 0; byte < 3; byte++)
            put_u8(c, algorithms[i] == TPM_ALG_SHA1 ? 0xFF : 0);
    }
    assert_int_equal(send_command(c), TPM_RC_SUCCESS);
}

/* Opens the volume as an image with these banks does; the TPM waits for its TPM2_Startup. */
static void open_with(struct tpm_client *c, uint32_t banks)
{
    engine_close(&c->engine);
    assert_true(engine_is_open(engine_open(&c->engine, &c->storage, c->key)));
    c->engine.banks = banks;
}

static void start_with(struct tpm_client *c, uint32_t banks)
{
    open_with(c, banks);
    assert_int_equal(tpm_startup(c, TPM_SU_CLEAR), TPM_RC_SUCCESS);
}

static uint32_t resets(struct tpm_client *c)
{
    struct clock_info info;

    assert_int_equal(tpm_read_clock(c, &info), TPM_RC_SUCCESS);
    return info.reset_count;
}

TEST_FIXTURE(a_new_tpm_has_the_banks_of_the_image_from_its_first_startup_on, set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    start_with(c, WANTED);
    assert_int_equal(banks_of(c), WANTED);
    assert_int_equal(tpm_startup(c, TPM_SU_CLEAR), TPM_RC_INITIALIZE);
}

TEST_FIXTURE(later_starts_have_the_same_banks_and_start_once, set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    uint32_t before;

    start_with(c, WANTED);
    for (int i = 0; i < 3; i++) {
        before = resets(c);
        engine_shut_down(&c->engine);
        start_with(c, WANTED);
        assert_int_equal(banks_of(c), WANTED);
        assert_int_equal(resets(c), before + 1);
    }
}

TEST_FIXTURE(another_image_changes_the_banks_and_nothing_else, set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    start_with(c, WANTED);
    assert_int_equal(send_bytes(c, nv_define, sizeof(nv_define)), TPM_RC_SUCCESS);
    engine_shut_down(&c->engine);
    start_with(c, BOOT_PCR_BANK_SHA512);
    assert_int_equal(banks_of(c), BOOT_PCR_BANK_SHA512);
    assert_int_equal(send_bytes(c, nv_read_public, sizeof(nv_read_public)), TPM_RC_SUCCESS);
}

TEST_FIXTURE(what_the_guest_allocates_holds_only_where_the_image_asks_for_nothing, set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    start_with(c, 0);
    assert_int_equal(banks_of(c), BOOT_PCR_BANKS_ALL);
    allocate_sha1(c);
    start_with(c, 0);
    assert_int_equal(banks_of(c), BOOT_PCR_BANK_SHA1);
    start_with(c, WANTED);
    allocate_sha1(c);
    start_with(c, WANTED);
    assert_int_equal(banks_of(c), WANTED);
}

/* It is in the first bytes of PCR 0: PC Client platform profile, 2.3.4. */
TEST_FIXTURE(the_locality_of_the_startup_is_that_of_both_starts, set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    uint8_t digest[32] = {0};
    uint16_t size = 0;

    open_with(c, WANTED);
    assert_int_equal(
        engine_execute(&c->engine, LOCALITY_3, startup_clear, sizeof(startup_clear), c->response),
        TPM_HEADER_SIZE);
    assert_int_equal(get_be32(c->response + 6), TPM_RC_SUCCESS);
    put_command(c, TPM_CC_PCR_Read);
    put_u32(c, 1);
    put_u16(c, TPM_ALG_SHA256);
    put_u8(c, 3);
    put_u8(c, 1); /* PCR 0 */
    put_u8(c, 0);
    put_u8(c, 0);
    assert_int_equal(send_command(c), TPM_RC_SUCCESS);
    assert_true(reader_skip(&c->reply, 4 + 4 + 6 + 4) && reader_be16(&c->reply, &size));
    assert_int_equal(size, sizeof(digest));
    assert_true(reader_copy(&c->reply, digest, size));
    assert_int_equal(digest[sizeof(digest) - 1], LOCALITY_3);
}

/* With each number of sectors that can still be written. */
TEST_FIXTURE(a_disk_that_fails_on_the_way_leaves_old_or_new_banks, set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    uint32_t code = TPM_RC_FAILURE, banks;

    for (long writes = 0; code != TPM_RC_SUCCESS; writes++) {
        start_with(c, BOOT_PCR_BANKS_ALL);
        engine_shut_down(&c->engine);
        open_with(c, WANTED);
        c->disk->writes_left = writes;
        code = tpm_startup(c, TPM_SU_CLEAR);
        assert_true(code == TPM_RC_SUCCESS || code == TPM_RC_FAILURE);
        c->disk->writes_left = DISK_NO_LIMIT;
        start_with(c, 0);
        banks = banks_of(c);
        assert_true(banks == WANTED || (code == TPM_RC_FAILURE && banks == BOOT_PCR_BANKS_ALL));
    }
}

TEST(banks_that_nobody_knows_are_not_valid)
{
    assert_true(banks_are_valid(0));
    assert_true(banks_are_valid(BOOT_PCR_BANKS_ALL));
    assert_false(banks_are_valid(BOOT_PCR_BANKS_ALL + 1));
    assert_false(banks_are_valid(0x80000000u));
}
