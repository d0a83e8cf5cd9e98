/* SPDX-License-Identifier: MIT */
/* Drives the TPM service through its channel, as the SVSM does, with a file as its disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "services/tpm/disk.h"
#include "services/tpm/service.h"
#include "tests/unit/child.h"
#include "tests/unit/registered.h"
#include "tests/unit/services/tpm_commands.h"

#define TIMED_COMMANDS 2000

struct fixture {
    int disk;
    int channel;
    pid_t service;
    uint8_t key[VOLUME_KEY_SIZE];
    size_t grant_size;
    uint8_t response[CHANNEL_MESSAGE_MAX];
    size_t response_size;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->disk = memfd_create("volume", MFD_CLOEXEC);
    assert_int_equal(ftruncate(f->disk, VOLUME_SIZE_MIN), 0);
    f->key[0] = 1;
    f->grant_size = sizeof(struct state_grant);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    close(f->disk);
    free(f);
    return 0;
}

/* A service in its own process, with its end of the channel and of the key's pipe. */
static void start_service(struct fixture *f)
{
    struct state_grant grant = {.flags = 0};
    int channel[2];
    int key[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel), 0);
    assert_int_equal(pipe(key), 0);
    memcpy(grant.key, f->key, sizeof(grant.key));
    assert_int_equal(write(key[1], &grant, f->grant_size), f->grant_size);
    close(key[1]);
    fflush(NULL);
    f->service = child_fork();
    assert_true(f->service >= 0);
    if (f->service == 0) {
        close(channel[0]);
        _exit(service_run(channel[1], f->disk, key[0]));
    }
    close(channel[1]);
    close(key[0]);
    f->channel = channel[0];
}

static void stop_service(struct fixture *f)
{
    int status;

    close(f->channel);
    assert_int_equal(waitpid(f->service, &status, 0), f->service);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
}

/* Sends size bytes and returns the status; the body is in f->response + 4. */
static uint32_t request(struct fixture *f, const void *bytes, size_t size)
{
    ssize_t got;

    assert_int_equal(write(f->channel, bytes, size), size);
    got = read(f->channel, f->response, sizeof(f->response));
    assert_in_range(got, 4, sizeof(f->response));
    f->response_size = (size_t)got;
    return get_le32(f->response);
}

static uint32_t operate(struct fixture *f, uint32_t operation, const void *arguments, size_t size)
{
    uint8_t bytes[CHANNEL_MESSAGE_MAX];

    put_le32(bytes, operation);
    memcpy(bytes + 4, arguments, size);
    return request(f, bytes, 4 + size);
}

static void open_says(struct fixture *f, uint32_t how)
{
    assert_int_equal(operate(f, SERVICE_OPEN, no_banks, sizeof(no_banks)), SERVICE_DONE);
    assert_int_equal(f->response_size, 8);
    assert_int_equal(get_le32(f->response + 4), how);
}

/* Executes a TPM command at locality 0 and returns the TPM's response code. */
static uint32_t command(struct fixture *f, const uint8_t *bytes, size_t size)
{
    uint8_t arguments[CHANNEL_MESSAGE_MAX - 4] = {0};

    memcpy(arguments + 1, bytes, size);
    assert_int_equal(operate(f, SERVICE_COMMAND, arguments, 1 + size), SERVICE_DONE);
    assert_in_range(f->response_size, 4 + TPM_HEADER_SIZE, 4 + TPM_RESPONSE_MAX);
    assert_int_equal(get_be32(f->response + 6), f->response_size - 4);
    return get_be32(f->response + 10);
}

static void start_opened(struct fixture *f, uint32_t how)
{
    start_service(f);
    open_says(f, how);
    assert_int_equal(command(f, startup_clear, sizeof(startup_clear)), TPM_RC_SUCCESS);
}

TEST_FIXTURE(open_says_manufactured_then_opened_then_ephemeral, set_up, tear_down)
{
    struct fixture *f = *state;

    start_opened(f, 1);
    stop_service(f);
    start_opened(f, 0);
    stop_service(f);
    f->key[9] = 9;
    start_opened(f, 2);
    stop_service(f);
}

TEST_FIXTURE(commands_before_open_are_answered_by_the_tpm_with_an_error, set_up, tear_down)
{
    struct fixture *f = *state;

    start_service(f);
    assert_int_equal(command(f, startup_clear, sizeof(startup_clear)), TPM_RC_INITIALIZE);
    assert_int_equal(operate(f, SERVICE_MANIFEST, vtpm_manifest, MANIFEST_REQUEST),
                     SERVICE_TPM_FAILED);
    assert_int_equal(f->response_size, 4);
    stop_service(f);
}

TEST_FIXTURE(a_second_open_is_a_reset_of_the_machine, set_up, tear_down)
{
    struct fixture *f = *state;

    start_opened(f, 1);
    assert_int_equal(command(f, nv_define, sizeof(nv_define)), TPM_RC_SUCCESS);
    open_says(f, 0);
    assert_int_equal(command(f, get_random_16, sizeof(get_random_16)), TPM_RC_INITIALIZE);
    assert_int_equal(command(f, startup_clear, sizeof(startup_clear)), TPM_RC_SUCCESS);
    assert_int_equal(command(f, nv_read_public, sizeof(nv_read_public)), TPM_RC_SUCCESS);
    stop_service(f);
}

TEST_FIXTURE(malformed_requests_are_answered_and_the_service_goes_on, set_up, tear_down)
{
    struct fixture *f = *state;
    uint8_t longest[CHANNEL_MESSAGE_MAX] = {SERVICE_COMMAND};

    start_opened(f, 1);
    assert_int_equal(request(f, "x", 1), SERVICE_MALFORMED);
    assert_int_equal(operate(f, 0, "", 0), SERVICE_MALFORMED);
    assert_int_equal(operate(f, SERVICE_DUE, "", 0), SERVICE_DONE);
    assert_int_equal(operate(f, SERVICE_TOLD, "", 0), SERVICE_MALFORMED); /* nothing was due */
    assert_int_equal(operate(f, 6, "", 0), SERVICE_MALFORMED);
    assert_int_equal(operate(f, UINT32_MAX, "", 0), SERVICE_MALFORMED);
    assert_int_equal(operate(f, SERVICE_COMMAND, "", 0), SERVICE_MALFORMED);
    assert_int_equal(command(f, (const uint8_t *)"", 0), TPM_RC_COMMAND_SIZE);
    assert_int_equal(request(f, longest, sizeof(longest)), SERVICE_DONE);
    assert_int_equal(get_be32(f->response + 10), TPM_RC_COMMAND_SIZE);
    assert_int_equal(operate(f, SERVICE_COMMAND, "\x05", 1), SERVICE_DONE);
    assert_int_equal(command(f, get_random_16, sizeof(get_random_16)), TPM_RC_SUCCESS);
    stop_service(f);
}

static size_t take_ek(struct fixture *f, const uint8_t manifest[MANIFEST_REQUEST],
                      uint8_t ek[CHANNEL_MESSAGE_MAX])
{
    assert_int_equal(operate(f, SERVICE_MANIFEST, manifest, MANIFEST_REQUEST), SERVICE_DONE);
    memcpy(ek, f->response, f->response_size);
    return f->response_size;
}

static void assert_ek(struct fixture *f, const uint8_t manifest[MANIFEST_REQUEST],
                      const uint8_t *ek, size_t size)
{
    assert_int_equal(operate(f, SERVICE_MANIFEST, manifest, MANIFEST_REQUEST), SERVICE_DONE);
    assert_int_equal(f->response_size, size);
    assert_memory_equal(f->response, ek, size);
}

TEST_FIXTURE(the_ek_is_given_after_startup_and_stays, set_up, tear_down)
{
    struct fixture *f = *state;
    uint8_t first[CHANNEL_MESSAGE_MAX];
    size_t size;

    start_opened(f, 1);
    size = take_ek(f, vtpm_manifest, first);
    assert_int_equal(get_be16(first + 4), TPM_ALG_RSA);
    stop_service(f);

    start_opened(f, 0);
    assert_ek(f, vtpm_manifest, first, size);
    stop_service(f);
}

TEST_FIXTURE(both_manifests_are_given_with_an_endorsement_password_and_all_slots_taken, set_up,
             tear_down)
{
    /* TPM2_HierarchyChangeAuth(endorsement, "pw"), and TPM2_CreatePrimary of an ECC key. */
    static const uint8_t set_password[] = {0x80, 0x02, 0,    0, 0, 31, 0, 0,    0x01, 0x29, 0x40,
                                           0,    0,    0x0b, 0, 0, 0,  9, 0x40, 0,    0,    0x09,
                                           0,    0,    0,    0, 0, 0,  2, 'p',  'w'};
    static const uint8_t create[] = {
        0x80, 0x02, 0,    0, 0,    67,   0,    0, 0x01, 0x31, 0x40, 0, 0, 0x01, 0,   0, 0,
        9,    0x40, 0,    0, 0x09, 0,    0,    0, 0,    0,    0,    4, 0, 0,    0,   0, 0,
        26,   0,    0x23, 0, 0x0b, 0,    0x03, 0, 0x72, 0,    0,    0, 6, 0,    128, 0, 0x43,
        0,    0x10, 0,    3, 0,    0x10, 0,    0, 0,    0,    0,    0, 0, 0,    0,   0};
    struct fixture *f = *state;
    uint8_t first[CHANNEL_MESSAGE_MAX], keys[CHANNEL_MESSAGE_MAX];
    size_t size, keys_size;

    start_opened(f, 1);
    size = take_ek(f, vtpm_manifest, first);
    keys_size = take_ek(f, vtpm_manifest_1, keys);
    assert_int_equal(command(f, set_password, sizeof(set_password)), TPM_RC_SUCCESS);
    stop_service(f);

    start_opened(f, 0);
    for (int slot = 0; slot < 3; slot++)
        assert_int_equal(command(f, create, sizeof(create)), TPM_RC_SUCCESS);
    assert_int_not_equal(command(f, create, sizeof(create)), TPM_RC_SUCCESS);
    assert_ek(f, vtpm_manifest, first, size);
    assert_ek(f, vtpm_manifest_1, keys, keys_size);
    stop_service(f);
}

TEST_FIXTURE(open_without_a_whole_key_fails, set_up, tear_down)
{
    struct fixture *f = *state;

    for (f->grant_size = 0; f->grant_size < sizeof(struct state_grant);
         f->grant_size += sizeof(struct state_grant) - 1) {
        start_service(f);
        assert_int_equal(operate(f, SERVICE_OPEN, no_banks, sizeof(no_banks)),
                         SERVICE_VOLUME_FAILED);
        assert_int_equal(f->response_size, 4);
        stop_service(f);
    }
}

TEST_FIXTURE(open_takes_known_pcr_banks_and_nothing_else, set_up, tear_down)
{
    static const uint8_t unknown[] = {0x16, 0, 0, 0}, too_much[] = {6, 0, 0, 0, 0};
    static const uint8_t known[] = {6, 0, 0, 0};
    struct fixture *f = *state;

    start_service(f);
    assert_int_equal(operate(f, SERVICE_OPEN, known, 3), SERVICE_MALFORMED);
    assert_int_equal(operate(f, SERVICE_OPEN, too_much, sizeof(too_much)), SERVICE_MALFORMED);
    assert_int_equal(operate(f, SERVICE_OPEN, unknown, sizeof(unknown)), SERVICE_MALFORMED);
    assert_int_equal(operate(f, SERVICE_OPEN, known, sizeof(known)), SERVICE_DONE);
    assert_int_equal(command(f, startup_clear, sizeof(startup_clear)), TPM_RC_SUCCESS);
    assert_int_equal(command(f, get_pcr_banks, sizeof(get_pcr_banks)), TPM_RC_SUCCESS);
    /* header, moreData, capability, count, then SHA-1 (0x0004) of three bytes: none is selected */
    assert_memory_equal(f->response + 4 + TPM_HEADER_SIZE + 9, "\x00\x04\x03\x00\x00\x00", 6);
    stop_service(f);
}

TEST_FIXTURE(open_names_a_volume_of_a_wrong_size_and_a_damaged_one, set_up, tear_down)
{
    struct fixture *f = *state;
    const uint8_t zeros[SECTOR_SIZE] = {0};

    start_opened(f, 1);
    stop_service(f);
    assert_int_equal(ftruncate(f->disk, VOLUME_SIZE_MIN + 1), 0);
    start_service(f);
    assert_int_equal(operate(f, SERVICE_OPEN, no_banks, sizeof(no_banks)), SERVICE_VOLUME_FAILED);
    stop_service(f);
    assert_int_equal(ftruncate(f->disk, VOLUME_SIZE_MIN), 0);
    for (off_t at = 8192; at < VOLUME_SIZE_MIN / 2; at += sizeof(zeros))
        assert_int_equal(pwrite(f->disk, zeros, sizeof(zeros), at), sizeof(zeros));
    start_service(f);
    assert_int_equal(operate(f, SERVICE_OPEN, no_banks, sizeof(no_banks)), SERVICE_VOLUME_DAMAGED);
    stop_service(f);
}

/* Puts a state on the volume as if libtpms had. */
static void store_state(struct fixture *f, const void *bytes, size_t size)
{
    struct volume_storage storage = disk_storage(&f->disk);
    struct tpm_state state;

    assert_int_equal(state_open(&state, &storage, f->key), VOLUME_OK);
    assert_int_equal(state_store(&state, bytes, size), VOLUME_OK);
    state_close(&state);
}

TEST_FIXTURE(open_names_a_state_that_libtpms_refuses_and_one_that_is_too_new, set_up, tear_down)
{
    /* NV_HEADER of libtpms: version, magic of the permanent state, version that is needed */
    const uint8_t newer[] = {0, 99, 0xab, 0x36, 0x47, 0x23, 0, 99};
    struct fixture *f = *state;

    start_opened(f, 1);
    stop_service(f);
    store_state(f, "no TPM", 6);
    start_service(f);
    assert_int_equal(operate(f, SERVICE_OPEN, no_banks, sizeof(no_banks)), SERVICE_STATE_REFUSED);
    assert_int_equal(f->response_size, 4);
    stop_service(f);
    store_state(f, newer, sizeof(newer));
    start_service(f);
    assert_int_equal(operate(f, SERVICE_OPEN, no_banks, sizeof(no_banks)), SERVICE_STATE_TOO_NEW);
    stop_service(f);
}

/* TPM_PT_STARTUP_CLEAR, the bit "orderly". */
static bool last_end_was_orderly(struct fixture *f)
{
    static const uint8_t get_startup_clear[] = {0x80, 0x01, 0, 0, 0, 22, 0, 0, 0x01, 0x7a, 0,
                                                0,    0,    6, 0, 0, 2,  1, 0, 0,    0,    1};

    assert_int_equal(command(f, get_startup_clear, sizeof(get_startup_clear)), TPM_RC_SUCCESS);
    return (f->response[f->response_size - 4] & 0x80) != 0;
}

TEST_FIXTURE(the_end_of_the_channel_is_an_orderly_end_of_the_tpm, set_up, tear_down)
{
    struct fixture *f = *state;

    start_opened(f, 1);
    stop_service(f);
    start_opened(f, 0);
    assert_true(last_end_was_orderly(f));
    open_says(f, 0); /* a reset of the machine is none */
    assert_int_equal(command(f, startup_clear, sizeof(startup_clear)), TPM_RC_SUCCESS);
    assert_false(last_end_was_orderly(f));
    stop_service(f);
}

TEST_FIXTURE(a_command_takes_microseconds, set_up, tear_down)
{
    struct fixture *f = *state;
    struct timespec start;
    struct timespec end;
    double each;

    start_opened(f, 1);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < TIMED_COMMANDS; i++)
        assert_int_equal(command(f, get_random_16, sizeof(get_random_16)), TPM_RC_SUCCESS);
    clock_gettime(CLOCK_MONOTONIC, &end);
    each =
        ((double)(end.tv_sec - start.tv_sec) * 1e6 + (double)(end.tv_nsec - start.tv_nsec) / 1e3) /
        TIMED_COMMANDS;
    print_message("TPM2_GetRandom through the channel: %.1f us each\n", each);
    assert_true(each < 5000); /* generous: sanitizers, and machines that do other things */
    stop_service(f);
}
