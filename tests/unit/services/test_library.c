/* SPDX-License-Identifier: MIT */
/*
 * libtpms as it is used here: what a new TPM can do, and which states are refused by what name.
 * What an older libtpms than 0.10 lacks is skipped with one.
 */
#include <libtpms/tpm_library.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/registered.h"
#include "tests/unit/services/tpm_client.h"
#include "tests/unit/services/tpm_codes.h"

#define INDEX  0x01500000
#define OWNERS (TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE | TPMA_NV_NO_DA)

static bool has_profiles(void)
{
    return TPMLIB_GetVersion() >= 0x000a00;
}

static uint32_t policy_nv(struct tpm_client *c, uint32_t session, int64_t operand,
                          uint16_t operation)
{
    uint8_t bytes[8];

    put_be64(bytes, (uint64_t)operand);
    put_command(c, TPM_CC_PolicyNV);
    put_handle(c, TPM_RH_OWNER);
    put_handle(c, INDEX);
    put_handle(c, session);
    put_passwords(c, 1, "");
    put_sized(c, bytes, sizeof(bytes));
    put_u16(c, 0); /* offset */
    put_u16(c, operation);
    return send_command(c);
}

static bool holds(int64_t a, int64_t b, uint16_t operation)
{
    switch (operation) {
    case TPM_EO_SIGNED_GT:
        return a > b;
    case TPM_EO_UNSIGNED_GT:
        return (uint64_t)a > (uint64_t)b;
    case TPM_EO_SIGNED_LT:
        return a < b;
    case TPM_EO_UNSIGNED_LT:
        return (uint64_t)a < (uint64_t)b;
    case TPM_EO_SIGNED_GE:
        return a >= b;
    case TPM_EO_UNSIGNED_GE:
        return (uint64_t)a >= (uint64_t)b;
    case TPM_EO_SIGNED_LE:
        return a <= b;
    default:
        return (uint64_t)a <= (uint64_t)b;
    }
}

TEST_FIXTURE(policies_compare_negative_numbers_as_such, tpm_client_set_up, tpm_client_tear_down)
{
    static const int64_t numbers[] = {INT64_MIN, INT64_MIN + 1, -0x8000,  -256, -2, -1, 0, 1,
                                      2,         255,           INT64_MAX};
    size_t count = sizeof(numbers) / sizeof(numbers[0]);
    struct tpm_client *c = *state;
    uint32_t session = 0;
    uint8_t data[8];

    if (!has_profiles())
        skip();
    assert_int_equal(tpm_nv_define(c, INDEX, OWNERS, sizeof(data)), TPM_RC_SUCCESS);
    assert_int_equal(tpm_start_policy_session(c, &session), TPM_RC_SUCCESS);
    for (size_t a = 0; a < count; a++) {
        put_be64(data, (uint64_t)numbers[a]);
        assert_int_equal(tpm_nv_write(c, INDEX, data, sizeof(data)), TPM_RC_SUCCESS);
        for (size_t b = 0; b < count; b++)
            for (uint16_t operation = TPM_EO_SIGNED_GT; operation <= TPM_EO_UNSIGNED_LE;
                 operation++) {
                bool expected = holds(numbers[a], numbers[b], operation);
                uint32_t code = policy_nv(c, session, numbers[b], operation);

                if (code != (expected ? TPM_RC_SUCCESS : TPM_RC_POLICY))
                    fail_msg("%lld, %lld, operation %d: 0x%x", (long long)numbers[a],
                             (long long)numbers[b], operation, code);
            }
    }
}

/* RSA-4096 is left out by libtpms up to 0.10, and in by those that come. */
TEST_FIXTURE(rsa_keys_of_every_size_that_a_tpm_makes_are_kept, tpm_client_set_up,
             tpm_client_tear_down)
{
    static const enum key_kind kinds[] = {KEY_RSA_2048, KEY_RSA_3072, KEY_RSA_4096};
    struct tpm_client *c = *state;
    uint8_t before[3][TPM_RESPONSE_MAX], after[TPM_RESPONSE_MAX];
    size_t sizes[3], size;
    uint32_t made = 0;
    uint32_t key = 0;

    while (made < 3 && tpm_create_primary(c, kinds[made], &key) == TPM_RC_SUCCESS) {
        uint32_t handle = TPM_HR_PERSISTENT + made;

        assert_int_equal(tpm_evict_control(c, key, handle), TPM_RC_SUCCESS);
        assert_int_equal(tpm_flush_context(c, key), TPM_RC_SUCCESS);
        assert_int_equal(
            tpm_read_public(c, handle, before[made], sizeof(before[made]), &sizes[made]),
            TPM_RC_SUCCESS);
        made++;
    }
    assert_in_range(made, 2, 3);
    tpm_client_restart(c);
    for (uint32_t i = 0; i < made; i++) {
        assert_int_equal(tpm_read_public(c, TPM_HR_PERSISTENT + i, after, sizeof(after), &size),
                         TPM_RC_SUCCESS);
        assert_int_equal(size, sizes[i]);
        assert_memory_equal(after, before[i], size);
    }
}

static uint32_t test_aes(struct tpm_client *c, uint16_t bits)
{
    put_command(c, TPM_CC_TestParms);
    put_u16(c, TPM_ALG_SYMCIPHER);
    put_u16(c, TPM_ALG_AES);
    put_u16(c, bits);
    put_u16(c, TPM_ALG_CFB);
    return send_command(c);
}

/* The profile shows: AES-192 needs state format level 4. */
TEST_FIXTURE(a_new_tpm_has_all_that_the_library_can_do, tpm_client_set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    if (!has_profiles())
        skip();
    assert_int_equal(test_aes(c, 128), TPM_RC_SUCCESS);
    assert_int_equal(test_aes(c, 192), TPM_RC_SUCCESS);
    assert_int_equal(test_aes(c, 256), TPM_RC_SUCCESS);
    tpm_client_restart(c);
    assert_int_equal(test_aes(c, 192), TPM_RC_SUCCESS);
}

TEST_FIXTURE(three_objects_and_sixty_four_sessions_are_at_hand, tpm_client_set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    uint32_t key = 0;

    for (int i = 0; i < 3; i++)
        assert_int_equal(tpm_create_primary(c, KEY_ECC_P256, &key), TPM_RC_SUCCESS);
    assert_int_equal(tpm_create_primary(c, KEY_ECC_P256, &key), TPM_RC_OBJECT_MEMORY);
    assert_int_equal(tpm_property(c, TPM_PT_HR_ACTIVE_AVAIL), 64);
}

/*
 * What a guest sends or gets is in one page, with a header of at most nine bytes. No response is
 * larger than the least that libtpms lets its buffers be: it holds the largest saved context.
 */
TEST_FIXTURE(a_guest_is_told_the_sizes_that_its_page_has_room_for, tpm_client_set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    uint32_t smallest = 0, largest = 0;

    assert_int_equal(tpm_property(c, TPM_PT_MAX_COMMAND_SIZE), 4096 - 9);
    assert_int_equal(tpm_property(c, TPM_PT_MAX_RESPONSE_SIZE), 4096 - 9);
    assert_int_equal(TPMLIB_SetBufferSize(0, &smallest, &largest), 4096 - 9);
    assert_in_range(smallest, 2048, 4096 - 9);
    tpm_client_restart(c);
    assert_int_equal(tpm_property(c, TPM_PT_MAX_RESPONSE_SIZE), 4096 - 9);
}

/* Stores a state as if libtpms had, and looks how the volume opens. */
static void put_state(struct tpm_client *c, const uint8_t *bytes, size_t size)
{
    assert_int_equal(state_store(&c->engine.state, bytes, size), VOLUME_OK);
    engine_close(&c->engine);
}

static void opens_as(struct tpm_client *c, const uint8_t *bytes, size_t size,
                     enum engine_opening expected)
{
    size_t written;

    put_state(c, bytes, size);
    written = c->disk->sectors_written;
    assert_int_equal(engine_open(&c->engine, &c->storage, c->key), expected);
    assert_int_equal(tpm_startup(c, TPM_SU_CLEAR), TPM_RC_INITIALIZE);
    assert_int_equal(c->disk->sectors_written, written);
}

/* The state of a TPM, on a volume that is still writable when one of the above was refused. */
static uint8_t *copy_state(struct tpm_client *c, size_t *size)
{
    uint8_t *copy = OPENSSL_memdup(c->engine.state.blob.bytes, c->engine.state.blob.size);

    assert_non_null(copy);
    *size = c->engine.state.blob.size;
    return copy;
}

TEST_FIXTURE(a_state_that_libtpms_refuses_is_named_as_that_and_kept, tpm_client_set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    size_t size;
    uint8_t *good = copy_state(c, &size);

    opens_as(c, (const uint8_t *)"no TPM", 6, ENGINE_REFUSED);
    opens_as(c, good, size / 2, ENGINE_REFUSED);
    opens_as(c, good, size - 1, ENGINE_REFUSED);
    put_state(c, good, size);
    tpm_client_start(c, ENGINE_OPENED);
    free(good);
}

static uint8_t *find(uint8_t *bytes, size_t size, const char *text)
{
    uint8_t *found = memmem(bytes, size, text, strlen(text));

    assert_non_null(found);
    return found;
}

TEST_FIXTURE(a_state_of_a_newer_libtpms_is_named_as_that_and_kept, tpm_client_set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    size_t size;
    uint8_t *newer = copy_state(c, &size);
    uint8_t *place;

    put_be16(newer + 6, 99); /* the version that is needed to read it, NV_HEADER of libtpms */
    opens_as(c, newer, size, ENGINE_TOO_NEW);
    put_be16(newer + 6, has_profiles() ? 4 : 3);
    if (has_profiles()) {
        place = find(newer, size, "default-v1");
        memcpy(place, "default-v9", 10);
        opens_as(c, newer, size, ENGINE_TOO_NEW);
        memcpy(place, "default-v1", 10);
        place = find(newer, size, "0x199-0x19c");
        memcpy(place, "0x199-0x1ff", 11);
        opens_as(c, newer, size, ENGINE_TOO_NEW);
        memcpy(place, "0x199-0x19c", 11);
    }
    put_state(c, newer, size);
    tpm_client_start(c, ENGINE_OPENED);
    free(newer);
}
