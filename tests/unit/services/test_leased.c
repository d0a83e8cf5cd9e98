/* SPDX-License-Identifier: MIT */
/* The TPM service on a volume with a lease: what opens, what is written when, who answers when. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/abi/attest_service.h"
#include "tests/unit/registered.h"
#include "tests/unit/services/leased_vm.h"
#include "tests/unit/services/tpm_codes.h"
#include "tests/unit/services/tpm_commands.h"

static uint8_t image[VOLUME_SIZE_MIN], other_image[VOLUME_SIZE_MIN];

static const uint8_t shutdown_clear[] = {0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x45, 0, 0};

/* TPM2_NV_Write of the index of nv_define, by the owner. */
static const uint8_t nv_write[] = {
    0x80, 0x02, 0,    0,   0,    43,  0,   0,   0x01, 0x37, 0x40, 0, 0,
    1,    0x01, 0x50, 0,   1,                                           /* handles */
    0,    0,    0,    9,   0x40, 0,   0,   9,   0,    0,    0,    0, 0, /* password */
    0,    8,    't',  'o', 'd',  'a', 'y', 's', 0,    0,    0,    0,
};
/* TPM2_PCR_Extend of PCR 16 by a SHA-256 digest of zeros. */
static const uint8_t pcr_extend[65] = {
    0x80, 0x02, 0, 0, 0,    65, 0, 0, 0x01, 0x82, 0, 0, 0, 16, /* header, PCR */
    0,    0,    0, 9, 0x40, 0,  0, 9, 0,    0,    0, 0, 0, 0,  0, 0, 1, 0, 0x0b,
};

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

TEST_FIXTURE(a_new_tpm_answers_nothing_before_the_kbs_confirmed_it, leased_vm_start, leased_vm_end)
{
    opens_unconfirmed(SERVICE_MANUFACTURED);
    assert_int_equal(vm.told.counter, 1);
    save(image);
    assert_int_equal(COMMAND(startup_clear), TPM_RC_INITIALIZE);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_INITIALIZE);
    assert_int_equal(operate(SERVICE_MANIFEST, vtpm_manifest, sizeof(vtpm_manifest)),
                     SERVICE_TPM_FAILED);
    assert_int_equal(operate(SERVICE_OPEN, no_banks, sizeof(no_banks)), SERVICE_VOLUME_FAILED);
    save(other_image);
    assert_memory_equal(image, other_image, sizeof(image));
    assert_int_equal(due(), ATTEST_CONFIRM);
    assert_int_equal(get_le64(vm.response + 8), 1);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_MALFORMED);
    assert_int_equal(COMMAND(startup_clear), TPM_RC_SUCCESS);
    assert_int_equal(operate(SERVICE_MANIFEST, vtpm_manifest, sizeof(vtpm_manifest)), SERVICE_DONE);
}

TEST_FIXTURE(each_boot_begins_with_one_state_of_its_own_epoch, leased_vm_start, leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    cut();
    opens_unconfirmed(SERVICE_STATE_OPENED);
    assert_int_equal(vm.service.engine.state.volume.current.superblock.epoch, vm.grant.epoch);
    assert_int_equal(vm.service.engine.state.volume.current.superblock.generation,
                     LEASED_VM_GENERATION);
    assert_true(vm.told.counter > vm.grant.committed.counter);
}

TEST_FIXTURE(what_was_written_after_the_confirmation_survives_a_power_cut, leased_vm_start,
             leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    boots(SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
}

TEST_FIXTURE(a_power_cut_before_the_confirmation_costs_nothing, leased_vm_start, leased_vm_end)
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

TEST_FIXTURE(a_tpm_that_was_never_confirmed_is_made_anew, leased_vm_start, leased_vm_end)
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

TEST_FIXTURE(a_tpm_that_was_confirmed_is_not_made_anew, leased_vm_start, leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    boots(SERVICE_STATE_OPENED);
    vm.grant.flags = STATE_GRANT_LEASED | STATE_GRANT_MANUFACTURE;
    is_refused(SERVICE_NOT_COMMITTED);
}

TEST_FIXTURE(a_blank_volume_stays_blank_without_permission, leased_vm_start, leased_vm_end)
{
    vm.grant.flags = STATE_GRANT_LEASED;
    is_refused(SERVICE_NOT_COMMITTED);
    vm.grant.flags = STATE_GRANT_LEASED | STATE_GRANT_ADOPT;
    is_refused(SERVICE_NOT_COMMITTED);
}

TEST_FIXTURE(an_old_copy_is_refused_and_the_right_disk_works, leased_vm_start, leased_vm_end)
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

TEST_FIXTURE(an_erased_volume_gets_no_other_tpm, leased_vm_start, leased_vm_end)
{
    static const uint8_t zeros[VOLUME_SIZE_MIN];

    boots(SERVICE_MANUFACTURED);
    cut();
    put_back(zeros);
    is_refused(SERVICE_NOT_COMMITTED);
    vm.grant.flags |= STATE_GRANT_ADOPT | STATE_GRANT_EPHEMERAL;
    is_refused(SERVICE_NOT_COMMITTED);
}

TEST_FIXTURE(a_state_that_the_kbs_never_committed_is_refused, leased_vm_start, leased_vm_end)
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

TEST_FIXTURE(a_volume_from_before_leases_is_adopted_with_permission_only, leased_vm_start,
             leased_vm_end)
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

TEST_FIXTURE(another_key_starts_an_ephemeral_tpm_with_permission_only, leased_vm_start,
             leased_vm_end)
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

TEST_FIXTURE(a_disk_that_cannot_be_written_gives_nothing_to_confirm, leased_vm_start, leased_vm_end)
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

TEST_FIXTURE(a_tpm_that_is_shut_down_gives_its_lease_back_with_its_last_state, leased_vm_start,
             leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    releases();
    assert_int_equal(due(), 0);
    boots(SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
}

TEST_FIXTURE(a_shutdown_waits_until_its_caller_comes_back, leased_vm_start, leased_vm_end)
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

TEST_FIXTURE(after_its_end_a_tpm_takes_the_lease_up_before_anything_else, leased_vm_start,
             leased_vm_end)
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

TEST_FIXTURE(a_lease_that_was_given_back_and_taken_over_is_the_other_vms, leased_vm_start,
             leased_vm_end)
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

/* What got no answer is asked for again at once, three times in all. */
static void gets_no_answer(uint32_t operation)
{
    for (unsigned tries = 0; tries < 3; tries++) {
        assert_int_equal(due(), operation);
        assert_int_equal(tell(ATTEST_STATUS_PROXY_SILENT), SERVICE_DONE);
    }
}

TEST_FIXTURE(while_nobody_knows_whose_the_lease_is_nothing_is_executed, leased_vm_start,
             leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    releases();
    assert_int_equal(COMMAND(get_random_16), WAITS);
    gets_no_answer(ATTEST_RENEW);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_NV_UNAVAILABLE);
    assert_int_equal(COMMAND(get_random_16), WAITS);
    assert_int_equal(due(), ATTEST_RENEW);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_SUCCESS);
}

TEST_FIXTURE(a_kbs_that_is_away_keeps_no_guest_from_its_end, leased_vm_start, leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(shutdown_clear), WAITS);
    assert_int_equal(due(), ATTEST_RELEASE);
    assert_int_equal(tell(ATTEST_STATUS_KBS_UNREACHABLE), SERVICE_DONE);
    assert_int_equal(COMMAND(shutdown_clear), WAITS); /* once more */
    assert_int_equal(due(), ATTEST_RELEASE);
    assert_int_equal(tell(UINT32_MAX), SERVICE_DONE);
    assert_int_equal(due(), ATTEST_RELEASE);
    assert_int_equal(tell(ATTEST_STATUS_PROXY_SILENT), SERVICE_DONE);
    assert_int_equal(COMMAND(shutdown_clear), TPM_RC_SUCCESS);
    assert_int_equal(due(), 0);
    /* The lease is this VM's still, as far as anybody knows. */
    save(image);
    assert_int_equal(COMMAND(get_random_16), WAITS);
    gets_no_answer(ATTEST_ANCHOR);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_SUCCESS);
    /* The KBS may have committed this state, so no other one takes its place. */
    assert_int_equal(COMMAND(nv_define), TPM_RC_NV_UNAVAILABLE);
    save(other_image);
    assert_memory_equal(image, other_image, sizeof(image));
    vm.service.leased.anchor_at -= 5000;
    assert_int_equal(COMMAND(nv_define), WAITS);
    assert_int_equal(due(), ATTEST_ANCHOR);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
}

TEST_FIXTURE(a_response_that_nobody_takes_blocks_the_tpm_for_a_while_only, leased_vm_start,
             leased_vm_end)
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

TEST_FIXTURE(when_a_third_of_its_time_has_passed_the_lease_is_renewed, leased_vm_start,
             leased_vm_end)
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
    gets_no_answer(ATTEST_RENEW);
    assert_int_equal(due(), 0);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_SUCCESS);
    time_passes(5000);
    assert_int_equal(due(), ATTEST_RENEW);
}

TEST_FIXTURE(a_vm_whose_lease_was_taken_over_persists_nothing_and_forgets_its_keys, leased_vm_start,
             leased_vm_end)
{
    static const struct engine nothing;

    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    assert_int_equal(operate(SERVICE_MANIFEST, vtpm_manifest, sizeof(vtpm_manifest)), SERVICE_DONE);
    time_passes(20000);
    assert_int_equal(due(), ATTEST_RENEW);
    save(image);
    assert_int_equal(tell(ATTEST_STATUS_LEASE_LOST), SERVICE_DONE);
    assert_memory_equal(&vm.service.engine, &nothing, sizeof(nothing));
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_FAILURE);
    assert_int_equal(COMMAND(startup_clear), TPM_RC_FAILURE);
    assert_int_equal(COMMAND(shutdown_clear), TPM_RC_FAILURE);
    assert_int_equal(operate(SERVICE_MANIFEST, vtpm_manifest, sizeof(vtpm_manifest)),
                     SERVICE_TPM_FAILED);
    assert_int_equal(due(), 0);
    save(other_image);
    assert_memory_equal(image, other_image, sizeof(image));
}

TEST_FIXTURE(a_vm_that_is_overtaken_while_it_shuts_down_is_told_so, leased_vm_start, leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(shutdown_clear), WAITS);
    assert_int_equal(due(), ATTEST_RELEASE);
    assert_int_equal(tell(ATTEST_STATUS_LEASE_LOST), SERVICE_DONE);
    assert_int_equal(COMMAND(shutdown_clear), TPM_RC_FAILURE);
}

TEST_FIXTURE(a_volume_without_a_lease_has_nothing_to_tell, leased_vm_start, leased_vm_end)
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

TEST_FIXTURE(of_an_old_copy_the_kbs_learns_which_state_it_has, leased_vm_start, leased_vm_end)
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

TEST_FIXTURE(of_a_blank_disk_the_kbs_learns_that_it_shows_nothing, leased_vm_start, leased_vm_end)
{
    vm.grant.flags = STATE_GRANT_LEASED;
    is_refused(SERVICE_NOT_COMMITTED);
    assert_int_equal(due(), ATTEST_COMPLAIN);
    assert_int_equal(vm.response_size, 8);
}

TEST_FIXTURE(an_ephemeral_tpm_leaves_the_lease_to_others, leased_vm_start, leased_vm_end)
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

/* Anchoring while the guest runs */

static uint64_t newest(void)
{
    return vm.service.engine.state.volume.current.superblock.counter;
}

/* A command that is answered only when the KBS has its state. */
static uint32_t anchors(const uint8_t *bytes, size_t size)
{
    uint64_t before = newest();

    assert_int_equal(command(bytes, size), WAITS);
    assert_int_equal(due(), ATTEST_ANCHOR);
    assert_int_equal(get_le64(vm.response + 8), before + 1);
    memcpy(&vm.told, vm.response + 8, sizeof(vm.told));
    record_committed();
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    return command(bytes, size);
}

#define ANCHORS(bytes) anchors(bytes, sizeof(bytes))

/* TPM2_NV_Write of other data. */
static uint32_t writes(uint8_t data)
{
    uint8_t bytes[sizeof(nv_write)];

    memcpy(bytes, nv_write, sizeof(bytes));
    bytes[sizeof(bytes) - 3] = data;
    return command(bytes, sizeof(bytes));
}

static void boots_anchoring(uint64_t flags, uint32_t how)
{
    vm.grant.flags |= flags;
    opens_unconfirmed(how);
    record_committed();
    assert_int_equal(due(), ATTEST_CONFIRM);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(ANCHORS(startup_clear), TPM_RC_SUCCESS);
}

TEST_FIXTURE(what_matters_is_anchored_before_it_is_answered, leased_vm_start, leased_vm_end)
{
    boots_anchoring(STATE_GRANT_ANCHOR_MAJOR, SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_SUCCESS);
    save(image);
    assert_int_equal(ANCHORS(nv_define), TPM_RC_SUCCESS);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
    cut();
    save(other_image);
    put_back(image); /* from before the definition, of the same boot */
    is_refused(SERVICE_NOT_COMMITTED);
    put_back(other_image);
    boots_anchoring(STATE_GRANT_ANCHOR_MAJOR, SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
}

TEST_FIXTURE(data_is_durable_when_it_is_answered_and_anchored_soon, leased_vm_start, leased_vm_end)
{
    uint64_t before;

    boots_anchoring(STATE_GRANT_ANCHOR_MAJOR, SERVICE_MANUFACTURED);
    assert_int_equal(ANCHORS(nv_define), TPM_RC_SUCCESS);
    before = newest();
    assert_int_equal(COMMAND(nv_write), TPM_RC_SUCCESS);
    assert_int_equal(newest(), before + 1);
    assert_int_equal(due(), 0);
    vm.service.leased.anchor_at -= 10000;
    assert_int_equal(due(), ATTEST_ANCHOR);
    assert_int_equal(get_le64(vm.response + 8), newest());
    memcpy(&vm.told, vm.response + 8, sizeof(vm.told));
    record_committed();
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(due(), 0);
    before = newest();
    assert_int_equal(writes(1), TPM_RC_SUCCESS);
    assert_int_equal(newest(), before + 1);
    boots_anchoring(STATE_GRANT_ANCHOR_MAJOR, SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
}

TEST_FIXTURE(a_state_that_the_kbs_may_have_committed_stays_on_the_disk, leased_vm_start,
             leased_vm_end)
{
    boots_anchoring(STATE_GRANT_ANCHOR_MAJOR, SERVICE_MANUFACTURED);
    assert_int_equal(ANCHORS(nv_define), TPM_RC_SUCCESS);
    assert_int_equal(writes(1), TPM_RC_SUCCESS);
    vm.service.leased.anchor_at -= 10000;
    assert_int_equal(due(), ATTEST_ANCHOR);
    memcpy(&vm.told, vm.response + 8, sizeof(vm.told));
    assert_int_equal(tell(ATTEST_STATUS_PENDING), SERVICE_WAITS);
    for (uint8_t i = 2; i < 5; i++) {
        assert_int_equal(writes(i), WAITS);
        assert_int_equal(due(), ATTEST_ANCHOR);
        assert_int_equal(get_le64(vm.response + 8), vm.told.counter);
        assert_int_equal(tell(ATTEST_STATUS_PENDING), SERVICE_WAITS);
    }
    record_committed(); /* and the answer is lost, and the power cut */
    boots_anchoring(STATE_GRANT_ANCHOR_MAJOR, SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
}

TEST_FIXTURE(no_more_than_so_many_writes_wait_for_their_anchor, leased_vm_start, leased_vm_end)
{
    boots_anchoring(STATE_GRANT_ANCHOR_MAJOR, SERVICE_MANUFACTURED);
    assert_int_equal(ANCHORS(nv_define), TPM_RC_SUCCESS);
    for (uint8_t i = 0; i < 64; i++)
        assert_int_equal(writes(i), TPM_RC_SUCCESS);
    assert_int_equal(ANCHORS(nv_write), TPM_RC_SUCCESS);
    assert_int_equal(writes(1), TPM_RC_SUCCESS);
}

TEST_FIXTURE(strictly_each_change_is_anchored_before_it_is_answered, leased_vm_start, leased_vm_end)
{
    boots_anchoring(STATE_GRANT_ANCHOR_ALL, SERVICE_MANUFACTURED);
    assert_int_equal(ANCHORS(nv_define), TPM_RC_SUCCESS);
    assert_int_equal(ANCHORS(nv_write), TPM_RC_SUCCESS);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_SUCCESS);
    releases();
    boots_anchoring(STATE_GRANT_ANCHOR_ALL, SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
}

/* The clock would be one more. */
TEST_FIXTURE(what_one_command_changes_is_one_state, leased_vm_start, leased_vm_end)
{
    boots_anchoring(STATE_GRANT_ANCHOR_ALL, SERVICE_MANUFACTURED);
    vm.service.engine.clock_checked -= 10000;
    assert_int_equal(ANCHORS(nv_define), TPM_RC_SUCCESS);
}

TEST_FIXTURE(a_power_cut_before_the_anchor_costs_what_was_not_answered, leased_vm_start,
             leased_vm_end)
{
    boots_anchoring(STATE_GRANT_ANCHOR_ALL, SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(nv_define), WAITS);
    vm.grant.flags = STATE_GRANT_LEASED | STATE_GRANT_COMMITTED; /* exactly that state */
    boots_anchoring(STATE_GRANT_ANCHOR_ALL, SERVICE_STATE_OPENED);
    assert_int_not_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
    /* And when only the KBS's answer was lost, it is there. */
    assert_int_equal(COMMAND(nv_define), WAITS);
    assert_int_equal(due(), ATTEST_ANCHOR);
    memcpy(&vm.told, vm.response + 8, sizeof(vm.told));
    record_committed();
    boots_anchoring(STATE_GRANT_ANCHOR_ALL, SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
}

TEST_FIXTURE(while_the_kbs_is_away_nothing_is_changed_and_nothing_hangs, leased_vm_start,
             leased_vm_end)
{
    uint64_t counter;

    boots_anchoring(STATE_GRANT_ANCHOR_MAJOR, SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(nv_define), WAITS);
    counter = newest();
    gets_no_answer(ATTEST_ANCHOR);
    assert_int_equal(COMMAND(nv_define), TPM_RC_NV_UNAVAILABLE);
    save(image);
    assert_int_equal(due(), 0);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_SUCCESS);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
    assert_int_equal(COMMAND(pcr_extend), TPM_RC_SUCCESS);
    vm.service.engine.state.changed = true; /* as by the time, of the lockout for example */
    assert_int_equal(COMMAND(get_random_16), TPM_RC_SUCCESS);
    assert_int_equal(COMMAND(nv_write), TPM_RC_NV_UNAVAILABLE);
    assert_int_equal(COMMAND(shutdown_clear), TPM_RC_NV_UNAVAILABLE);
    save(other_image);
    assert_memory_equal(image, other_image, sizeof(image));

    vm.service.leased.anchor_at -= 5000;
    assert_int_equal(COMMAND(nv_write), WAITS); /* now it asks again, before anything else */
    assert_int_equal(due(), ATTEST_ANCHOR);
    assert_int_equal(get_le64(vm.response + 8), counter);
    gets_no_answer(ATTEST_ANCHOR);
    assert_int_equal(COMMAND(nv_write), TPM_RC_NV_UNAVAILABLE);
    vm.service.leased.anchor_at -= 5000;
    assert_int_equal(COMMAND(get_random_16), WAITS);
    assert_int_equal(due(), ATTEST_ANCHOR);
    assert_int_equal(get_le64(vm.response + 8), counter);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_SUCCESS);
    assert_int_equal(COMMAND(nv_write), TPM_RC_SUCCESS);
    releases();
}

/* A guest's kernel that looks for UARTs spoils one, with or without a command that waits. */
TEST_FIXTURE(one_exchange_without_an_answer_fails_no_command, leased_vm_start, leased_vm_end)
{
    boots_anchoring(STATE_GRANT_ANCHOR_MAJOR, SERVICE_MANUFACTURED);
    vm.service.leased.renew_at = 0;
    assert_int_equal(due(), ATTEST_RENEW);
    assert_int_equal(tell(ATTEST_STATUS_PROXY_SILENT), SERVICE_DONE);
    assert_int_equal(due(), ATTEST_RENEW);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(COMMAND(nv_define), WAITS);
    assert_int_equal(due(), ATTEST_ANCHOR);
    assert_int_equal(tell(ATTEST_STATUS_PROXY_SILENT), SERVICE_DONE);
    assert_int_equal(COMMAND(nv_define), WAITS);
    assert_int_equal(due(), ATTEST_ANCHOR);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    /* What changed without being anchored, in the background */
    assert_int_equal(COMMAND(nv_write), TPM_RC_SUCCESS);
    vm.service.leased.anchor_at = 0;
    assert_int_equal(due(), ATTEST_ANCHOR);
    assert_int_equal(tell(ATTEST_STATUS_PROXY_SILENT), SERVICE_DONE);
    assert_int_equal(COMMAND(nv_write), WAITS);
    assert_int_equal(due(), ATTEST_ANCHOR);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(COMMAND(nv_write), TPM_RC_SUCCESS);
}

TEST_FIXTURE(whoever_is_overtaken_while_it_anchors_is_fenced, leased_vm_start, leased_vm_end)
{
    boots_anchoring(STATE_GRANT_ANCHOR_MAJOR, SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(nv_define), WAITS);
    assert_int_equal(due(), ATTEST_ANCHOR);
    assert_int_equal(tell(ATTEST_STATUS_LEASE_LOST), SERVICE_DONE);
    assert_int_equal(COMMAND(nv_define), TPM_RC_FAILURE);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_FAILURE);
}

TEST_FIXTURE(a_state_that_cannot_be_written_is_not_anchored, leased_vm_start, leased_vm_end)
{
    boots_anchoring(STATE_GRANT_ANCHOR_MAJOR, SERVICE_MANUFACTURED);
    assert_int_equal(fcntl(vm.disk, F_ADD_SEALS, F_SEAL_WRITE), 0);
    assert_int_equal(COMMAND(nv_define), TPM_RC_FAILURE);
    assert_int_equal(due(), 0);
    assert_int_equal(COMMAND(get_random_16), TPM_RC_FAILURE);
}
