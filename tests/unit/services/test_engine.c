/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "lib/ek/template.h"
#include "services/tpm/ek.h"
#include "tests/unit/registered.h"
#include "tests/unit/services/tpm_client.h"
#include "tests/unit/services/tpm_commands.h"

#define TPM_RC_HANDLE_1 0x18b

static int set_up(void **state)
{
    *state = tpm_client_new();
    return 0;
}

static uint32_t define_index(struct tpm_client *c)
{
    return send_bytes(c, nv_define, sizeof(nv_define));
}

static uint32_t look_for_index(struct tpm_client *c)
{
    return send_bytes(c, nv_read_public, sizeof(nv_read_public));
}

static uint32_t get_random(struct tpm_client *c)
{
    return send_bytes(c, get_random_16, sizeof(get_random_16));
}

static void open_as(struct tpm_client *c, enum engine_opening expected)
{
    assert_int_equal(engine_open(&c->engine, &c->storage, c->key), expected);
}

static void reopen_as(struct tpm_client *c, enum engine_opening expected)
{
    engine_close(&c->engine);
    open_as(c, expected);
}

TEST_FIXTURE(a_blank_volume_is_manufactured_once, set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    open_as(c, ENGINE_MANUFACTURED);
    reopen_as(c, ENGINE_OPENED);
}

TEST_FIXTURE(a_power_cut_anywhere_in_manufacture_leaves_a_volume_to_manufacture_or_open, set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    enum engine_opening opening = ENGINE_FAILED;

    for (long writes = 0; opening == ENGINE_FAILED; writes++) {
        memory_disk_settle(c->disk, UINT64_MAX);
        memset(c->disk->bytes, 0, DISK_SIZE);
        c->disk->writes_left = writes;
        opening = engine_open(&c->engine, &c->storage, c->key);
        engine_close(&c->engine);
        memory_disk_settle(c->disk, UINT64_MAX);
        if (engine_open(&c->engine, &c->storage, c->key) > ENGINE_MANUFACTURED)
            fail_msg("after %ld sector writes the volume is unusable", writes);
        engine_close(&c->engine);
    }
}

TEST_FIXTURE(each_power_on_takes_a_startup_and_only_one, set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    open_as(c, ENGINE_MANUFACTURED);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(get_random(c), TPM_RC_INITIALIZE);
        assert_int_equal(tpm_startup(c, TPM_SU_CLEAR), TPM_RC_SUCCESS);
        assert_int_equal(tpm_startup(c, TPM_SU_CLEAR), TPM_RC_INITIALIZE);
        assert_true(engine_power_cycle(&c->engine));
    }
}

TEST_FIXTURE(what_a_command_stored_survives_without_shutdown, set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    tpm_client_start(c, ENGINE_MANUFACTURED);
    assert_int_equal(define_index(c), TPM_RC_SUCCESS);
    engine_close(&c->engine);
    tpm_client_start(c, ENGINE_OPENED);
    assert_int_equal(look_for_index(c), TPM_RC_SUCCESS);
}

TEST_FIXTURE(a_command_whose_state_is_not_durable_fails_and_undoes_itself, set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    tpm_client_start(c, ENGINE_MANUFACTURED);
    c->disk->writes_left = 0;
    assert_int_equal(define_index(c), TPM_RC_FAILURE);
    c->disk->writes_left = DISK_NO_LIMIT;
    assert_int_equal(look_for_index(c), TPM_RC_FAILURE);
    assert_int_equal(get_random(c), TPM_RC_FAILURE);

    assert_true(engine_power_cycle(&c->engine));
    assert_int_equal(tpm_startup(c, TPM_SU_CLEAR), TPM_RC_SUCCESS);
    assert_int_equal(look_for_index(c), TPM_RC_HANDLE_1);
    assert_int_equal(define_index(c), TPM_RC_SUCCESS);
}

TEST_FIXTURE(another_key_gives_an_ephemeral_tpm_and_writes_nothing, set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    size_t written;

    tpm_client_start(c, ENGINE_MANUFACTURED);
    written = c->disk->sectors_written;
    c->key[1] = 1;
    engine_close(&c->engine);
    tpm_client_start(c, ENGINE_EPHEMERAL);
    assert_int_equal(define_index(c), TPM_RC_SUCCESS);
    assert_true(engine_power_cycle(&c->engine)); /* in memory it lasts as long as the service */
    assert_int_equal(tpm_startup(c, TPM_SU_CLEAR), TPM_RC_SUCCESS);
    assert_int_equal(look_for_index(c), TPM_RC_SUCCESS);
    assert_int_equal(c->disk->sectors_written, written);
    c->key[1] = 0;
    reopen_as(c, ENGINE_OPENED);
}

TEST_FIXTURE(a_damaged_volume_or_a_wrong_size_gives_no_tpm, set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    open_as(c, ENGINE_MANUFACTURED);
    c->disk->size = DISK_SIZE - 512;
    reopen_as(c, ENGINE_FAILED);
    c->disk->size = DISK_SIZE;
    memset(c->disk->bytes, 0, DISK_SIZE / 2);
    reopen_as(c, ENGINE_DAMAGED);
    assert_int_equal(tpm_startup(c, TPM_SU_CLEAR), TPM_RC_INITIALIZE);
}

TEST_FIXTURE(a_state_that_is_authentic_but_no_tpms_is_refused, set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    open_as(c, ENGINE_MANUFACTURED);
    assert_int_equal(state_store(&c->engine.state, (const uint8_t *)"no TPM", 6), VOLUME_OK);
    reopen_as(c, ENGINE_REFUSED);
}

TEST_FIXTURE(what_is_no_command_gets_an_error_response, set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    uint8_t command[TPM_COMMAND_MAX + 1] = {0};

    tpm_client_start(c, ENGINE_MANUFACTURED);
    for (size_t size = 0; size < TPM_HEADER_SIZE; size++)
        assert_int_equal(send_bytes(c, get_random_16, size), TPM_RC_COMMAND_SIZE);
    assert_int_equal(send_bytes(c, command, sizeof(command)), TPM_RC_COMMAND_SIZE);
    assert_int_not_equal(send_bytes(c, command, TPM_COMMAND_MAX), TPM_RC_SUCCESS); /* tag 0 */
    assert_int_equal(send_bytes(c, get_random_16, sizeof(get_random_16) - 1), TPM_RC_COMMAND_SIZE);
    memcpy(command, get_random_16, sizeof(get_random_16));
    assert_int_equal(send_bytes(c, command, sizeof(get_random_16) + 1), TPM_RC_COMMAND_SIZE);
    assert_int_equal(get_random(c), TPM_RC_SUCCESS);
}

TEST_FIXTURE(localities_beyond_4_are_refused, set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    tpm_client_start(c, ENGINE_MANUFACTURED);
    for (unsigned locality = 0; locality <= UINT8_MAX; locality++) {
        assert_true(engine_execute(&c->engine, (uint8_t)locality, get_random_16,
                                   sizeof(get_random_16), c->response) >= TPM_HEADER_SIZE);
        assert_int_equal(get_be32(c->response + 6),
                         locality <= 4 ? TPM_RC_SUCCESS : TPM_RC_LOCALITY);
    }
}

/* As of a volume that an older version wrote, which has no record of the keys. */
TEST_FIXTURE(the_ek_of_a_tpm_with_a_password_is_made_and_the_tpm_stays_as_it_is, set_up,
             tpm_client_tear_down)
{
    static const uint8_t set_password[] = {0x80, 0x02, 0,    0, 0, 31, 0, 0,    0x01, 0x29, 0x40,
                                           0,    0,    0x0b, 0, 0, 0,  9, 0x40, 0,    0,    0x09,
                                           0,    0,    0,    0, 0, 0,  2, 'p',  'w'};
    struct tpm_client *c = *state;
    struct ek_keys first;

    open_as(c, ENGINE_MANUFACTURED);
    first = c->engine.ek.keys;
    assert_int_equal(tpm_startup(c, TPM_SU_CLEAR), TPM_RC_SUCCESS);
    assert_int_equal(send_bytes(c, set_password, sizeof(set_password)), TPM_RC_SUCCESS);
    state_put_ek(&c->engine.state, NULL, 0);
    assert_int_equal(define_index(c), TPM_RC_SUCCESS);

    reopen_as(c, ENGINE_OPENED);
    assert_true(c->engine.ek.known);
    assert_memory_equal(&c->engine.ek.keys, &first, sizeof(first));
    assert_int_equal(tpm_startup(c, TPM_SU_CLEAR), TPM_RC_SUCCESS);
    assert_int_equal(look_for_index(c), TPM_RC_SUCCESS);
    assert_int_not_equal(send_bytes(c, set_password, sizeof(set_password)), TPM_RC_SUCCESS);
}

static size_t take_ek(struct tpm_client *c, enum ek_kind kind, uint8_t out[EK_PUBLIC_MAX])
{
    struct writer w = writer_over(out, EK_PUBLIC_MAX);

    assert_int_equal(ek_public(&c->engine, kind, &w), TPM_RC_SUCCESS);
    return w.used;
}

TEST_FIXTURE(the_eks_are_the_same_in_every_start_and_others_in_another_tpm, set_up,
             tpm_client_tear_down)
{
    static const size_t sizes[EK_KINDS] = {
        [EK_RSA_2048] = 2 + 2 + 4 + 2 + 32 + 6 + 2 + 2 + 4 + 2 + 256,
        [EK_P256] = 2 + 2 + 4 + 2 + 32 + 6 + 2 + 2 + 2 + 2 * (2 + 32),
        [EK_P384] = 2 + 2 + 4 + 2 + 48 + 6 + 2 + 2 + 2 + 2 * (2 + 48)};
    struct tpm_client *c = *state;
    uint8_t first[EK_KINDS][EK_PUBLIC_MAX], again[EK_PUBLIC_MAX];

    open_as(c, ENGINE_MANUFACTURED);
    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++)
        assert_int_equal(take_ek(c, kind, first[kind]), sizes[kind]);
    assert_int_equal(tpm_startup(c, TPM_SU_CLEAR), TPM_RC_SUCCESS);

    engine_close(&c->engine);
    tpm_client_start(c, ENGINE_OPENED);
    c->engine.ek.known = false;   /* so that they are created, */
    for (int i = 0; i < 5; i++) { /* more often than there are transient slots */
        c->engine.ek_created = 0;
        for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
            memset(&c->engine.ek.keys, 0, sizeof(c->engine.ek.keys));
            assert_int_equal(take_ek(c, kind, again), sizes[kind]);
            assert_memory_equal(again, first[kind], sizes[kind]);
        }
    }

    engine_close(&c->engine);
    memset(c->disk->bytes, 0, DISK_SIZE);
    tpm_client_start(c, ENGINE_MANUFACTURED);
    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        assert_int_equal(take_ek(c, kind, again), sizes[kind]);
        assert_memory_not_equal(again, first[kind], sizes[kind]);
    }
}
