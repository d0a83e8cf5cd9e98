/* SPDX-License-Identifier: MIT */
/* T406: the state volume on a device that lies. */
#include <string.h>

#include "lib/snp/exit_codes.h"
#include "svsm/process/files.h"
#include "tests/unit/registered.h"
#include "tests/unit/svsm/fake/vm.h"

#define SLOT 0xFEF00000ull

static int start(void **state)
{
    (void)state;
    vm_start();
    return 0;
}

static enum status open_disk(void)
{
    return block_init(&vm.volume, &vm.cpus[0].clock);
}

static int start_disk(void **state)
{
    (void)start(state);
    return open_disk() == STATUS_OK ? 0 : -1;
}

TEST_SETUP(a_disk_is_found_read_written_and_flushed, start_disk)
{
    assert_int_equal(vm.volume.size, FAKE_DISK_SIZE);
    assert_true(vm.volume.can_flush);
    memset((void *)vm.volume.bounce.bytes, 0x5A, BLOCK_TRANSFER_MAX);
    assert_int_equal(block_write(&vm.volume, 0x200, 0x400), STATUS_OK);
    assert_int_equal(fake_host.disk[0x1FF], 0);
    assert_int_equal(fake_host.disk[0x200], 0x5A);
    assert_int_equal(fake_host.disk[0x600], 0);
    fake_host.disk[0x1000] = 0x77;
    assert_int_equal(block_read(&vm.volume, 0x1000, 0x200), STATUS_OK);
    assert_int_equal(vm.volume.bounce.bytes[0], 0x77);
    assert_int_equal(block_flush(&vm.volume), STATUS_OK);
    assert_int_equal(fake_host.flushes, 1);
}

TEST_SETUP(a_missing_device_is_told_from_a_bad_one, start)
{
    fake_host.device_id = 1;
    assert_int_equal(open_disk(), STATUS_NO_DEVICE);
    fake_host.device_id = 2;
    fake_host.disk_features = 0; /* legacy */
    assert_int_equal(open_disk(), STATUS_UNSUPPORTED);
    fake_host.disk_features = 1ull << 32 | 1ull << 5; /* read-only */
    assert_int_equal(open_disk(), STATUS_UNSUPPORTED);
    fake_host.disk_features = 1ull << 32;
    fake_host.queue_max = 3;
    assert_int_equal(open_disk(), STATUS_UNSUPPORTED);
    fake_host.queue_max = 4;
    assert_int_equal(open_disk(), STATUS_OK);
    assert_false(vm.volume.can_flush);
    assert_int_equal(block_flush(&vm.volume), STATUS_OK);
}

TEST_SETUP(a_capacity_beyond_all_sense_is_refused, start)
{
    fake_host.capacity = UINT64_MAX;
    assert_int_equal(open_disk(), STATUS_OUT_OF_RANGE);
    fake_host.capacity = (1ull << 50) / 512 + 1;
    assert_int_equal(open_disk(), STATUS_OUT_OF_RANGE);
    fake_host.capacity = (1ull << 50) / 512;
    assert_int_equal(open_disk(), STATUS_OK);
    fake_host.capacity = 0;
    assert_int_equal(open_disk(), STATUS_OK);
    assert_int_equal(vm.volume.size, 0);
}

/* A register of the device, answered by the test. */
static uint64_t register_lied_about;
static uint32_t register_value;
static unsigned register_reads;

static void lies_about_a_register(void)
{
    struct ghcb *ghcb = fake_ghcb();
    bool ours = (fake_this()->ghcb_msr & GHCB_MSR_INFO_MASK) == 0 &&
                ghcb->sw_exitcode == GHCB_EXIT_MMIO_READ &&
                ghcb->sw_exitinfo1 == SLOT + register_lied_about;

    fake_host_answer();
    if (ours) {
        register_reads++;
        memcpy(ghcb->shared_buffer, &register_value, sizeof(register_value));
    }
}

TEST_SETUP(a_device_that_never_resets_is_given_up, start)
{
    fake.host = lies_about_a_register;
    register_lied_about = 0x070;
    register_value = 0xF;
    assert_int_equal(open_disk(), STATUS_TIMEOUT);
    register_value = 0; /* and never accepts the features */
    assert_int_equal(open_disk(), STATUS_UNSUPPORTED);
}

static void changes_the_generation(void)
{
    register_value++;
    lies_about_a_register();
}

TEST_SETUP(a_configuration_that_never_settles_is_given_up, start)
{
    fake.host = changes_the_generation;
    register_lied_about = 0x0FC;
    assert_int_equal(open_disk(), STATUS_TIMEOUT);
}

static unsigned exits_until_refusal;

static void refuses_after_a_while(void)
{
    fake_host_answer();
    if ((fake_this()->ghcb_msr & GHCB_MSR_INFO_MASK) == 0 && exits_until_refusal-- == 0)
        fake_ghcb()->sw_exitinfo1 = GHCB_RESULT_EXCEPTION;
}

TEST_SETUP(a_host_that_refuses_an_exit_is_an_error_at_each, start)
{
    enum status status;
    unsigned refused = 0;

    for (unsigned when = 0;; when++) {
        vm_start();
        fake.host = refuses_after_a_while;
        exits_until_refusal = when;
        status = open_disk();
        if (exits_until_refusal < when) /* it was not reached */
            break;
        assert_int_not_equal(status, STATUS_OK);
        refused++;
    }
    assert_int_equal(status, STATUS_OK);
    assert_true(refused > 20);
}

TEST_SETUP(a_silent_device_is_given_up_for_good, start_disk)
{
    fake.tsc_step = 100000000;
    fake_host.disk_is_silent = true;
    assert_int_equal(block_read(&vm.volume, 0, 512), STATUS_TIMEOUT);
    fake_host.disk_is_silent = false;
    assert_int_equal(block_read(&vm.volume, 0, 512), STATUS_IO_ERROR);
    assert_int_equal(block_write(&vm.volume, 0, 512), STATUS_IO_ERROR);
    assert_int_equal(block_flush(&vm.volume), STATUS_IO_ERROR);
}

TEST_SETUP(any_status_but_0_is_an_error, start_disk)
{
    for (unsigned status = 1; status < 256; status++) {
        fake_host.disk_status = (uint8_t)status;
        assert_int_equal(block_read(&vm.volume, 0, 512), STATUS_IO_ERROR);
        assert_int_equal(block_flush(&vm.volume), STATUS_IO_ERROR);
    }
    fake_host.disk_status = 0;
    assert_int_equal(block_read(&vm.volume, 0, 512), STATUS_OK);
}

/* The rings hold whatever a device likes; only the used index and the status are looked at. */
static void garbles_the_queue(void)
{
    struct ghcb *ghcb = fake_ghcb();
    bool notified = (fake_this()->ghcb_msr & GHCB_MSR_INFO_MASK) == 0 &&
                    ghcb->sw_exitcode == GHCB_EXIT_MMIO_WRITE && ghcb->sw_exitinfo1 == SLOT + 0x050;
    uint8_t *page = fake_bytes(vm.volume.queue.gpa);

    fake_host_answer();
    if (notified) {
        uint16_t used = *(uint16_t *)(page + 0x52);
        uint8_t status = page[0x50 + 4 + 8 * 4 + 16];

        memset(page, 0xEE, 0x80);
        *(uint16_t *)(page + 0x52) = used;
        (void)status;
    }
}

TEST_SETUP(ids_lengths_and_descriptors_of_the_device_are_not_looked_at, start_disk)
{
    assert_int_equal(block_read(&vm.volume, 0, 512), STATUS_OK);
    fake.host = garbles_the_queue;
    for (unsigned i = 0; i < 10; i++) {
        enum status status = block_read(&vm.volume, 0, 512);

        assert_true(status == STATUS_OK || status == STATUS_IO_ERROR);
    }
    fake.host = fake_host_answer;
    assert_int_equal(block_read(&vm.volume, 0, 512), STATUS_OK);
}
