/* SPDX-License-Identifier: MIT */
/*
 * Whatever the TPM acknowledged opens again: its NV memory is filled by every means until the TPM
 * says no, and a hard end follows each step. What was there before must be there after it.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "services/tpm/library.h"
#include "tests/unit/registered.h"
#include "tests/unit/services/tpm_client.h"
#include "tests/unit/services/tpm_codes.h"
#include "tests/unit/services/tpm_commands.h"

#define ENTRIES_MAX   4096
#define FIRST_INDEX   0x01500000
#define FIRST_RSA_KEY (TPM_HR_PERSISTENT + 0x1000)
#define OWNERS        (TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE)
#define LARGEST_DATA  2048

/* An NV index with its data, or a persistent object: a digest of all that can be read of it. */
struct entry {
    uint32_t handle;
    uint8_t digest[32];
};

struct inventory {
    size_t count;
    struct entry entries[ENTRIES_MAX];
};

static void look_at_index(struct tpm_client *c, uint32_t index, uint8_t *bytes, size_t room,
                          size_t *size)
{
    uint16_t data_size;

    assert_int_equal(tpm_nv_read_public(c, index, bytes, room, size), TPM_RC_SUCCESS);
    data_size = get_be16(bytes + 2 + get_be16(bytes) - 2); /* the public area's last field */
    /* An index that was never written has nothing to read. */
    if (data_size <= room - *size && data_size <= 1024 &&
        tpm_nv_read(c, index, bytes + *size, data_size) == TPM_RC_SUCCESS)
        *size += data_size;
}

static void take_inventory(struct tpm_client *c, struct inventory *all)
{
    uint32_t handles[ENTRIES_MAX];
    size_t indices = tpm_handles(c, TPM_HR_NV_INDEX, handles, ENTRIES_MAX);
    uint8_t bytes[2 * TPM_RESPONSE_MAX];
    size_t size;

    all->count =
        indices + tpm_handles(c, TPM_HR_PERSISTENT, handles + indices, ENTRIES_MAX - indices);
    for (size_t i = 0; i < all->count; i++) {
        all->entries[i].handle = handles[i];
        if (i < indices)
            look_at_index(c, handles[i], bytes, sizeof(bytes), &size);
        else
            assert_int_equal(tpm_read_public(c, handles[i], bytes, sizeof(bytes), &size),
                             TPM_RC_SUCCESS);
        assert_int_equal(
            EVP_Q_digest(NULL, "SHA256", NULL, bytes, size, all->entries[i].digest, NULL), 1);
    }
}

static void restart_and_compare(struct tpm_client *c)
{
    struct inventory *before = calloc(2, sizeof(*before));
    struct inventory *after = before + 1;

    assert_non_null(before);
    take_inventory(c, before);
    tpm_client_restart(c);
    take_inventory(c, after);
    assert_int_equal(after->count, before->count);
    for (size_t i = 0; i < before->count; i++)
        if (memcmp(&before->entries[i], &after->entries[i], sizeof(before->entries[i])) != 0)
            fail_msg("0x%08x is there as 0x%08x, or has changed", before->entries[i].handle,
                     after->entries[i].handle);
    free(before);
}

/* Adds one thing, number n of its kind, and returns the TPM's code. */
typedef uint32_t adding(struct tpm_client *c, uint32_t n);

/*
 * Adds until the TPM says no, with a hard end after step of them and each step more, and at the
 * end. Returns how many were added.
 */
static uint32_t fill(struct tpm_client *c, adding *add, uint32_t step)
{
    uint32_t n = 0;
    uint32_t code;

    while ((code = add(c, n)) == TPM_RC_SUCCESS)
        if (++n % step == 0)
            restart_and_compare(c);
    assert_int_equal(code, TPM_RC_NV_SPACE);
    restart_and_compare(c);
    return n;
}

static uint32_t add_written(struct tpm_client *c, uint32_t index, uint16_t size)
{
    uint8_t data[1024];
    uint32_t code = tpm_nv_define(c, index, OWNERS, size);

    memset(data, (int)index, sizeof(data));
    if (code == TPM_RC_SUCCESS)
        assert_int_equal(tpm_nv_write(c, index, data, size < sizeof(data) ? size : sizeof(data)),
                         TPM_RC_SUCCESS);
    return code;
}

static uint32_t add_large_index(struct tpm_client *c, uint32_t n)
{
    return add_written(c, FIRST_INDEX + n, LARGEST_DATA);
}

static uint32_t add_small_index(struct tpm_client *c, uint32_t n)
{
    return add_written(c, FIRST_INDEX + 0x10000 + n, 1);
}

static uint32_t add_largest_policy(struct tpm_client *c, uint32_t n)
{
    struct nv_public nv = {
        .index = FIRST_INDEX + 0x20000 + n,
        .name_algorithm = TPM_ALG_SHA512,
        .attributes = OWNERS | TPMA_NV_EXTEND,
        .auth_size = 64,
        .policy_size = 64,
        .size = 64,
    };

    return tpm_nv_define_as(c, &nv);
}

static uint32_t add_orderly_index(struct tpm_client *c, uint32_t n)
{
    return tpm_nv_define(c, FIRST_INDEX + 0x30000 + n, OWNERS | TPMA_NV_ORDERLY | TPMA_NV_BITS, 8);
}

static uint32_t add_counter(struct tpm_client *c, uint32_t n)
{
    return tpm_nv_define(c, FIRST_INDEX + 0x40000 + n, OWNERS | TPMA_NV_COUNTER, 8);
}

static uint32_t add_object(struct tpm_client *c, enum key_kind kind, uint32_t n)
{
    uint32_t transient = 0;
    uint32_t code = tpm_create_primary(c, kind, &transient);

    assert_int_equal(code, TPM_RC_SUCCESS);
    code = tpm_evict_control(c, transient, TPM_HR_PERSISTENT + n);
    assert_int_equal(tpm_flush_context(c, transient), TPM_RC_SUCCESS);
    return code;
}

static uint32_t add_ecc_key(struct tpm_client *c, uint32_t n)
{
    return add_object(c, KEY_ECC_P256, n);
}

/* Symmetric keys are the smallest objects. */
static uint32_t add_aes_key(struct tpm_client *c, uint32_t n)
{
    return add_object(c, KEY_AES_128, n);
}

/* Making the key takes longest, so it is made once and copied from the persistent object of before.
 */
static uint32_t add_rsa_key(struct tpm_client *c, uint32_t n)
{
    static uint32_t transient;
    uint32_t code;

    if (n % 16 == 0 && tpm_create_primary(c, KEY_RSA_2048, &transient) != TPM_RC_SUCCESS)
        fail_msg("no RSA key");
    code = tpm_evict_control(c, transient, FIRST_RSA_KEY + n);
    if (n % 16 == 15 || code != TPM_RC_SUCCESS)
        assert_int_equal(tpm_flush_context(c, transient), TPM_RC_SUCCESS);
    return code;
}

TEST_FIXTURE(few_large_indices_open_again, tpm_client_set_up, tpm_client_tear_down)
{
    assert_in_range(fill(*state, add_large_index, 10), 66, ENTRIES_MAX);
}

TEST_FIXTURE(many_small_indices_open_again, tpm_client_set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    uint32_t n;

    for (n = 0; n < 50; n++)
        assert_int_equal(add_large_index(c, n), TPM_RC_SUCCESS);
    assert_in_range(fill(c, add_small_index, 50), 100, ENTRIES_MAX);
}

TEST_FIXTURE(the_largest_policies_open_again, tpm_client_set_up, tpm_client_tear_down)
{
    assert_in_range(fill(*state, add_largest_policy, 100), 300, ENTRIES_MAX);
}

TEST_FIXTURE(orderly_indices_open_again, tpm_client_set_up, tpm_client_tear_down)
{
    assert_in_range(fill(*state, add_orderly_index, 10), 20, ENTRIES_MAX);
}

TEST_FIXTURE(persistent_objects_open_again, tpm_client_set_up, tpm_client_tear_down)
{
    assert_in_range(fill(*state, add_rsa_key, 16), 40, ENTRIES_MAX);
}

/*
 * libtpms 0.10 stores an object where its own size fits, and opens only where there would be room
 * for the largest one: what is full of indices and counters first takes some small keys too many.
 */
TEST_FIXTURE(small_objects_in_the_last_bytes_open_again, tpm_client_set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    fill(c, add_large_index, ENTRIES_MAX);
    fill(c, add_counter, ENTRIES_MAX);
    fill(c, add_ecc_key, 8);
    fill(c, add_small_index, 8);
    assert_int_equal(add_aes_key(c, 0x2000), TPM_RC_NV_SPACE);
}

/* TPM2_EvictControl below what the engine refuses, as a libtpms with other sizes would have it. */
static uint32_t evict_below_the_engine(struct tpm_client *c, uint32_t object, uint32_t persistent)
{
    put_command(c, TPM_CC_EvictControl);
    put_handle(c, TPM_RH_OWNER);
    put_handle(c, object);
    put_passwords(c, 1, "");
    put_u32(c, persistent);
    put_be32(c->command + 2, (uint32_t)c->w.used);
    assert_in_range(library_process(&c->engine, 0, c->command, c->w.used, c->response),
                    TPM_HEADER_SIZE, TPM_RESPONSE_MAX);
    return get_be32(c->response + 6);
}

TEST_FIXTURE(a_state_that_could_not_be_loaded_is_not_acknowledged, tpm_client_set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    uint32_t key = 0;
    uint32_t kept = 0;
    uint32_t found[ENTRIES_MAX];
    uint32_t code;

    fill(c, add_large_index, ENTRIES_MAX);
    fill(c, add_counter, ENTRIES_MAX);
    assert_int_equal(tpm_create_primary(c, KEY_ECC_P256, &key), TPM_RC_SUCCESS);
    while ((code = evict_below_the_engine(c, key, TPM_HR_PERSISTENT + kept)) == TPM_RC_SUCCESS)
        kept++;
    assert_true(code == TPM_RC_FAILURE || code == TPM_RC_NV_SPACE);
    assert_int_equal(send_bytes(c, get_random_16, sizeof(get_random_16)),
                     code == TPM_RC_FAILURE ? TPM_RC_FAILURE : TPM_RC_SUCCESS);
    tpm_client_restart(c);
    assert_int_equal(tpm_handles(c, TPM_HR_PERSISTENT, found, ENTRIES_MAX), kept);
}

TEST_FIXTURE(a_removed_object_makes_room_for_another, tpm_client_set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    fill(c, add_large_index, ENTRIES_MAX);
    fill(c, add_rsa_key, ENTRIES_MAX);
    assert_int_equal(tpm_evict_control(c, FIRST_RSA_KEY, FIRST_RSA_KEY), TPM_RC_SUCCESS);
    assert_int_equal(add_ecc_key(c, 0), TPM_RC_SUCCESS);
    restart_and_compare(c);
}

TEST_FIXTURE(sessions_and_contexts_at_a_shutdown_open_again, tpm_client_set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    uint32_t session = 0;
    uint32_t code;
    unsigned sessions = 0;

    fill(c, add_large_index, ENTRIES_MAX);
    while ((code = tpm_start_policy_session(c, &session)) == TPM_RC_SUCCESS) {
        sessions++;
        put_command(c, TPM_CC_ContextSave);
        put_handle(c, session);
        assert_int_equal(send_command(c), TPM_RC_SUCCESS);
    }
    assert_int_equal(code, TPM_RC_SESSION_HANDLES);
    assert_in_range(sessions, 64, UINT32_MAX);
    assert_int_equal(tpm_shutdown(c, TPM_SU_STATE), TPM_RC_SUCCESS);
    restart_and_compare(c);
}
