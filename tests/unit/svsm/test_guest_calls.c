/* SPDX-License-Identifier: MIT */
/* The calls of a hostile guest, with a host that helps it. */
#include <string.h>

#include "lib/snp/exit_codes.h"
#include "lib/snp/secrets_page.h"
#include "svsm/arch/memory.h"
#include "svsm/mm/page_allocator.h"
#include "svsm/requests/loop.h"
#include "tests/unit/registered.h"
#include "tests/unit/svsm/fake/vm.h"

#define LIST      0x90000ull
#define OWN       0x91000ull
#define FRESH     0x100000ull
#define ROM_START 0xA0000ull
#define ROM_END   0x100000ull
#define VALIDATE  SVSM_PVALIDATE_ACTION
#define IGNORE_CF SVSM_PVALIDATE_IGNORE_CF
#define LARGE     1

#define PROTOCOL_ERROR(code) ((uint64_t)SVSM_ERR_PROTOCOL + (code))

static const uint8_t secret[16] = "the state key...";

static int start(void **state)
{
    (void)state;
    vm_start_guest();
    vm_give_guest(gpa(LIST));
    vm_give_guest(gpa(OWN));
    memcpy(fake_bytes(gpa(FAKE_REGION + 0x30000)), secret, sizeof(secret));
    return 0;
}

/* Every page but the SVSM's is assigned, as after the guest's own page state changes. */
static void assign(uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at < to; at += PAGE_SIZE) {
        if (fake_page(gpa(at))->owner == FAKE_HOSTS)
            fake_give(gpa(at), FAKE_ASSIGNED);
    }
}

static uint64_t pvalidate_list(const uint64_t *entries, uint16_t count)
{
    struct svsm_pvalidate_list *list = (struct svsm_pvalidate_list *)fake_bytes(gpa(LIST));

    *list = (struct svsm_pvalidate_list){.entries = count};
    memcpy(list + 1, entries, count * sizeof(*entries));
    return vm_call(SVSM_PROTOCOL_CORE, SVSM_CORE_PVALIDATE, LIST, 0, 0);
}

static uint64_t pvalidate(uint64_t entry)
{
    return pvalidate_list(&entry, 1);
}

static uint16_t list_next(void)
{
    return ((struct svsm_pvalidate_list *)fake_bytes(gpa(LIST)))->next;
}

static bool granted(uint64_t page)
{
    return fake_page(gpa(page))->permissions[FAKE_VMPL] != 0;
}

TEST_SETUP(every_page_is_all_written_before_it_is_granted, start)
{
    uint64_t pages[] = {0x9F000, ROM_START, 0xC0000, ROM_END - PAGE_SIZE, FRESH};

    assign(0x9F000, FRESH + PAGE_SIZE);
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        memset(fake_bytes(gpa(pages[i])), 0x77, PAGE_SIZE);
        assert_int_equal(pvalidate(pages[i] | VALIDATE), SVSM_SUCCESS);
        assert_true(granted(pages[i]));
        for (size_t byte = 0; byte < PAGE_SIZE; byte++)
            assert_int_equal(fake_bytes(gpa(pages[i]))[byte], 0);
    }
}

TEST_SETUP(a_page_of_the_svsm_that_the_host_moved_is_not_readable, start)
{
    uint64_t targets[] = {0xC0000, FRESH, 0xFF000, 0xA0000};

    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        (void)start(NULL);
        fake_move(gpa(FAKE_REGION + 0x30000), gpa(targets[i]));
        assert_int_equal(pvalidate(targets[i] | VALIDATE), SVSM_SUCCESS);
        assert_false(fake_leaks(secret, sizeof(secret)));
    }
}

TEST_SETUP(a_large_page_over_the_rom_range_is_written_too, start)
{
    fake.large_pages = true;
    vm.guest.ranges.vcpus[0].caa = vm.guest.ranges.vcpus[0].launch_caa = gpa(0x400000);
    vm_give_guest(gpa(0x400000));
    for (uint64_t at = 0; at < LARGE_PAGE_SIZE; at += PAGE_SIZE)
        fake_give(gpa(at), FAKE_ASSIGNED);
    memset(fake_bytes(gpa(ROM_START)), 0x77, ROM_END - ROM_START);
    vm_give_guest(gpa(0x500000));
    ((struct svsm_pvalidate_list *)fake_bytes(gpa(0x500000)))->entries = 1;
    *(uint64_t *)fake_bytes(gpa(0x500008)) = VALIDATE | LARGE;
    assert_int_equal(vm_call(SVSM_PROTOCOL_CORE, SVSM_CORE_PVALIDATE, 0x500000, 0, 0),
                     SVSM_SUCCESS);
    for (uint64_t at = ROM_START; at < ROM_END; at++)
        assert_int_equal(fake_bytes(gpa(at))[0], 0);
    assert_true(granted(ROM_START));
}

TEST_SETUP(what_was_validated_twice_is_told_and_not_granted, start)
{
    assign(FRESH, FRESH + PAGE_SIZE);
    fake_place(gpa(FRESH), FAKE_VALIDATED);
    memcpy(fake_bytes(gpa(FRESH)), secret, sizeof(secret));
    assert_int_equal(pvalidate(FRESH | VALIDATE), PROTOCOL_ERROR(SVSM_PVALIDATE_UNCHANGED));
    assert_false(granted(FRESH));
    assert_int_equal(pvalidate(FRESH | VALIDATE | IGNORE_CF), SVSM_SUCCESS);
    assert_false(fake_leaks(secret, sizeof(secret)));
}

TEST_SETUP(a_page_that_is_the_hosts_is_a_bad_address, start)
{
    assert_int_equal(pvalidate(FRESH | VALIDATE), SVSM_ERR_INVALID_ADDRESS);
    assert_int_equal(pvalidate(FRESH), SVSM_ERR_INVALID_ADDRESS);
    assert_int_equal(list_next(), 0);
}

TEST_SETUP(a_fault_is_never_a_result, start)
{
    assert_int_equal(svsm_rmp_result(RMP_DONE), SVSM_SUCCESS);
    assert_int_equal(svsm_rmp_result(RMP_FAULTED), SVSM_ERR_INVALID_ADDRESS);
    assert_int_equal(svsm_rmp_result(RMP_WRONG_SIZE), PROTOCOL_ERROR(6));
    fake.large_pages = false;
    assert_int_equal(pvalidate(0x400000 | VALIDATE | LARGE), PROTOCOL_ERROR(6));
}

static int faults_left;

static bool injects(gpa_t page)
{
    (void)page;
    return faults_left-- > 0;
}

TEST_SETUP(rescinding_ends_the_guests_access, start)
{
    assert_int_equal(pvalidate(OWN), SVSM_SUCCESS);
    assert_int_equal(fake_page(gpa(OWN))->owner, FAKE_ASSIGNED);
    assert_false(granted(OWN));
    assert_int_equal(pvalidate(OWN), PROTOCOL_ERROR(SVSM_PVALIDATE_UNCHANGED));
    assert_int_equal(pvalidate(OWN | IGNORE_CF), SVSM_SUCCESS);
}

TEST_SETUP(a_page_whose_access_cannot_be_taken_stays_valid, start)
{
    fake.adjust_result = RMP_NO_PERMISSION;
    assert_int_equal(pvalidate(OWN), PROTOCOL_ERROR(2));
    assert_int_equal(fake_page(gpa(OWN))->owner, FAKE_VALIDATED);
}

TEST_SETUP(an_injected_fault_does_not_skip_the_revocation, start)
{
    faults_left = 1;
    fake.on_rmp = injects;
    assert_string_equal(
        ENDS(pvalidate(OWN)),
        "attack: the host injected a fault while page 91000 was taken from the guest");
}

TEST_SETUP(faults_at_validation_grant_nothing, start)
{
    assign(FRESH, FRESH + PAGE_SIZE);
    faults_left = 1;
    fake.on_rmp = injects;
    assert_int_equal(pvalidate(FRESH | VALIDATE), SVSM_ERR_INVALID_ADDRESS);
    assert_false(granted(FRESH));
}

TEST_SETUP(addresses_of_others_are_refused_in_each_call, start)
{
    uint64_t bad[] = {FAKE_REGION,
                      FAKE_REGION + FAKE_REGION_SIZE - PAGE_SIZE,
                      direct_gpa(vm.vmsa).v,
                      FAKE_RAM,
                      0xFEF00000,
                      1ull << 47 | OWN,
                      ~0xFFFull};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(pvalidate(bad[i] | VALIDATE), SVSM_ERR_INVALID_ADDRESS);
        assert_int_equal(pvalidate(bad[i]), SVSM_ERR_INVALID_ADDRESS);
        assert_int_equal(vm_call(0, SVSM_CORE_PVALIDATE, bad[i], 0, 0), SVSM_ERR_INVALID_ADDRESS);
        assert_int_equal(vm_call(0, SVSM_CORE_REMAP_CA, bad[i], 0, 0), SVSM_ERR_INVALID_ADDRESS);
        assert_int_equal(vm_call(0, SVSM_CORE_CREATE_VCPU, bad[i], OWN, 0),
                         SVSM_ERR_INVALID_ADDRESS);
        assert_int_equal(vm_call(0, SVSM_CORE_CREATE_VCPU, OWN, bad[i], 0),
                         SVSM_ERR_INVALID_ADDRESS);
        assert_int_equal(vm_call(SVSM_PROTOCOL_VTPM, SVSM_VTPM_CMD, bad[i], 0, 0),
                         SVSM_ERR_INVALID_PARAMETER);
        assert_int_equal(vm_call(SVSM_PROTOCOL_ATTEST, SVSM_ATTEST_SERVICES, bad[i], 0, 0),
                         SVSM_ERR_INVALID_PARAMETER);
    }
    assert_false(fake_region_is_granted());
    assert_false(fake_leaks(secret, sizeof(secret)));
}

TEST_SETUP(a_page_state_change_of_the_guests_ends_no_vm, start)
{
    fake_give(gpa(LIST), FAKE_HOSTS);
    assert_int_equal(vm_call(0, SVSM_CORE_PVALIDATE, LIST, 0, 0), SVSM_ERR_INVALID_ADDRESS);
    assert_int_equal(vm_call(SVSM_PROTOCOL_VTPM, SVSM_VTPM_CMD, LIST, 0, 0),
                     SVSM_ERR_INVALID_PARAMETER);
    assert_int_equal(vm_call(0, SVSM_CORE_REMAP_CA, LIST, 0, 0), SVSM_ERR_INVALID_ADDRESS);
    assert_int_equal(vm_call(0, SVSM_CORE_CREATE_VCPU, LIST, OWN, 0), SVSM_ERR_INVALID_PARAMETER);
    assert_int_equal(vm_call(SVSM_PROTOCOL_ATTEST, SVSM_ATTEST_SERVICES, LIST, 0, 0),
                     SVSM_ERR_INVALID_PARAMETER);
}

/* T505: between the check of a list's header and its entries, the guest writes the list. */
static bool rewrites_the_list(gpa_t at, size_t size, bool write)
{
    (void)size;
    if (!write && at.v == LIST) {
        uint64_t entry = FAKE_REGION | VALIDATE;

        memcpy(fake_bytes(gpa(LIST + sizeof(struct svsm_pvalidate_list))), &entry, sizeof(entry));
    }
    return false;
}

TEST_SETUP(entries_that_change_after_the_header_was_read_are_checked_as_they_are, start)
{
    assign(FRESH, FRESH + PAGE_SIZE);
    fake.on_guarded = rewrites_the_list;
    assert_int_equal(pvalidate(FRESH | VALIDATE), SVSM_ERR_INVALID_ADDRESS);
    assert_false(fake_region_is_granted());
}

/* And the count grows beyond the page after it was read. */
static bool grows_the_list(gpa_t at, size_t size, bool write)
{
    (void)size;
    if (!write && at.v == LIST + 8)
        ((struct svsm_pvalidate_list *)fake_bytes(gpa(LIST)))->entries = 0xFFFF;
    return false;
}

TEST_SETUP(a_count_is_read_once, start)
{
    uint64_t entries[2] = {FRESH | VALIDATE, (FRESH + PAGE_SIZE) | VALIDATE};

    assign(FRESH, FRESH + 2 * PAGE_SIZE);
    fake.on_guarded = grows_the_list;
    assert_int_equal(pvalidate_list(entries, 2), SVSM_SUCCESS);
    assert_int_equal(list_next(), 2);
}

TEST_SETUP(progress_says_where_a_list_stopped, start)
{
    uint64_t entries[3] = {FRESH | VALIDATE, FAKE_REGION | VALIDATE,
                           (FRESH + PAGE_SIZE) | VALIDATE};

    assign(FRESH, FRESH + 2 * PAGE_SIZE);
    assert_int_equal(pvalidate_list(entries, 3), SVSM_ERR_INVALID_ADDRESS);
    assert_int_equal(list_next(), 1);
    assert_true(granted(FRESH));
    assert_false(granted(FRESH + PAGE_SIZE));
}

TEST_SETUP(a_new_calling_area_protects_itself, start)
{
    fake_bytes(gpa(OWN))[0] = 1;
    assert_int_equal(vm_call(0, SVSM_CORE_REMAP_CA, OWN, 0, 0), SVSM_SUCCESS);
    assert_int_equal(fake_bytes(gpa(OWN))[0], 0);
    assert_int_equal(vm.guest.ranges.vcpus[0].caa.v, OWN);
    assert_int_equal(vm_call(0, SVSM_CORE_REMAP_CA, OWN, 0, 0), SVSM_SUCCESS);
    assert_int_equal(vm_call(0, SVSM_CORE_REMAP_CA, OWN + 8, 0, 0), SVSM_ERR_INVALID_PARAMETER);
    assert_int_equal(pvalidate(OWN), SVSM_ERR_INVALID_ADDRESS);
}

/* T209 */
static unsigned visits;
static bool pending_stays;

static void comes_back(void)
{
    if (pending_stays)
        fake_bytes(gpa(FAKE_CAA))[0] = 1;
    if (++visits == 3)
        fake_end("enough");
}

/* The next kernel's first call: it knows the calling area of the secrets page only. */
static uint64_t call_by_first_area(uint64_t head)
{
    memcpy(fake_bytes(gpa(FAKE_CAA)), &head, sizeof(head));
    vm.vmsa->rax = SVSM_CORE_QUERY_PROTOCOL;
    vm.vmsa->rcx = 1;
    vm.vmsa->guest_exitcode = SVM_EXIT_VMGEXIT;
    visits = 0;
    pending_stays = false;
    fake_host.guest = comes_back;
    assert_string_equal(ENDS(requests_run(&vm.guest, &vm.cpus[0])), "enough");
    return vm.vmsa->rcx;
}

TEST_SETUP(a_kernel_that_another_one_started_calls_by_the_first_area, start)
{
    assert_int_equal(vm_call(0, SVSM_CORE_REMAP_CA, OWN, 0, 0), SVSM_SUCCESS);
    assert_int_equal(fake_bytes(gpa(FAKE_CAA))[0], 0);
    assert_int_equal(call_by_first_area(1), 1ull << 32 | 1);
    assert_int_equal(fake_bytes(gpa(FAKE_CAA))[0], 0);
    assert_int_equal(vm.guest.ranges.vcpus[0].caa.v, FAKE_CAA);
    /* It moves on as the first one did, to the same page even; and back by name. */
    assert_int_equal(vm_call(0, SVSM_CORE_REMAP_CA, OWN, 0, 0), SVSM_SUCCESS);
    assert_int_equal(vm_call(0, SVSM_CORE_REMAP_CA, FAKE_CAA, 0, 0), SVSM_SUCCESS);
}

TEST_SETUP(what_is_no_call_in_the_first_area_is_none, start)
{
    static const uint64_t heads[] = {0, 2, 0x101, 1ull << 63 | 1, UINT64_MAX};

    assert_int_equal(vm_call(0, SVSM_CORE_REMAP_CA, OWN, 0, 0), SVSM_SUCCESS);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        assert_int_equal(call_by_first_area(heads[i]), 1);
        assert_int_equal(vm.guest.ranges.vcpus[0].caa.v, OWN);
    }
    fake_give(gpa(FAKE_CAA), FAKE_HOSTS);
    assert_int_equal(call_by_first_area(1), 1);
    assert_int_equal(pvalidate(FAKE_CAA), SVSM_ERR_INVALID_ADDRESS);
}

TEST_SETUP(what_is_not_offered_has_its_own_error, start)
{
    assert_int_equal(vm_call(3, 0, 0, 0, 0), SVSM_ERR_UNSUPPORTED_PROTOCOL);
    assert_int_equal(vm_call(0, SVSM_CORE_DEPOSIT_MEM, 0, 0, 0), SVSM_ERR_UNSUPPORTED_CALL);
    assert_int_equal(vm_call(0, 77, 0, 0, 0), SVSM_ERR_UNSUPPORTED_CALL);
    assert_int_equal(vm_call(SVSM_PROTOCOL_ATTEST, 2, 0, 0, 0), SVSM_ERR_UNSUPPORTED_CALL);
    assert_int_equal(vm_call(SVSM_PROTOCOL_VTPM, 2, 0, 0, 0), SVSM_ERR_UNSUPPORTED_CALL);
    assert_int_equal(vm_call(0, SVSM_CORE_CONFIGURE_VTOM, 2, 0, 0), SVSM_ERR_INVALID_REQUEST);
    assert_int_equal(vm_call(0, SVSM_CORE_CONFIGURE_VTOM, 1, 0, 0), SVSM_SUCCESS);
    assert_int_equal(vm.vmsa->rcx, 0);
    assert_int_equal(vm_call(0, SVSM_CORE_QUERY_PROTOCOL, 2ull << 32 | 1, 0, 0), SVSM_SUCCESS);
    assert_int_equal(vm.vmsa->rcx, 1ull << 32 | 1);
    assert_int_equal(vm_call(0, SVSM_CORE_QUERY_PROTOCOL, 2ull << 32 | 2, 0, 0), SVSM_SUCCESS);
    assert_int_equal(vm.vmsa->rcx, 0);
    assert_int_equal(vm_call(SVSM_PROTOCOL_VTPM, SVSM_VTPM_QUERY, 0, 0, 0), SVSM_SUCCESS);
    assert_int_equal(vm.vmsa->rcx, 1u << SVSM_VTPM_SEND_COMMAND);
}

TEST_SETUP(a_call_is_served_once_however_often_the_host_comes_back, start)
{
    vm.vmsa->rax = SVSM_CORE_QUERY_PROTOCOL;
    vm.vmsa->rcx = 1;
    vm.vmsa->guest_exitcode = SVM_EXIT_VMGEXIT;
    fake_bytes(gpa(FAKE_CAA))[0] = 1;
    pending_stays = true;
    visits = 0;
    fake_host.guest = comes_back;
    /* The first visit serves it; RAX is then SVSM_SUCCESS, which is the call REMAP_CA of 0. */
    vm.vmsa->rdx = 1;
    assert_string_equal(ENDS(requests_run(&vm.guest, &vm.cpus[0])), "enough");
    assert_int_equal(vm.vmsa->rax, SVSM_SUCCESS);
    assert_int_equal(vm.vmsa->rcx, 1ull << 32 | 1);
    assert_int_equal(vm.vmsa->guest_exitcode, SVM_EXIT_INVALID);
}

TEST_SETUP(without_a_pending_call_nothing_is_served, start)
{
    vm.vmsa->rax = 0x99ull << 32;
    vm.vmsa->guest_exitcode = SVM_EXIT_VMGEXIT;
    pending_stays = false;
    visits = 0;
    fake_host.guest = comes_back;
    assert_string_equal(ENDS(requests_run(&vm.guest, &vm.cpus[0])), "enough");
    assert_int_equal(vm.vmsa->rax, 0x99ull << 32);
}

/* T208 */
static bool runnable_in_a_call;

static bool looks_at_efer(gpa_t at, size_t size, bool write)
{
    (void)size;
    (void)write;
    /* But for the accesses that take EFER.SVME and give it back. */
    if (at.v != direct_gpa(vm.vmsa).v + offsetof(struct vmsa, efer))
        runnable_in_a_call |= (vm.vmsa->efer & EFER_SVME) != 0;
    return false;
}

TEST_SETUP(a_vcpu_cannot_run_while_it_is_served, start)
{
    runnable_in_a_call = false;
    fake.on_guarded = looks_at_efer;
    assign(FRESH, FRESH + PAGE_SIZE);
    assert_int_equal(pvalidate(FRESH | VALIDATE), SVSM_SUCCESS);
    assert_false(runnable_in_a_call);
    assert_true(vm.vmsa->efer & EFER_SVME);
}

TEST_SETUP(a_calling_area_that_went_away_means_no_call, start)
{
    vm.vmsa->rax = 0x99ull << 32;
    vm.vmsa->guest_exitcode = SVM_EXIT_VMGEXIT;
    fake_give(gpa(FAKE_CAA), FAKE_HOSTS);
    visits = 0;
    pending_stays = false;
    fake_host.guest = comes_back;
    assert_string_equal(ENDS(requests_run(&vm.guest, &vm.cpus[0])), "enough");
    assert_int_equal(vm.vmsa->rax, 0x99ull << 32);
}

static void refuses_to_run(void)
{
    fake_this()->ghcb_msr = 1ull << 32 | GHCB_MSR_RUN_VMPL_RESP;
}
static void answers_nonsense(void)
{
    fake_this()->ghcb_msr = GHCB_MSR_PSC_RESP;
}

TEST_SETUP(a_host_that_does_not_run_the_guest_ends_the_vm, start)
{
    fake.host = refuses_to_run;
    assert_string_equal(ENDS(requests_run(&vm.guest, &vm.cpus[0])),
                        "the host does not run the guest: the host refused");
    fake.host = answers_nonsense;
    assert_string_equal(ENDS(requests_run(&vm.guest, &vm.cpus[0])),
                        "the host does not run the guest: the host broke the protocol");
}

/* Without its services the guest gets errors, and the VM goes on. */
TEST_SETUP(a_tpm_that_ended_answers_that_it_failed, start)
{
    static const uint8_t failure[] = {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x01, 0x01};
    uint8_t *buffer = fake_bytes(gpa(OWN));

    buffer[0] = SVSM_VTPM_SEND_COMMAND;
    buffer[5] = 12;
    assert_int_equal(vm_call(SVSM_PROTOCOL_VTPM, SVSM_VTPM_CMD, OWN, 0, 0), SVSM_SUCCESS);
    assert_int_equal(buffer[0], sizeof(failure));
    assert_memory_equal(buffer + 4, failure, sizeof(failure));
}
