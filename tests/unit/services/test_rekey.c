/* SPDX-License-Identifier: MIT */
/* The TPM service with a key to change over to: what opens under which key, and what is refused. */
#include <string.h>
#include <unistd.h>

#include "lib/abi/attest_service.h"
#include "services/tpm/disk.h"
#include "tests/unit/registered.h"
#include "tests/unit/services/leased_vm.h"
#include "tests/unit/services/tpm_codes.h"
#include "tests/unit/services/tpm_commands.h"

static const uint8_t first_key[STATE_KEY_SIZE] = {1}, second_key[STATE_KEY_SIZE] = {2};

static uint8_t image[VOLUME_SIZE_MIN];

static void save(void)
{
    assert_int_equal(pread(vm.disk, image, sizeof(image), 0), sizeof(image));
}

static void put_back(void)
{
    assert_int_equal(pwrite(vm.disk, image, sizeof(image), 0), sizeof(image));
}

/* The KBS has a key to change over to. */
static void rekey(void)
{
    vm.grant.flags |= STATE_GRANT_REKEY;
    memcpy(vm.grant.next_key, second_key, STATE_KEY_SIZE);
}

/* What CONFIRM does then: record_committed() has cleared the flag. */
static void promote(void)
{
    memcpy(vm.grant.key, second_key, STATE_KEY_SIZE);
    memset(vm.grant.next_key, 0, STATE_KEY_SIZE);
}

static enum volume_status status_under(const uint8_t key[STATE_KEY_SIZE])
{
    struct volume_storage storage = disk_storage(&vm.disk);
    struct volume volume;
    enum volume_status status = volume_open(&volume, &storage, key, NULL);

    volume_close(&volume);
    return status;
}

static void is_refused(void)
{
    assert_int_equal(open_volume(), SERVICE_NOT_COMMITTED);
    assert_int_equal(due(), ATTEST_COMPLAIN);
}

TEST_FIXTURE(a_boot_with_two_keys_puts_the_tpm_under_the_second, leased_vm_start, leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    rekey();
    boots(SERVICE_STATE_OPENED);
    promote();
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
    boots(SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
    assert_int_equal(status_under(first_key), VOLUME_WRONG_KEY);
}

TEST_FIXTURE(the_endorsement_keys_are_the_same_under_the_second_key, leased_vm_start, leased_vm_end)
{
    struct ek_request before;

    boots(SERVICE_MANUFACTURED);
    before = vm.ek;
    rekey();
    boots(SERVICE_STATE_OPENED);
    promote();
    assert_memory_equal(&vm.ek.keys, &before.keys, sizeof(before.keys));
    boots(SERVICE_STATE_OPENED);
    assert_memory_equal(&vm.ek.keys, &before.keys, sizeof(before.keys));
}

TEST_FIXTURE(a_new_tpm_is_made_under_the_second_key, leased_vm_start, leased_vm_end)
{
    rekey();
    for (int i = 0; i < 3; i++) {
        opens_unconfirmed(SERVICE_MANUFACTURED);
        assert_int_equal(status_under(first_key), VOLUME_BLANK); /* if it is cancelled */
        assert_int_equal(status_under(second_key), VOLUME_OK);
    }
    boots(SERVICE_MANUFACTURED);
    promote();
    boots(SERVICE_STATE_OPENED);
}

/* As often as the power is cut before CONFIRM gets to the KBS. */
TEST_FIXTURE(until_the_kbs_confirmed_it_either_key_opens_the_volume, leased_vm_start, leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    rekey();
    for (int i = 0; i < 3; i++) {
        opens_unconfirmed(SERVICE_STATE_OPENED);
        cut();
        assert_int_equal(status_under(first_key), VOLUME_OK);
        assert_int_equal(status_under(second_key), VOLUME_OK);
    }
    record_committed(); /* its answer is lost */
    promote();
    boots(SERVICE_STATE_OPENED);
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
}

TEST_FIXTURE(after_the_change_a_copy_of_before_is_refused, leased_vm_start, leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    cut();
    save();
    rekey();
    boots(SERVICE_STATE_OPENED);
    promote();
    cut();
    put_back();
    is_refused();
    assert_int_equal(vm.response_size, 8); /* under the second key it shows nothing */
}

TEST_FIXTURE(with_two_keys_an_old_copy_under_either_is_refused_by_its_number, leased_vm_start,
             leased_vm_end)
{
    struct state_grant before;
    uint64_t counter;

    boots(SERVICE_MANUFACTURED);
    counter = vm.service.engine.state.volume.current.superblock.counter;
    cut();
    save();
    before = vm.grant;
    boots(SERVICE_STATE_OPENED);
    cut();
    rekey();
    put_back();
    is_refused();
    assert_int_equal(get_le64(vm.response + 8), counter);

    /* And one that the owner put under the second key himself. */
    vm.grant = before;
    rekey();
    boots(SERVICE_STATE_OPENED);
    vm.grant.flags |= STATE_GRANT_REKEY;
    memcpy(vm.grant.next_key, second_key, STATE_KEY_SIZE);
    cut();
    vm.grant.committed.counter += 7;
    is_refused();
    assert_true(get_le64(vm.response + 8) > counter);
}

TEST_FIXTURE(a_volume_that_is_under_the_second_key_already_stays_so, leased_vm_start, leased_vm_end)
{
    struct volume_storage storage = disk_storage(&vm.disk);
    struct volume volume;

    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(nv_define), TPM_RC_SUCCESS);
    cut();
    assert_int_equal(volume_open(&volume, &storage, first_key, NULL), VOLUME_OK);
    assert_int_equal(volume_rekey(&volume, second_key, NULL, 0), VOLUME_OK);
    volume_acknowledge(&volume);
    assert_int_equal(volume_settle(&volume), VOLUME_OK);
    volume_close(&volume);
    rekey();
    is_refused(); /* the KBS has not committed that, and the owner can accept it by its name: */
    vm.grant.committed.counter = get_le64(vm.response + 8);
    memcpy(vm.grant.committed.root, vm.response + 16, STATE_ROOT_SIZE);
    vm.grant.flags &= ~(uint64_t)STATE_GRANT_SAME_EPOCH;
    boots(SERVICE_STATE_OPENED);
    promote();
    assert_int_equal(COMMAND(nv_read_public), TPM_RC_SUCCESS);
    boots(SERVICE_STATE_OPENED);
}

TEST_FIXTURE(a_volume_that_neither_key_opens_is_left_alone, leased_vm_start, leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    cut();
    save();
    rekey();
    vm.grant.key[5] = vm.grant.next_key[6] = 1;
    is_refused();
    vm.grant.flags |= STATE_GRANT_EPHEMERAL;
    assert_int_equal(open_volume(), SERVICE_DONE);
    assert_int_equal(get_le32(vm.response + 4), SERVICE_EPHEMERAL);
    assert_int_equal(COMMAND(startup_clear), TPM_RC_SUCCESS);
    cut();
    assert_int_equal(status_under(first_key), VOLUME_OK);
}

/* A key that cannot be one: its halves are equal. */
TEST_FIXTURE(a_weak_key_to_change_over_to_ends_the_boot_and_costs_nothing, leased_vm_start,
             leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    rekey();
    memset(vm.grant.next_key, 0, STATE_KEY_SIZE);
    assert_int_equal(open_volume(), SERVICE_VOLUME_FAILED);
    vm.grant.flags &= ~(uint64_t)STATE_GRANT_REKEY;
    boots(SERVICE_STATE_OPENED);
}
