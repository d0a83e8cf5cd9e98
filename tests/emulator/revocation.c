/* SPDX-License-Identifier: MIT */
/*
 * A page that changes hands is gone from the translations of every processor before the call
 * returns (APM vol. 2, 15.36.5), and processors may change pages at the same time.
 */
#include "emulator/platform/host.h"
#include "tests/emulator/runtime/cpus.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/rmp.h"
#include "tests/emulator/runtime/tap.h"
#include "tests/emulator/runtime/vmpl.h"

#define ROUNDS 200

/* What processor 1 reads, whether that is revoked, and what became of it. */
static uint64_t *volatile page;
static volatile bool reads, revoked;
static volatile uint64_t late_reads, trap_vector, trap_error;

/* Reads until that raises an exception. A read that begins after the revocation must not succeed.
 */
static void read_until_trap(void)
{
    for (;;) {
        bool late = revoked;

        try_read(page);
        if (last_trap.vector != NO_TRAP)
            break;
        reads = true;
        if (late)
            late_reads++;
        if (late_reads > 100)
            return;
    }
    trap_vector = last_trap.vector;
    trap_error = last_trap.error;
}

static void begin_to_read(uint64_t *what)
{
    page = what;
    reads = revoked = false;
    late_reads = trap_vector = 0;
    cpu_begin(1, read_until_trap);
    while (!reads)
        pause();
}

static void end_of_reading(void)
{
    revoked = true;
    cpu_finish(1);
    CHECK_EQUAL(late_reads, 0);
    CHECK_EQUAL(trap_vector, VECTOR_VC);
    CHECK_EQUAL(trap_error, SVM_EXIT_PAGE_NOT_VALIDATED);
}

TEST("A page whose validation is rescinded is at once no page for another processor")
{
    cpu_start(1);
    cpu_start(2);
    for (unsigned i = 0; i < ROUNDS && late_reads == 0; i++) {
        uint64_t *subject = i ? page : valid_page();

        if (i)
            CHECK_PVALIDATE(pvalidate(subject, SIZE_4K, true), RMP_SUCCESS, false);
        begin_to_read(subject);
        CHECK_PVALIDATE(pvalidate(subject, SIZE_4K, false), RMP_SUCCESS, false);
        end_of_reading();
    }
}

TEST("2 MiB whose validation is rescinded are at once no pages for another processor")
{
    uint8_t *large = fresh_large_page();

    CHECK_PVALIDATE(pvalidate(large, SIZE_2M, true), RMP_SUCCESS, false);
    begin_to_read(nth_page(large, 300));
    CHECK_PVALIDATE(pvalidate(large, SIZE_2M, false), RMP_SUCCESS, false);
    end_of_reading();
}

TEST("A page that the host takes is at once no page for another processor")
{
    uint64_t *subject = valid_page();

    begin_to_read(subject);
    CHECK_EQUAL(ghcb_msr_psc(gpa_of(subject), PSC_SHARED), GHCB_MSR_PSC_RESP);
    end_of_reading();
}

/* Processors 1 and 2 each take turns at their own pages of the same 2 MiB. */
static uint8_t *volatile range;
static volatile uint64_t failures;

static void change_own_pages(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        const void *own = nth_page(range, 2 * (i % 64) + this_cpu);
        struct rmp_result on = pvalidate(own, SIZE_4K, true);
        uint32_t code = rmpadjust(own, SIZE_4K, grant(1, RMP_ALL));
        uint64_t rdx = rmpquery(own, 1).rdx;
        struct rmp_result off = pvalidate(own, SIZE_4K, false);

        if (on.code || on.carry || code || rdx != grant(1, RMP_ALL) || off.code || off.carry)
            __atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
    }
}

TEST("PVALIDATE and RMPADJUST on two processors at a time do what each asked for")
{
    range = fresh_large_page();
    failures = 0;
    CHECK_PVALIDATE(pvalidate(range, SIZE_4K, true), RMP_SUCCESS, false); /* 4 KiB from here on */
    cpu_begin(1, change_own_pages);
    cpu_begin(2, change_own_pages);
    cpu_finish(1);
    cpu_finish(2);
    CHECK_EQUAL(failures, 0);
}

/* Both validate the same pages, in the same order: each page changes once. */
static volatile unsigned changes;

static void validate_all(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct rmp_result result = pvalidate(nth_page(range, i), SIZE_4K, true);

        if (result.code)
            __atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
        if (!result.carry)
            __atomic_add_fetch(&changes, 1, __ATOMIC_SEQ_CST);
    }
}

TEST("Of two processors that validate a page one is told that it changed nothing")
{
    range = fresh_large_page();
    failures = changes = 0;
    CHECK_PVALIDATE(pvalidate(nth_page(range, ROUNDS), SIZE_4K, true), RMP_SUCCESS, false);
    cpu_begin(1, validate_all);
    cpu_begin(2, validate_all);
    cpu_finish(1);
    cpu_finish(2);
    CHECK_EQUAL(failures, 0);
    CHECK_EQUAL(changes, ROUNDS);
}

/* Both want the same page of the host's, and give it back. */
static void ask_for_page(void)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        if (ghcb_msr_psc(gpa_of(page), i & 1 ? PSC_SHARED : PSC_PRIVATE) != GHCB_MSR_PSC_RESP)
            __atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
}

TEST("Page state changes of one page by two processors at a time succeed")
{
    page = host_page();
    failures = 0;
    cpu_begin(1, ask_for_page);
    cpu_begin(2, ask_for_page);
    cpu_finish(1);
    cpu_finish(2);
    CHECK_EQUAL(failures, 0);
}

/* At VMPL1 of processor 1, so that a right of it can be taken away. */
static void read_for_ever(void)
{
    for (;;) {
        (void)*(volatile uint64_t *)page;
        reads = true;
    }
}

static void enter_vmpl1(void)
{
    run_vmpl(1);
}

ENDING("A right that RMPADJUST takes away is gone at once on another processor, too",
       HOST_EXIT_GUEST_INVALID, "CPU1 VMPL1: the RMP forbids its access to gpa")
{
    struct vmsa *vmsa = vmpl_vmsa(1); /* opens the image to VMPL1 */

    page = valid_page();
    CHECK_RMPADJUST(rmpadjust(page, SIZE_4K, grant(1, RMP_READ)), RMP_SUCCESS);
    vmsa->rip = (uint64_t)read_for_ever;
    cpu_start(1);
    cpu_request(AP_CREATE, 1, 1, vmsa);
    cpu_begin(1, enter_vmpl1);
    while (!reads)
        pause();
    CHECK_RMPADJUST(rmpadjust(page, SIZE_4K, grant(1, 0)), RMP_SUCCESS);
    for (reads = false; !reads;)
        pause();
}
