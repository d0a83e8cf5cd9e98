/* SPDX-License-Identifier: MIT */
/* The TPM service on a volume with a lease: what opens, what is written when, who answers when. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "lib/abi/attest_service.h"
#include "services/tpm/command.h"
#include "services/tpm/service.h"
#include "tests/unit/registered.h"
#include "tests/unit/services/tpm_codes.h"
#include "tests/unit/services/tpm_commands.h"

#define EPOCH      1000 /* of the first boot; each later one has one more */
#define GENERATION 3

static uint8_t image[VOLUME_SIZE_MIN], other_image[VOLUME_SIZE_MIN];

static const uint8_t shutdown_clear[] = {0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x45, 0, 0};

/* A machine, and what the KBS's record says of its volume. */
static struct {
    int disk;
    struct state_grant grant;
    struct service service;
    bool on;
    struct ek_request ek;   /* likewise, to be certified */
    struct state_name told; /* by OPEN, to be confirmed */
    uint8_t response[CHANNEL_MESSAGE_MAX];
    size_t response_size;
} vm;

static uint32_t operate(uint32_t operation, const void *arguments, size_t size)
{
    uint8_t request[CHANNEL_MESSAGE_MAX];

    put_le32(request, operation);
    memcpy(request + 4, arguments, size);
    vm.response_size = channel_answer(service_handle, &vm.service, request, 4 + size, vm.response);
    return get_le32(vm.response);
}

#define WAITS UINT32_MAX /* no response code */

static uint32_t command(const uint8_t *bytes, size_t size)
{
    uint8_t arguments[CHANNEL_MESSAGE_MAX - 4] = {0};
    uint32_t status;

    memcpy(arguments + 1, bytes, size);
    status = operate(SERVICE_COMMAND, arguments, 1 + size);
    if (status == SERVICE_WAITS)
        return WAITS;
    assert_int_equal(status, SERVICE_DONE);
    return get_be32(vm.response + 10);
}

#define COMMAND(bytes) command(bytes, sizeof(bytes))

/* What the attestation service is to be asked; 0: nothing. */
static uint32_t due(void)
{
    assert_int_equal(operate(SERVICE_DUE, "", 0), SERVICE_DONE);
    return vm.response_size == 4 ? 0 : get_le32(vm.response + 4);
}

/* Its answer: the lease lasts for a minute. */
static uint32_t tell(uint32_t status)
{
    uint8_t answer[8];

    put_le32(answer, status);
    put_le32(answer + 4, 60);
    return operate(SERVICE_TOLD, answer, status == ATTEST_STATUS_DONE ? 8 : 4);
}

/* The power goes. */
static void cut(void)
{
    if (vm.on)
        engine_close(&vm.service.engine);
    vm.on = false;
}

/* Starts the service and has it open the volume; the status. */
static uint32_t open_volume(void)
{
    int key[2];
    uint32_t status;

    cut();
    vm.grant.epoch++;
    assert_int_equal(pipe(key), 0);
    assert_int_equal(write(key[1], &vm.grant, sizeof(vm.grant)), sizeof(vm.grant));
    close(key[1]);
    vm.service = (struct service){.disk_fd = vm.disk, .key_fd = key[0]};
    status = operate(SERVICE_OPEN, no_banks, sizeof(no_banks));
    close(key[0]);
    vm.on = status == SERVICE_DONE;
    return status;
}

static void opens_unconfirmed(uint32_t how)
{
    assert_int_equal(open_volume(), SERVICE_DONE);
    assert_int_equal(vm.response_size, 8 + sizeof(vm.told));
    assert_int_equal(get_le32(vm.response + 4), how);
    memcpy(&vm.told, vm.response + 8, sizeof(vm.told));
}

/* What the KBS does with CONFIRM. */
static void record_committed(void)
{
    vm.grant.flags = STATE_GRANT_LEASED | STATE_GRANT_COMMITTED | STATE_GRANT_SAME_EPOCH;
    vm.grant.committed = vm.told;
    vm.grant.committed_epoch = vm.grant.epoch;
}

/* With certificates, as the KBS's answer brings them. */
static void boots_with(uint32_t how, const void *certificates, size_t size)
{
    uint8_t answer[CHANNEL_MESSAGE_MAX];

    opens_unconfirmed(how);
    record_committed();
    assert_int_equal(due(), ATTEST_CONFIRM);
    assert_int_equal(vm.response_size, 8 + sizeof(vm.told) + sizeof(vm.ek));
    memcpy(&vm.ek, vm.response + 8 + sizeof(vm.told), sizeof(vm.ek));
    put_le32(answer, ATTEST_STATUS_DONE);
    put_le32(answer + 4, 60);
    memcpy(answer + 8, certificates, size);
    assert_int_equal(operate(SERVICE_TOLD, answer, 8 + size), SERVICE_DONE);
    assert_int_equal(COMMAND(startup_clear), TPM_RC_SUCCESS);
}

static void boots(uint32_t how)
{
    boots_with(how, "", 0);
}

static void save(uint8_t to[VOLUME_SIZE_MIN])
{
    assert_int_equal(pread(vm.disk, to, VOLUME_SIZE_MIN, 0), VOLUME_SIZE_MIN);
}

static void put_back(const uint8_t from[VOLUME_SIZE_MIN])
{
    assert_int_equal(pwrite(vm.disk, from, VOLUME_SIZE_MIN, 0), VOLUME_SIZE_MIN);
}

/* Is refused with this status, and the disk stays as it is. */
static void is_refused(uint32_t status)
{
    static uint8_t before[VOLUME_SIZE_MIN], after[VOLUME_SIZE_MIN];

    save(before);
    assert_int_equal(open_volume(), status);
    assert_int_equal(vm.response_size, 4);
    save(after);
    assert_memory_equal(before, after, sizeof(after));
}

static int start(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof(vm));
    vm.disk = memfd_create("volume", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    vm.grant = (struct state_grant){.flags = STATE_GRANT_LEASED | STATE_GRANT_MANUFACTURE,
                                    .epoch = EPOCH,
                                    .generation = GENERATION,
                                    .key = {1}};
    return ftruncate(vm.disk, VOLUME_SIZE_MIN);
}

static int end(void **state)
{
    (void)state;
    cut();
    return close(vm.disk);
}

TEST_FIXTURE(a_new_tpm_answers_nothing_before_the_kbs_confirmed_it, start, end)
{
    opens_unconfirmed(SERVICE_MANUFACTURED);
    assert_int_equal(vm.told.counter, 1);
    save(image);
    assert_int_equal(COMMAND(startup_clear), TPM_RC_INITIALIZE);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_INITIALIZE);
    assert_int_equal(operate(SERVICE_EK_PUBLIC, "", 0), SERVICE_TPM_FAILED);
    assert_int_equal(operate(SERVICE_OPEN, no_banks, sizeof(no_banks)), SERVICE_VOLUME_FAILED);
    save(other_image);
    assert_memory_equal(image, other_image, sizeof(image));
    assert_int_equal(due(), ATTEST_CONFIRM);
    assert_int_equal(get_le64(vm.response + 8), 1);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_MALFORMED);
    assert_int_equal(COMMAND(startup_clear), TPM_RC_SUCCESS);
    assert_int_equal(operate(SERVICE_EK_PUBLIC, "", 0), SERVICE_DONE);
}

TEST_FIXTURE(each_boot_begins_with_one_state_of_its_own_epoch, start, end)
{
    boots(SERVICE_MANUFACTURED);
    cut();
    opens_unconfirmed(SERVICE_STATE_OPENED);
    assert_int_equal(vm.service.engine.state.volume.current.superblock.epoch, vm.grant.epoch);
    assert_int_equal(vm.service.engine.state.volume.current.superblock.generation, GENERATION);
    assert_true(vm.told.counter > vm.grant.committed.counter);
}

TEST_FIXTURE(what_was_written_after_the_confirmation_survives_a_power_cut, start, end)
{
    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    boots(SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
}

TEST_FIXTURE(a_power_cut_before_the_confirmation_costs_nothing, start, end)
{
    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    for (int i = 0; i < 3; i++)
        opens_unconfirmed(SERVICE_STATE_OPENED);
    /* This time the KBS has committed it, and the answer is lost. */
    record_committed();
    boots(SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
}

TEST_FIXTURE(a_tpm_that_was_never_confirmed_is_made_anew, start, end)
{
    for (uint64_t n = 1; n <= 4; n++) {
        opens_unconfirmed(SERVICE_MANUFACTURED);
        assert_int_equal(vm.told.counter, n);
    }
    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    boots(SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
}

TEST_FIXTURE(a_tpm_that_was_confirmed_is_not_made_anew, start, end)
{
    boots(SERVICE_MANUFACTURED);
    boots(SERVICE_STATE_OPENED);
    vm.grant.flags = STATE_GRANT_LEASED | STATE_GRANT_MANUFACTURE;
    is_refused(SERVICE_NOT_COMMITTED);
}

TEST_FIXTURE(a_blank_volume_stays_blank_without_permission, start, end)
{
    vm.grant.flags = STATE_GRANT_LEASED;
    is_refused(SERVICE_NOT_COMMITTED);
    vm.grant.flags = STATE_GRANT_LEASED | STATE_GRANT_ADOPT;
    is_refused(SERVICE_NOT_COMMITTED);
}

TEST_FIXTURE(an_old_copy_is_refused_and_the_right_disk_works, start, end)
{
    boots(SERVICE_MANUFACTURED);
    save(image);
    boots(SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    cut();
    save(other_image);
    put_back(image);
    is_refused(SERVICE_NOT_COMMITTED);
    put_back(other_image);
    boots(SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
}

TEST_FIXTURE(an_erased_volume_gets_no_other_tpm, start, end)
{
    static const uint8_t zeros[VOLUME_SIZE_MIN];

    boots(SERVICE_MANUFACTURED);
    cut();
    put_back(zeros);
    is_refused(SERVICE_NOT_COMMITTED);
    vm.grant.flags |= STATE_GRANT_ADOPT | STATE_GRANT_EPHEMERAL;
    is_refused(SERVICE_NOT_COMMITTED);
}

TEST_FIXTURE(a_state_that_the_kbs_never_committed_is_refused, start, end)
{
    struct state_grant before;

    boots(SERVICE_MANUFACTURED);
    cut();
    before = vm.grant;
    boots(SERVICE_STATE_OPENED); /* as a clone does, with a KBS that remembers the state before */
    cut();
    before.epoch = vm.grant.epoch;
    vm.grant = before;
    is_refused(SERVICE_NOT_COMMITTED);
}

TEST_FIXTURE(a_volume_from_before_leases_is_adopted_with_permission_only, start, end)
{
    vm.grant.flags = 0;
    assert_int_equal(open_volume(), SERVICE_DONE);
    assert_int_equal(vm.response_size, 8); /* as ever: nothing is to be confirmed */
    assert_int_equal(COMMAND(startup_clear), TPM_RC_SUCCESS);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    vm.grant.flags = STATE_GRANT_LEASED | STATE_GRANT_MANUFACTURE;
    cut();
    is_refused(SERVICE_NOT_COMMITTED);
    vm.grant.flags = STATE_GRANT_LEASED | STATE_GRANT_ADOPT;
    boots(SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
}

TEST_FIXTURE(another_key_starts_an_ephemeral_tpm_with_permission_only, start, end)
{
    boots(SERVICE_MANUFACTURED);
    cut();
    vm.grant.key[5] = 5;
    is_refused(SERVICE_NOT_COMMITTED);
    vm.grant.flags |= STATE_GRANT_EPHEMERAL;
    save(image);
    assert_int_equal(open_volume(), SERVICE_DONE);
    assert_int_equal(vm.response_size, 8);
    assert_int_equal(get_le32(vm.response + 4), SERVICE_EPHEMERAL);
    assert_int_equal(COMMAND(startup_clear), TPM_RC_SUCCESS);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    save(other_image);
    assert_memory_equal(image, other_image, sizeof(image));
}

TEST_FIXTURE(a_disk_that_cannot_be_written_gives_nothing_to_confirm, start, end)
{
    boots(SERVICE_MANUFACTURED);
    cut();
    assert_int_equal(fcntl(vm.disk, F_ADD_SEALS, F_SEAL_WRITE), 0);
    assert_int_equal(open_volume(), SERVICE_VOLUME_FAILED);
}

/* An orderly end, and what comes after it */

static void releases(void)
{
    assert_int_equal(COMMAND(shutdown_clear), WAITS);
    assert_int_equal(due(), ATTEST_RELEASE);
    assert_int_equal(get_le64(vm.response + 8),
                     vm.service.engine.state.volume.current.superblock.counter);
    memcpy(&vm.told, vm.response + 8, sizeof(vm.told));
    record_committed();
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(due(), 0);
    assert_int_equal(COMMAND(shutdown_clear), TPM_RC_SUCCESS);
}

TEST_FIXTURE(a_tpm_that_is_shut_down_gives_its_lease_back_with_its_last_state, start, end)
{
    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    releases();
    assert_int_equal(due(), 0);
    boots(SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
}

TEST_FIXTURE(a_shutdown_waits_until_its_caller_comes_back, start, end)
{
    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(shutdown_clear), WAITS);
    assert_int_equal(due(), ATTEST_RELEASE);
    assert_int_equal(tell(ATTEST_STATUS_PENDING), SERVICE_WAITS);
    assert_int_equal(COMMAND(shutdown_clear), WAITS);
    assert_int_equal(COMMAND(get_random_16), WAITS); /* another processor's */
    assert_int_equal(due(), ATTEST_RELEASE);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(COMMAND(get_random_16), WAITS); /* that is not what was answered */
    assert_int_equal(due(), 0);
    assert_int_equal(COMMAND(shutdown_clear), TPM_RC_SUCCESS);
}

TEST_FIXTURE(after_its_end_a_tpm_takes_the_lease_up_before_anything_else, start, end)
{
    uint64_t counter;

    boots(SERVICE_MANUFACTURED);
    releases();
    counter = vm.told.counter;
    assert_int_equal(COMMAND(nv_define), WAITS);
    assert_int_equal(vm.service.engine.state.volume.current.superblock.counter, counter);
    assert_int_equal(due(), ATTEST_RENEW);
    assert_int_equal(vm.response_size, 8);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
    releases();
    boots(SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
}

TEST_FIXTURE(a_lease_that_was_given_back_and_taken_over_is_the_other_vms, start, end)
{
    boots(SERVICE_MANUFACTURED);
    releases();
    save(image);
    assert_int_equal(COMMAND(nv_define), WAITS);
    assert_int_equal(due(), ATTEST_RENEW);
    assert_int_equal(tell(ATTEST_STATUS_LEASE_LOST), SERVICE_DONE);
    assert_int_equal(COMMAND(nv_define), TPM_RC_FAILURE);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_FAILURE);
    save(other_image);
    assert_memory_equal(image, other_image, sizeof(image));
}

TEST_FIXTURE(while_nobody_knows_whose_the_lease_is_nothing_is_executed, start, end)
{
    boots(SERVICE_MANUFACTURED);
    releases();
    assert_int_equal(COMMAND(get_random_16), WAITS);
    assert_int_equal(due(), ATTEST_RENEW);
    assert_int_equal(tell(ATTEST_STATUS_KBS_UNREACHABLE), SERVICE_DONE);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_NV_UNAVAILABLE);
    assert_int_equal(COMMAND(get_random_16), WAITS);
    assert_int_equal(due(), ATTEST_RENEW);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_SUCCESS);
}

TEST_FIXTURE(a_kbs_that_is_away_keeps_no_guest_from_its_end, start, end)
{
    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(shutdown_clear), WAITS);
    assert_int_equal(due(), ATTEST_RELEASE);
    assert_int_equal(tell(ATTEST_STATUS_KBS_UNREACHABLE), SERVICE_DONE);
    assert_int_equal(COMMAND(shutdown_clear), WAITS); /* once more */
    assert_int_equal(due(), ATTEST_RELEASE);
    assert_int_equal(tell(UINT32_MAX), SERVICE_DONE);
    assert_int_equal(COMMAND(shutdown_clear), TPM_RC_SUCCESS);
    assert_int_equal(due(), 0);
    /* The lease is this VM's still, as far as anybody knows. */
    assert_int_equal(COMMAND(get_random_16), WAITS);
    assert_int_equal(due(), ATTEST_RENEW);
    assert_int_equal(tell(ATTEST_STATUS_KBS_UNREACHABLE), SERVICE_DONE);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_SUCCESS);
}

TEST_FIXTURE(a_response_that_nobody_takes_blocks_the_tpm_for_a_while_only, start, end)
{
    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(shutdown_clear), WAITS);
    assert_int_equal(due(), ATTEST_RELEASE);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(COMMAND(get_random_16), WAITS);
    vm.service.leased.answered_at -= 10000;
    assert_int_equal(COMMAND(get_random_16), WAITS);
    assert_int_equal(due(), ATTEST_RENEW);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_SUCCESS);
}

/* While the guest runs */

static void time_passes(uint64_t milliseconds)
{
    vm.service.leased.renew_at -= milliseconds;
}

TEST_FIXTURE(when_a_third_of_its_time_has_passed_the_lease_is_renewed, start, end)
{
    boots(SERVICE_MANUFACTURED);
    assert_int_equal(due(), 0);
    time_passes(20000);
    assert_int_equal(due(), ATTEST_RENEW);
    assert_int_equal(vm.response_size, 8);
    assert_int_equal(tell(ATTEST_STATUS_PENDING), SERVICE_WAITS);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_SUCCESS); /* and nobody waits for it */
    assert_int_equal(due(), ATTEST_RENEW);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(due(), 0);
    time_passes(20000);
    assert_int_equal(due(), ATTEST_RENEW);
    assert_int_equal(tell(ATTEST_STATUS_KBS_UNREACHABLE), SERVICE_DONE);
    assert_int_equal(due(), 0);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_SUCCESS);
    time_passes(5000);
    assert_int_equal(due(), ATTEST_RENEW);
}

TEST_FIXTURE(a_vm_whose_lease_was_taken_over_persists_nothing_and_forgets_its_keys, start, end)
{
    static const struct engine nothing;

    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    assert_int_equal(operate(SERVICE_EK_PUBLIC, "", 0), SERVICE_DONE);
    time_passes(20000);
    assert_int_equal(due(), ATTEST_RENEW);
    save(image);
    assert_int_equal(tell(ATTEST_STATUS_LEASE_LOST), SERVICE_DONE);
    assert_memory_equal(&vm.service.engine, &nothing, sizeof(nothing));
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_FAILURE);
    assert_int_equal(COMMAND(startup_clear), TPM_RC_FAILURE);
    assert_int_equal(COMMAND(shutdown_clear), TPM_RC_FAILURE);
    assert_int_equal(operate(SERVICE_EK_PUBLIC, "", 0), SERVICE_TPM_FAILED);
    assert_int_equal(due(), 0);
    save(other_image);
    assert_memory_equal(image, other_image, sizeof(image));
}

TEST_FIXTURE(a_vm_that_is_overtaken_while_it_shuts_down_is_told_so, start, end)
{
    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(shutdown_clear), WAITS);
    assert_int_equal(due(), ATTEST_RELEASE);
    assert_int_equal(tell(ATTEST_STATUS_LEASE_LOST), SERVICE_DONE);
    assert_int_equal(COMMAND(shutdown_clear), TPM_RC_FAILURE);
}

TEST_FIXTURE(a_volume_without_a_lease_has_nothing_to_tell, start, end)
{
    vm.grant.flags = 0;
    assert_int_equal(open_volume(), SERVICE_DONE);
    assert_int_equal(due(), 0);
    assert_int_equal(tell(ATTEST_STATUS_LEASE_LOST), SERVICE_MALFORMED);
    assert_int_equal(COMMAND(startup_clear), TPM_RC_SUCCESS);
    assert_int_equal(COMMAND(shutdown_clear), TPM_RC_SUCCESS);
    assert_int_equal(due(), 0);
}

/* What a refused disk shows */

static void complains_of(uint64_t counter)
{
    assert_int_equal(due(), ATTEST_COMPLAIN);
    assert_int_equal(vm.response_size, 8 + sizeof(struct state_name));
    assert_int_equal(get_le64(vm.response + 8), counter);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(due(), 0);
}

TEST_FIXTURE(of_an_old_copy_the_kbs_learns_which_state_it_has, start, end)
{
    uint64_t old;

    boots(SERVICE_MANUFACTURED);
    old = state_name(&vm.service.engine.state).counter;
    cut();
    save(image);
    boots(SERVICE_STATE_OPENED);
    cut();
    put_back(image);
    is_refused(SERVICE_NOT_COMMITTED);
    complains_of(old);
}

TEST_FIXTURE(of_a_blank_disk_the_kbs_learns_that_it_shows_nothing, start, end)
{
    vm.grant.flags = STATE_GRANT_LEASED;
    is_refused(SERVICE_NOT_COMMITTED);
    assert_int_equal(due(), ATTEST_COMPLAIN);
    assert_int_equal(vm.response_size, 8);
}

TEST_FIXTURE(an_ephemeral_tpm_leaves_the_lease_to_others, start, end)
{
    boots(SERVICE_MANUFACTURED);
    vm.grant.key[5] = 5;
    vm.grant.flags |= STATE_GRANT_EPHEMERAL;
    assert_int_equal(open_volume(), SERVICE_DONE);
    assert_int_equal(due(), ATTEST_COMPLAIN);
    assert_int_equal(vm.response_size, 8);
    assert_int_equal(COMMAND(startup_clear), TPM_RC_SUCCESS);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(due(), 0);
    assert_int_equal(COMMAND(shutdown_clear), TPM_RC_SUCCESS);
}

/* Certificates of the endorsement keys. What they are made of is the KBS's: here, the key and a
 * number of zeros before it. */

static uint8_t certificates[2 * EK_CERTIFICATES_MAX];

static size_t make_certificates(const struct ek_keys *keys, size_t padding)
{
    struct writer w = writer_over(certificates, sizeof(certificates));
    const struct {
        const uint8_t *bytes;
        size_t size;
    } key[EK_KINDS] = {{keys->modulus, sizeof(keys->modulus)},
                       {keys->p256, sizeof(keys->p256)},
                       {keys->p384, sizeof(keys->p384)}};

    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        assert_true(writer_be32(&w, ek_nv_index(kind)));
        assert_true(writer_be16(&w, (uint16_t)(padding + key[kind].size)));
        assert_true(writer_zeros(&w, padding));
        assert_true(writer_put(&w, key[kind].bytes, key[kind].size));
    }
    return w.used;
}

/* A command about an index, authorized by nothing but an empty password; its code. */
static uint32_t about_index(uint32_t code, uint32_t authority, uint32_t index, uint16_t size)
{
    uint8_t bytes[64];
    struct writer w = writer_over(bytes, sizeof(bytes));

    assert_true(command_begin(&w, TPM_ST_SESSIONS, code) && writer_be32(&w, authority) &&
                writer_be32(&w, index) && command_empty_password(&w));
    if (code == TPM_CC_NV_Read)
        assert_true(writer_be16(&w, size) && writer_be16(&w, 0));
    command_end(&w);
    return command(bytes, w.used);
}

/* What tpm2_getekcertificate and go-attestation do. */
static void reads(uint32_t index, const uint8_t *expected, uint16_t size)
{
    assert_int_equal(about_index(TPM_CC_NV_Read, index, index, size), TPM_RC_SUCCESS);
    assert_int_equal(get_be16(vm.response + 4 + TPM_HEADER_SIZE + 4), size);
    assert_memory_equal(vm.response + 4 + TPM_HEADER_SIZE + 6, expected, size);
}

static void reads_certificates(size_t padding)
{
    const uint8_t *next = certificates;

    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        const uint16_t size = get_be16(next + 4);

        assert_true(size > padding);
        reads(ek_nv_index(kind), next + 6, size);
        next += 6 + size;
    }
}

TEST_FIXTURE(each_boot_tells_the_same_endorsement_keys, start, end)
{
    const uint8_t none[EK_DIGEST_SIZE] = {0};
    struct ek_request first;

    boots(SERVICE_MANUFACTURED);
    first = vm.ek;
    assert_true(first.keys.modulus[0] >= 0x80);
    assert_memory_equal(first.keys.manufacturer, "IBM", 4);
    assert_memory_equal(first.certificates, none, sizeof(none));
    boots(SERVICE_STATE_OPENED);
    assert_memory_equal(&vm.ek, &first, sizeof(first));
}

TEST_FIXTURE(certificates_stand_at_the_indices_and_the_owner_cannot_remove_them, start, end)
{
    uint8_t digest[EK_DIGEST_SIZE];
    size_t size;

    boots(SERVICE_MANUFACTURED);
    size = make_certificates(&vm.ek.keys, 500);
    boots_with(SERVICE_STATE_OPENED, certificates, size);
    reads_certificates(500);
    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++)
        assert_int_not_equal(
            about_index(TPM_CC_NV_UndefineSpace, TPM_RH_OWNER, ek_nv_index(kind), 0),
            TPM_RC_SUCCESS);
    reads_certificates(500);

    /* They are still there after a hard end, and told to the KBS. */
    boots(SERVICE_STATE_OPENED);
    reads_certificates(500);
    SHA384(certificates, size, digest);
    assert_memory_equal(vm.ek.certificates, digest, sizeof(digest));
}

TEST_FIXTURE(newer_certificates_take_the_place_of_older_ones, start, end)
{
    boots(SERVICE_MANUFACTURED);
    boots_with(SERVICE_STATE_OPENED, certificates, make_certificates(&vm.ek.keys, 10));
    reads_certificates(10);
    boots_with(SERVICE_STATE_OPENED, certificates, make_certificates(&vm.ek.keys, 700));
    reads_certificates(700);
}

TEST_FIXTURE(what_the_platform_removed_is_back_after_the_next_startup, start, end)
{
    boots(SERVICE_MANUFACTURED);
    boots_with(SERVICE_STATE_OPENED, certificates, make_certificates(&vm.ek.keys, 10));
    assert_int_equal(about_index(TPM_CC_NV_UndefineSpace, TPM_RH_PLATFORM, EK_NV_P256, 0),
                     TPM_RC_SUCCESS);
    boots(SERVICE_STATE_OPENED);
    reads_certificates(10);
}

/* What a KBS sends that is none of this TPM's certificates leaves the older ones. */
TEST_FIXTURE(other_keys_places_and_sizes_are_not_taken_for_certificates, start, end)
{
    struct ek_keys other;
    size_t size;

    boots(SERVICE_MANUFACTURED);
    boots_with(SERVICE_STATE_OPENED, certificates, make_certificates(&vm.ek.keys, 10));
    for (int fault = 0; fault < 6; fault++) {
        other = vm.ek.keys;
        if (fault < 3)
            (fault == 0 ? other.modulus : fault == 1 ? other.p256 : other.p384)[7] ^= 1;
        size = make_certificates(&other, fault == 3 ? 1000 : 20);
        if (fault == 4)
            certificates[3] = 0x03; /* the index of another thing */
        boots_with(SERVICE_STATE_OPENED, certificates, fault == 5 ? size - 1 : size);
        make_certificates(&vm.ek.keys, 10);
        reads_certificates(10);
    }
}

TEST_FIXTURE(the_endorsement_seed_of_a_volume_with_a_lease_stays, start, end)
{
    static const uint8_t change_eps[] = {0x80, 0x02, 0, 0,    0,    27, 0, 0, 0x01,
                                         0x24, 0x40, 0, 0,    0x0c, 0,  0, 0, 9,
                                         0x40, 0,    0, 0x09, 0,    0,  0, 0, 0};

    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(change_eps), TPM_RC_DISABLED);
}
