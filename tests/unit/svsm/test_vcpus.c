/* SPDX-License-Identifier: MIT */
/* Several vCPUs, one after the other: how they come and go, and whose calls are served where. */
#include <string.h>

#include "lib/snp/exit_codes.h"
#include "svsm/arch/memory.h"
#include "svsm/console/log.h"
#include "svsm/mm/page_allocator.h"
#include "svsm/requests/loop.h"
#include "svsm/sev/sev_status.h"
#include "tests/unit/registered.h"
#include "tests/unit/svsm/fake/vm.h"

#define LIST     0x90000ull
#define NEW_VMSA 0x91000ull
#define NEW_CAA  0x92000ull
#define VMSA_2   0x93000ull
#define BUFFER   0x94000ull
#define APIC_ID  3
#define IN_USE   (SVSM_ERR_PROTOCOL + 3ull)

/* Where the SVSM lets a new processor start. */
static void enter(void *argument)
{
    struct cpu *own = argument;

    if (ghcb_use(&own->link) != STATUS_OK)
        fake_end("no GHCB");
}

static int start(void **state)
{
    (void)state;
    vm_start_guest();
    vm.guest.enter = enter;
    for (uint64_t page = LIST; page <= BUFFER; page += PAGE_SIZE)
        vm_give_guest(gpa(page));
    fake_become(0);
    return 0;
}

static struct vmsa *at(uint64_t page)
{
    return (struct vmsa *)fake_bytes(gpa(page));
}

/* What Linux puts into a page that is to become a VMSA. */
static void fill(uint64_t page)
{
    memset(at(page), 0, sizeof(struct vmsa));
    at(page)->vmpl = FAKE_VMPL;
    at(page)->efer = EFER_SVME;
    at(page)->sev_features = sev_status_guest_features();
}

static uint64_t create(uint64_t vmsa, uint64_t caa, uint32_t apic_id)
{
    return vm_call(SVSM_PROTOCOL_CORE, SVSM_CORE_CREATE_VCPU, vmsa, caa, apic_id);
}

static uint64_t delete_vcpu(uint64_t vmsa)
{
    return vm_call(SVSM_PROTOCOL_CORE, SVSM_CORE_DELETE_VCPU, vmsa, 0, 0);
}

static uint64_t pvalidate(uint64_t page, bool valid)
{
    struct svsm_pvalidate_list *list = (struct svsm_pvalidate_list *)at(LIST);
    uint64_t entry = page | (valid ? SVSM_PVALIDATE_ACTION : 0);

    *list = (struct svsm_pvalidate_list){.entries = 1};
    memcpy(list + 1, &entry, sizeof(entry));
    return vm_call(SVSM_PROTOCOL_CORE, SVSM_CORE_PVALIDATE, LIST, 0, 0);
}

static bool is_guests(uint64_t page)
{
    return !fake_page(gpa(page))->vmsa && fake_page(gpa(page))->permissions[FAKE_VMPL] == RMP_ALL;
}

TEST_SETUP(a_vcpu_is_made_and_its_processor_started, start)
{
    const struct fake_page *page = fake_page(gpa(NEW_VMSA));

    fill(NEW_VMSA);
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_SUCCESS);
    assert_true(page->vmsa);
    assert_int_equal(page->permissions[FAKE_VMPL], RMP_READ);
    assert_int_equal(page->permissions[FAKE_VMPL + 1], 0);
    assert_int_equal(fake_host.created.vmpl, 0);
    assert_int_equal(fake_host.created.apic_id, APIC_ID);
    assert_true(fake_host.created.at_once);
    assert_int_equal(fake_host.created.features, sev_status_own_features());
    assert_true(fake_page(fake_host.created.vmsa)->vmsa);
    assert_int_equal(fake_host.created.vmsa.v % LARGE_PAGE_SIZE == 0, false);
    assert_false(fake_region_is_granted());
    assert_ptr_equal(fake_cpu(1)->argument, &vm.cpus[1]);
    assert_int_equal(vm.cpus[1].apic_id, APIC_ID);
}

/* The new processor serves its vCPU, and no other does. */
TEST_SETUP(a_vcpu_is_served_on_its_own_processor_only, start)
{
    fill(NEW_VMSA);
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_SUCCESS);
    at(NEW_VMSA)->rax = SVSM_CORE_QUERY_PROTOCOL;
    at(NEW_VMSA)->rcx = 1;
    at(NEW_VMSA)->guest_exitcode = SVM_EXIT_VMGEXIT;
    fake_bytes(gpa(NEW_CAA))[0] = 1;
    assert_int_equal(vm_call(0, SVSM_CORE_QUERY_PROTOCOL, 1, 0, 0), SVSM_SUCCESS);
    assert_int_equal(fake_bytes(gpa(NEW_CAA))[0], 1);

    fake_become(1);
    fake_cpu(1)->entry(fake_cpu(1)->argument);
    assert_int_equal(vm_call_on(1, 0, SVSM_CORE_QUERY_PROTOCOL, 1, 0, 0), SVSM_SUCCESS);
    assert_int_equal(at(NEW_VMSA)->rcx, 1ull << 32 | 1);
    assert_int_equal(fake_bytes(gpa(NEW_CAA))[0], 0);
    assert_true(at(NEW_VMSA)->efer & EFER_SVME);
    fake_become(0);
}

static unsigned refusals;

static void does_not_know_it_yet(void)
{
    if (++refusals == 3)
        fake_end("enough");
    fake_this()->ghcb_msr = 1ull << 32 | GHCB_MSR_RUN_VMPL_RESP;
}

TEST_SETUP(a_new_processor_waits_for_the_host_to_know_its_vcpu, start)
{
    fill(NEW_VMSA);
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_SUCCESS);
    fake_become(1);
    refusals = 0;
    fake_host.guest = does_not_know_it_yet;
    assert_string_equal(ENDS(requests_run(&vm.guest, &vm.cpus[1])), "enough");
    fake_become(0);
}

/* T504 */
TEST_SETUP(contents_that_the_svsm_cannot_allow_make_no_vmsa, start)
{
    for (uint8_t vmpl = 0; vmpl < VMPL_COUNT; vmpl++) {
        fill(NEW_VMSA);
        at(NEW_VMSA)->vmpl = vmpl;
        if (vmpl != FAKE_VMPL)
            assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_ERR_INVALID_PARAMETER);
    }
    fill(NEW_VMSA);
    at(NEW_VMSA)->efer = 0;
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_ERR_INVALID_PARAMETER);
    for (unsigned bit = 0; bit < 64; bit++) {
        fill(NEW_VMSA);
        at(NEW_VMSA)->sev_features ^= 1ull << bit;
        assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_ERR_INVALID_PARAMETER);
        assert_true(is_guests(NEW_VMSA));
    }
    assert_false(vm.cpus[1].started);
    fill(NEW_VMSA);
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_SUCCESS);
}

static unsigned flushes;
static uint8_t permissions_at_flush;

/* Until here another vCPU may still write by a translation that it has. */
static void writes_at_the_last_moment(void)
{
    flushes++;
    permissions_at_flush = fake_page(gpa(NEW_VMSA))->permissions[FAKE_VMPL];
    if (permissions_at_flush == 0)
        at(NEW_VMSA)->vmpl = 0;
}

TEST_SETUP(what_another_vcpu_writes_until_its_translation_is_gone_is_checked, start)
{
    fill(NEW_VMSA);
    fake.on_flush = writes_at_the_last_moment;
    flushes = 0;
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_ERR_INVALID_PARAMETER);
    assert_int_equal(permissions_at_flush, 0);
    assert_true(is_guests(NEW_VMSA));
    assert_int_equal(flushes, 2); /* whether it works at all, and then for the page */
}

static void counts_flushes(void)
{
    flushes++;
}

/* A page that changes hands is on nobody's TLB before the caller is told. */
TEST_SETUP(a_rescinded_or_deleted_page_is_dropped_everywhere, start)
{
    fake.on_flush = counts_flushes;
    flushes = 0;
    assert_int_equal(pvalidate(BUFFER, false), SVSM_SUCCESS);
    assert_int_equal(flushes, 0); /* one vCPU: its own is enough */
    fill(NEW_VMSA);
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_SUCCESS);
    flushes = 0;
    fake_place(gpa(BUFFER), FAKE_VALIDATED);
    assert_int_equal(pvalidate(BUFFER, false), SVSM_SUCCESS);
    assert_int_equal(flushes, 1);
    at(NEW_VMSA)->pcpu_id = 7;
    fake_place(gpa(BUFFER), FAKE_VALIDATED);
    assert_int_equal(pvalidate(BUFFER, false), SVSM_SUCCESS);
    assert_int_equal(at(NEW_VMSA)->pcpu_id, 0);
    flushes = 0;
    assert_int_equal(delete_vcpu(NEW_VMSA), SVSM_SUCCESS);
    assert_int_equal(flushes, 1);
}

TEST_SETUP(without_invlpgb_there_is_no_second_vcpu, start)
{
    fill(NEW_VMSA);
    fake.flush_faults = true;
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_ERR_INVALID_PARAMETER);
    assert_true(is_guests(NEW_VMSA));
    assert_non_null(strstr(vm_console(), "no vCPU for APIC ID 3: the host does not let the VM "
                                         "drop translations (INVLPGB)"));
    /* The one that there is goes on. */
    assert_int_equal(pvalidate(BUFFER, false), SVSM_SUCCESS);
}

TEST_SETUP(a_host_that_takes_invlpgb_away_ends_the_vm, start)
{
    fill(NEW_VMSA);
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_SUCCESS);
    fake.flush_faults = true;
    assert_string_equal(ENDS(pvalidate(BUFFER, false)),
                        "attack: the host does not let translations be dropped any more (INVLPGB)");
}

TEST_SETUP(nobody_makes_a_vcpu_for_the_processor_it_runs_on, start)
{
    fill(NEW_VMSA);
    assert_int_equal(create(NEW_VMSA, NEW_CAA, 0), SVSM_ERR_INVALID_PARAMETER);
    assert_true(is_guests(NEW_VMSA));
    assert_false(vm.cpus[1].started);
}

TEST_SETUP(processors_are_bounded, start)
{
    size_t free_before;

    for (uint32_t i = 1; i < CPUS_MAX; i++) {
        uint64_t vmsa = 0x200000 + i * 2 * PAGE_SIZE;

        vm_give_guest(gpa(vmsa));
        vm_give_guest(gpa(vmsa + PAGE_SIZE));
        fill(vmsa);
        assert_int_equal(create(vmsa, vmsa + PAGE_SIZE, i * 16), SVSM_SUCCESS);
    }
    free_before = page_free_count();
    fill(NEW_VMSA);
    assert_int_equal(create(NEW_VMSA, NEW_CAA, 0xFFFFFFFF), SVSM_ERR_INVALID_PARAMETER);
    assert_true(is_guests(NEW_VMSA));
    assert_int_equal(page_free_count(), free_before);
}

TEST_SETUP(what_the_host_does_not_have_the_guest_does_not_get, start)
{
    size_t free_before = 0;

    fake_host.refuses_vcpus = true;
    for (unsigned i = 0; i < 3; i++) {
        fill(NEW_VMSA);
        assert_int_equal(create(NEW_VMSA, NEW_CAA, 100 + i), SVSM_ERR_INVALID_PARAMETER);
        assert_true(is_guests(NEW_VMSA));
        assert_false(fake_page(fake_host.created.vmsa)->vmsa);
        if (i == 0)
            free_before = page_free_count();
        assert_int_equal(page_free_count(), free_before);
    }
    fake_host.refuses_vcpus = false;
    fill(NEW_VMSA);
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_SUCCESS);
}

static bool vmsa_bit_stays(gpa_t page)
{
    if (page.v >= FAKE_REGION && fake_page(page)->vmsa && page.v != direct_gpa(vm.vmsa).v)
        fake.adjust_result = RMP_NO_PERMISSION;
    return false;
}

TEST_SETUP(a_host_that_runs_what_it_refused_ends_the_vm, start)
{
    fill(NEW_VMSA);
    fake_host.refuses_vcpus = true;
    fake.on_rmp = vmsa_bit_stays;
    assert_string_equal(ENDS(create(NEW_VMSA, NEW_CAA, APIC_ID)),
                        "attack: the host runs a vCPU that it refused: no permission");
}

/* T503 */
TEST_SETUP(a_vmsa_that_the_guest_made_is_out_of_its_reach, start)
{
    fill(NEW_VMSA);
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_SUCCESS);
    assert_int_equal(pvalidate(NEW_VMSA, false), SVSM_ERR_INVALID_ADDRESS);
    assert_int_equal(pvalidate(NEW_VMSA, true), SVSM_ERR_INVALID_ADDRESS);
    assert_int_equal(pvalidate(NEW_CAA, false), SVSM_ERR_INVALID_ADDRESS);
    assert_int_equal(vm_call(SVSM_PROTOCOL_VTPM, SVSM_VTPM_CMD, NEW_VMSA, 0, 0),
                     SVSM_ERR_INVALID_PARAMETER);
    assert_int_equal(vm_call(0, SVSM_CORE_REMAP_CA, NEW_VMSA, 0, 0), SVSM_ERR_INVALID_ADDRESS);
    assert_int_equal(vm_call(0, SVSM_CORE_REMAP_CA, NEW_CAA, 0, 0), SVSM_ERR_INVALID_ADDRESS);
    fill(VMSA_2);
    assert_int_equal(create(NEW_VMSA, BUFFER, 4), SVSM_ERR_INVALID_ADDRESS);
    assert_int_equal(create(VMSA_2, NEW_VMSA, 4), SVSM_ERR_INVALID_ADDRESS);
    assert_int_equal(create(VMSA_2, NEW_CAA, 4), SVSM_ERR_INVALID_ADDRESS);
    assert_int_equal(create(VMSA_2, VMSA_2, 4), SVSM_ERR_INVALID_ADDRESS);
}

/* As Linux does it: a new VMSA, the same calling area, then the former is deleted. */
TEST_SETUP(a_processor_goes_offline_and_online_a_hundred_times, start)
{
    uint64_t now = NEW_VMSA, next = VMSA_2;
    size_t free_before;

    fill(now);
    assert_int_equal(create(now, NEW_CAA, APIC_ID), SVSM_SUCCESS);
    free_before = page_free_count();
    for (unsigned i = 0; i < 100; i++) {
        uint64_t former = now;

        at(former)->guest_exitcode = SVM_EXIT_VMGEXIT; /* AP reset hold */
        fill(next);
        assert_int_equal(create(next, NEW_CAA, APIC_ID), SVSM_SUCCESS);
        assert_int_equal(delete_vcpu(former), SVSM_SUCCESS);
        assert_true(is_guests(former));
        now = next;
        next = former;
    }
    assert_int_equal(page_free_count(), free_before);
    assert_ptr_equal(vm_vmsa(1), at(now));
}

TEST_SETUP(the_newest_vmsa_of_a_processor_is_served, start)
{
    fill(NEW_VMSA);
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_SUCCESS);
    at(NEW_VMSA)->guest_exitcode = SVM_EXIT_VMGEXIT; /* AP reset hold, no call */
    at(NEW_VMSA)->rax = 0x99ull << 32;
    fill(VMSA_2);
    assert_int_equal(create(VMSA_2, NEW_CAA, APIC_ID), SVSM_SUCCESS);
    fake_become(1);
    fake_cpu(1)->entry(fake_cpu(1)->argument);
    assert_int_equal(vm_call_on(1, 0, SVSM_CORE_QUERY_PROTOCOL, 1, 0, 0), SVSM_SUCCESS);
    assert_int_equal(at(VMSA_2)->rcx, 1ull << 32 | 1);
    assert_int_equal(at(NEW_VMSA)->rax, 0x99ull << 32);
    fake_become(0);
}

TEST_SETUP(what_runs_is_not_deleted, start)
{
    fill(NEW_VMSA);
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_SUCCESS);
    fake_become(1);
    fake_cpu(1)->entry(fake_cpu(1)->argument);
    assert_int_equal(vm_call_on(1, 0, SVSM_CORE_DELETE_VCPU, NEW_VMSA, 0, 0), IN_USE);
    fake_become(0);
    assert_true(fake_page(gpa(NEW_VMSA))->vmsa);
    assert_true(at(NEW_VMSA)->efer & EFER_SVME);
    assert_int_equal(delete_vcpu(direct_gpa(vm.vmsa).v), SVSM_ERR_INVALID_PARAMETER);
    assert_int_equal(delete_vcpu(NEW_CAA), SVSM_ERR_INVALID_PARAMETER);
    assert_int_equal(delete_vcpu(NEW_VMSA + 8), SVSM_ERR_INVALID_PARAMETER);
    at(NEW_VMSA)->efer = 0; /* the CPU has it */
    assert_int_equal(delete_vcpu(NEW_VMSA), IN_USE);
    at(NEW_VMSA)->efer = EFER_SVME;
    fake.adjust_result = RMP_NO_PERMISSION;
    assert_int_equal(delete_vcpu(NEW_VMSA), SVSM_ERR_PROTOCOL + 2ull);
    assert_true(at(NEW_VMSA)->efer & EFER_SVME);
    fake.adjust_result = RMP_DONE;
    assert_int_equal(delete_vcpu(NEW_VMSA), SVSM_SUCCESS);
    assert_null(vm_vmsa(1));
    assert_int_equal(delete_vcpu(NEW_VMSA), SVSM_ERR_INVALID_PARAMETER);
}

/* Without one, it runs none: the deleted one least of all. */
static unsigned asked;

static void asks_for_features(void)
{
    if ((fake_this()->ghcb_msr & GHCB_MSR_INFO_MASK) == GHCB_MSR_RUN_VMPL_REQ)
        fake_end("it runs");
    if (++asked == 3)
        fake_end("it waits");
    fake_host_answer();
}

TEST_SETUP(a_processor_without_a_vcpu_waits, start)
{
    fill(NEW_VMSA);
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_SUCCESS);
    assert_int_equal(delete_vcpu(NEW_VMSA), SVSM_SUCCESS);
    fake_become(1);
    fake_cpu(1)->entry(fake_cpu(1)->argument);
    asked = 0;
    fake.host = asks_for_features;
    assert_string_equal(ENDS(requests_run(&vm.guest, &vm.cpus[1])), "it waits");
    fake_become(0);
}

/* T505: the guest has the host take the page of a VMSA away. */
TEST_SETUP(a_vmsa_that_goes_away_ends_no_vm, start)
{
    fill(NEW_VMSA);
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_SUCCESS);
    fake_become(1);
    fake_cpu(1)->entry(fake_cpu(1)->argument);
    fake_become(0);
    fake_give(gpa(NEW_VMSA), FAKE_HOSTS);
    assert_int_equal(pvalidate(BUFFER, false), SVSM_SUCCESS);
    assert_int_equal(delete_vcpu(NEW_VMSA), IN_USE);
    fake_become(1);
    refusals = 0;
    fake_host.guest = does_not_know_it_yet;
    assert_string_equal(ENDS(requests_run(&vm.guest, &vm.cpus[1])), "enough");
    fake_become(0);
    fill(VMSA_2);
    assert_int_equal(create(VMSA_2, NEW_CAA, APIC_ID), SVSM_SUCCESS);
}

TEST_SETUP(pages_that_are_not_there_make_no_vmsa, start)
{
    fake_give(gpa(NEW_VMSA), FAKE_HOSTS);
    assert_int_equal(create(NEW_VMSA, NEW_CAA, APIC_ID), SVSM_ERR_INVALID_ADDRESS);
    assert_false(vm.cpus[1].started);
}

TEST_SETUP(locks_are_taken_in_their_order, start)
{
    struct lock console = {.rank = LOCK_CONSOLE}, tpm = {.rank = LOCK_TPM};
    struct shared_lock guest = {.rank = LOCK_GUEST};

    lock_take(&tpm);
    lock_write(&guest);
    lock_take(&console);
    lock_release(&console);
    lock_write_release(&guest);
    lock_release(&tpm);
    assert_false(lock_any_held());
}

static void take_upward(void)
{
    struct lock console = {.rank = LOCK_CONSOLE}, tpm = {.rank = LOCK_TPM};

    lock_take(&console);
    lock_take(&tpm);
}

static void take_twice(void)
{
    struct shared_lock guest = {.rank = LOCK_GUEST};

    lock_read(&guest);
    lock_read(&guest);
}

static void release_what_is_not_held(void)
{
    struct lock tpm = {.rank = LOCK_TPM};

    lock_release(&tpm);
}

static void run_with_a_lock(void)
{
    struct lock tpm = {.rank = LOCK_TPM};

    lock_take(&tpm);
    requests_run(&vm.guest, &vm.cpus[0]);
}

TEST_SETUP(a_lock_out_of_order_ends_the_vm, start)
{
    assert_non_null(strstr(ENDS(take_upward()), "internal error: local->locks"));
    cpu_local()->locks = 0;
    assert_non_null(strstr(ENDS(take_twice()), "internal error: local->locks"));
    cpu_local()->locks = 0;
    assert_non_null(strstr(ENDS(release_what_is_not_held()), "internal error: local->locks"));
    assert_string_equal(ENDS(run_with_a_lock()), "internal error: !lock_any_held()");
    cpu_local()->locks = 0;
}

/* A panic comes under whatever locks. */
TEST_SETUP(the_end_of_the_vm_gets_its_line_out, start)
{
    struct lock console = {.rank = LOCK_CONSOLE};

    lock_take(&console);
    log_seize();
    log_error("the end");
    assert_non_null(strstr(vm_console(), "[error] the end"));
    assert_false(lock_any_held());
}
