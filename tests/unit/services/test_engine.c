/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "services/tpm/ek.h"
#include "tests/unit/services/memory_disk.h"
#include "tests/unit/services/tpm_commands.h"

#define TPM_RC_HANDLE_1 0x18b

/* glibc's dprintf() loses a buffer when its descriptor is not open:
 * see NO_DESCRIPTOR in engine.c. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:_IO_file_doallocate\n";
}

struct fixture {
    struct memory_disk *disk;
    struct volume_storage storage;
    uint8_t key[VOLUME_KEY_SIZE];
    struct engine engine;
    uint8_t response[TPM_RESPONSE_MAX];
    size_t response_size;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->disk = memory_disk_new();
    f->storage = memory_disk_storage(f->disk);
    f->key[0] = 1;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    engine_close(&f->engine);
    memory_disk_free(f->disk);
    free(f);
    return 0;
}

/* Executes a command and returns the response code, after checking the response's header. */
static uint32_t execute(struct fixture *f, const uint8_t *command, size_t size)
{
    f->response_size = engine_execute(&f->engine, 0, command, size, f->response);
    assert_in_range(f->response_size, TPM_HEADER_SIZE, TPM_RESPONSE_MAX);
    assert_int_equal(get_be32(f->response + 2), f->response_size);
    return get_be32(f->response + 6);
}

static void open_as(struct fixture *f, enum engine_opening expected)
{
    assert_int_equal(engine_open(&f->engine, &f->storage, f->key), expected);
}

static void reopen_as(struct fixture *f, enum engine_opening expected)
{
    engine_close(&f->engine);
    open_as(f, expected);
}

static void start_as(struct fixture *f, enum engine_opening expected)
{
    open_as(f, expected);
    assert_int_equal(execute(f, startup_clear, sizeof(startup_clear)), TPM_RC_SUCCESS);
}

static void a_blank_volume_is_manufactured_once(void **state)
{
    struct fixture *f = *state;

    open_as(f, ENGINE_MANUFACTURED);
    reopen_as(f, ENGINE_OPENED);
}

static void a_power_cut_anywhere_in_manufacture_leaves_a_volume_to_manufacture_or_open(void **state)
{
    struct fixture *f = *state;
    enum engine_opening opening = ENGINE_FAILED;

    for (long writes = 0; opening == ENGINE_FAILED; writes++) {
        memory_disk_settle(f->disk, UINT64_MAX);
        memset(f->disk->bytes, 0, DISK_SIZE);
        f->disk->writes_left = writes;
        opening = engine_open(&f->engine, &f->storage, f->key);
        engine_close(&f->engine);
        memory_disk_settle(f->disk, UINT64_MAX);
        if (engine_open(&f->engine, &f->storage, f->key) > ENGINE_MANUFACTURED)
            fail_msg("after %ld sector writes the volume is unusable", writes);
        engine_close(&f->engine);
    }
}

static void each_power_on_takes_a_startup_and_only_one(void **state)
{
    struct fixture *f = *state;

    open_as(f, ENGINE_MANUFACTURED);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(execute(f, get_random_16, sizeof(get_random_16)), TPM_RC_INITIALIZE);
        assert_int_equal(execute(f, startup_clear, sizeof(startup_clear)), TPM_RC_SUCCESS);
        assert_int_equal(execute(f, startup_clear, sizeof(startup_clear)), TPM_RC_INITIALIZE);
        assert_true(engine_power_cycle(&f->engine));
    }
}

static void what_a_command_stored_survives_without_shutdown(void **state)
{
    struct fixture *f = *state;

    start_as(f, ENGINE_MANUFACTURED);
    assert_int_equal(execute(f, nv_define, sizeof(nv_define)), TPM_RC_SUCCESS);
    engine_close(&f->engine);
    start_as(f, ENGINE_OPENED);
    assert_int_equal(execute(f, nv_read_public, sizeof(nv_read_public)), TPM_RC_SUCCESS);
}

static void a_command_whose_state_is_not_durable_fails_and_undoes_itself(void **state)
{
    struct fixture *f = *state;

    start_as(f, ENGINE_MANUFACTURED);
    f->disk->writes_left = 0;
    assert_int_equal(execute(f, nv_define, sizeof(nv_define)), TPM_RC_FAILURE);
    f->disk->writes_left = DISK_NO_LIMIT;
    assert_int_equal(execute(f, nv_read_public, sizeof(nv_read_public)), TPM_RC_FAILURE);
    assert_int_equal(execute(f, get_random_16, sizeof(get_random_16)), TPM_RC_FAILURE);

    assert_true(engine_power_cycle(&f->engine));
    assert_int_equal(execute(f, startup_clear, sizeof(startup_clear)), TPM_RC_SUCCESS);
    assert_int_equal(execute(f, nv_read_public, sizeof(nv_read_public)), TPM_RC_HANDLE_1);
    assert_int_equal(execute(f, nv_define, sizeof(nv_define)), TPM_RC_SUCCESS);
}

static void another_key_gives_an_ephemeral_tpm_and_writes_nothing(void **state)
{
    struct fixture *f = *state;
    size_t written;

    start_as(f, ENGINE_MANUFACTURED);
    written = f->disk->sectors_written;
    f->key[1] = 1;
    engine_close(&f->engine);
    start_as(f, ENGINE_EPHEMERAL);
    assert_int_equal(execute(f, nv_define, sizeof(nv_define)), TPM_RC_SUCCESS);
    assert_true(engine_power_cycle(&f->engine)); /* in memory it lasts as long as the service */
    assert_int_equal(execute(f, startup_clear, sizeof(startup_clear)), TPM_RC_SUCCESS);
    assert_int_equal(execute(f, nv_read_public, sizeof(nv_read_public)), TPM_RC_SUCCESS);
    assert_int_equal(f->disk->sectors_written, written);
    f->key[1] = 0;
    reopen_as(f, ENGINE_OPENED);
}

static void a_damaged_volume_or_a_wrong_size_gives_no_tpm(void **state)
{
    struct fixture *f = *state;

    open_as(f, ENGINE_MANUFACTURED);
    f->disk->size = DISK_SIZE - 512;
    reopen_as(f, ENGINE_FAILED);
    f->disk->size = DISK_SIZE;
    memset(f->disk->bytes, 0, DISK_SIZE / 2);
    reopen_as(f, ENGINE_DAMAGED);
    assert_int_equal(execute(f, startup_clear, sizeof(startup_clear)), TPM_RC_INITIALIZE);
}

static void a_state_that_is_authentic_but_no_tpms_is_refused(void **state)
{
    struct fixture *f = *state;

    open_as(f, ENGINE_MANUFACTURED);
    assert_int_equal(state_store(&f->engine.state, (const uint8_t *)"no TPM", 6), VOLUME_OK);
    reopen_as(f, ENGINE_REFUSED);
}

static void what_is_no_command_gets_an_error_response(void **state)
{
    struct fixture *f = *state;
    uint8_t command[TPM_COMMAND_MAX + 1] = {0};

    start_as(f, ENGINE_MANUFACTURED);
    for (size_t size = 0; size < TPM_HEADER_SIZE; size++)
        assert_int_equal(execute(f, get_random_16, size), TPM_RC_COMMAND_SIZE);
    assert_int_equal(execute(f, command, sizeof(command)), TPM_RC_COMMAND_SIZE);
    assert_int_not_equal(execute(f, command, TPM_COMMAND_MAX), TPM_RC_SUCCESS); /* tag 0 */
    assert_int_equal(execute(f, get_random_16, sizeof(get_random_16) - 1), TPM_RC_COMMAND_SIZE);
    memcpy(command, get_random_16, sizeof(get_random_16));
    assert_int_equal(execute(f, command, sizeof(get_random_16) + 1), TPM_RC_COMMAND_SIZE);
    assert_int_equal(execute(f, get_random_16, sizeof(get_random_16)), TPM_RC_SUCCESS);
}

static void localities_beyond_4_are_refused(void **state)
{
    struct fixture *f = *state;

    start_as(f, ENGINE_MANUFACTURED);
    for (unsigned locality = 0; locality <= UINT8_MAX; locality++) {
        assert_true(engine_execute(&f->engine, (uint8_t)locality, get_random_16,
                                   sizeof(get_random_16), f->response) >= TPM_HEADER_SIZE);
        assert_int_equal(get_be32(f->response + 6),
                         locality <= 4 ? TPM_RC_SUCCESS : TPM_RC_LOCALITY);
    }
}

static void the_ek_is_the_same_in_every_start_and_another_in_another_tpm(void **state)
{
    struct fixture *f = *state;
    uint8_t first[ENGINE_EK_PUBLIC_MAX];
    size_t size;

    open_as(f, ENGINE_MANUFACTURED);
    assert_int_equal(ek_provide(&f->engine), TPM_RC_INITIALIZE);
    assert_int_equal(execute(f, startup_clear, sizeof(startup_clear)), TPM_RC_SUCCESS);
    assert_int_equal(ek_provide(&f->engine), TPM_RC_SUCCESS);
    size = f->engine.ek_public_size;
    assert_int_equal(size, 2 + 2 + 4 + 2 + 32 + 6 + 2 + 2 + 4 + 2 + 256);
    memcpy(first, f->engine.ek_public, size);

    engine_close(&f->engine);
    start_as(f, ENGINE_OPENED);
    for (int i = 0; i < 5; i++) { /* more often than there are transient slots */
        f->engine.ek_public_size = 0;
        assert_int_equal(ek_provide(&f->engine), TPM_RC_SUCCESS);
        assert_memory_equal(f->engine.ek_public, first, size);
    }

    engine_close(&f->engine);
    memset(f->disk->bytes, 0, DISK_SIZE);
    start_as(f, ENGINE_MANUFACTURED);
    assert_int_equal(ek_provide(&f->engine), TPM_RC_SUCCESS);
    assert_memory_not_equal(f->engine.ek_public, first, size);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_blank_volume_is_manufactured_once),
        TEST(a_power_cut_anywhere_in_manufacture_leaves_a_volume_to_manufacture_or_open),
        TEST(each_power_on_takes_a_startup_and_only_one),
        TEST(what_a_command_stored_survives_without_shutdown),
        TEST(a_command_whose_state_is_not_durable_fails_and_undoes_itself),
        TEST(another_key_gives_an_ephemeral_tpm_and_writes_nothing),
        TEST(a_damaged_volume_or_a_wrong_size_gives_no_tpm),
        TEST(a_state_that_is_authentic_but_no_tpms_is_refused),
        TEST(what_is_no_command_gets_an_error_response),
        TEST(localities_beyond_4_are_refused),
        TEST(the_ek_is_the_same_in_every_start_and_another_in_another_tpm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
