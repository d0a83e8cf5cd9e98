/* SPDX-License-Identifier: MIT */
/* RMPADJUST and RMPQUERY (APM vol. 2, 15.36.7; vol. 3, RMPADJUST). */
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/rmp.h"
#include "tests/emulator/runtime/tap.h"
#include "tests/emulator/runtime/vmpl.h"

/* What a function in another VMPL works on, and what it got. */
static uint8_t *subject;
static uint32_t returned;

TEST("A validated page gives VMPL1 to VMPL3 no permissions at first")
{
    void *page = valid_page();

    for (unsigned vmpl = 1; vmpl < VMPL_COUNT; vmpl++)
        CHECK_EQUAL(rmpquery(page, vmpl).rdx, grant(vmpl, 0));
}

TEST("RMPADJUST grants a VMPL its permissions and no other VMPL any")
{
    void *page = valid_page();

    CHECK_RMPADJUST(rmpadjust(page, SIZE_4K, grant(2, RMP_READ | RMP_WRITE)), RMP_SUCCESS);
    CHECK_EQUAL(rmpquery(page, 2).rdx, grant(2, RMP_READ | RMP_WRITE));
    CHECK_EQUAL(rmpquery(page, 1).rdx, grant(1, 0));
    CHECK_EQUAL(rmpquery(page, 3).rdx, grant(3, 0));
}

TEST("RMPADJUST takes permissions away again")
{
    void *page = valid_page();

    rmpadjust(page, SIZE_4K, grant(1, RMP_ALL));
    CHECK_RMPADJUST(rmpadjust(page, SIZE_4K, grant(1, RMP_READ)), RMP_SUCCESS);
    CHECK_EQUAL(rmpquery(page, 1).rdx, grant(1, RMP_READ));
}

TEST("RMPADJUST of the own VMPL returns FAIL_PERMISSION")
{
    CHECK_RMPADJUST(rmpadjust(valid_page(), SIZE_4K, grant(0, RMP_READ)), RMP_FAIL_PERMISSION);
}

TEST("RMPADJUST of a VMPL that does not exist returns FAIL_INPUT")
{
    CHECK_RMPADJUST(rmpadjust(valid_page(), SIZE_4K, grant(VMPL_COUNT, RMP_READ)), RMP_FAIL_INPUT);
}

TEST("RMPADJUST with a reserved bit of RDX set returns FAIL_INPUT")
{
    void *page = valid_page();

    CHECK_RMPADJUST(rmpadjust(page, SIZE_4K, grant(1, RMP_READ) | 1ull << 17), RMP_FAIL_INPUT);
    CHECK_RMPADJUST(rmpadjust(page, SIZE_4K, grant(1, RMP_READ) | 1ull << 63), RMP_FAIL_INPUT);
}

TEST("RMPADJUST of 2 MiB changes all pages of a 2 MiB RMP entry")
{
    void *large = fresh_large_page();

    pvalidate(large, SIZE_2M, true);
    CHECK_RMPADJUST(rmpadjust(large, SIZE_2M, grant(1, RMP_READ)), RMP_SUCCESS);
    CHECK_EQUAL(rmpquery(large, 1).size, SIZE_2M);
    for (unsigned n = 0; n < 512; n++)
        CHECK_EQUAL(rmpquery(nth_page(large, n), 1).rdx, grant(1, RMP_READ));
}

TEST("RMPADJUST of 2 MiB at a misaligned address returns FAIL_INPUT")
{
    void *large = fresh_large_page();

    pvalidate(large, SIZE_2M, true);
    CHECK_RMPADJUST(rmpadjust(nth_page(large, 1), SIZE_2M, grant(1, RMP_READ)), RMP_FAIL_INPUT);
}

TEST("RMPADJUST of 2 MiB over 4 KiB RMP entries returns FAIL_SIZEMISMATCH")
{
    void *large = fresh_large_page();

    pvalidate(large, SIZE_4K, true);
    CHECK_RMPADJUST(rmpadjust(large, SIZE_2M, grant(1, RMP_READ)), RMP_FAIL_SIZEMISMATCH);
}

TEST("RMPADJUST of 4 KiB splits a 2 MiB RMP entry and changes only its page")
{
    void *large = fresh_large_page();

    pvalidate(large, SIZE_2M, true);
    CHECK_RMPADJUST(rmpadjust(nth_page(large, 7), SIZE_4K, grant(1, RMP_READ)), RMP_SUCCESS);
    CHECK_EQUAL(rmpquery(large, 1).size, SIZE_4K);
    CHECK_EQUAL(rmpquery(nth_page(large, 7), 1).rdx, grant(1, RMP_READ));
    CHECK_EQUAL(rmpquery(nth_page(large, 8), 1).rdx, grant(1, 0));
}

TEST("RMPADJUST of a page that is not validated raises #VC 0x404")
{
    rmpadjust(fresh_page(), SIZE_4K, grant(1, RMP_READ));
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
}

TEST("RMPADJUST of an address that is not mapped raises #PF with it in CR2")
{
    rmpadjust((void *)UNMAPPED, SIZE_4K, grant(1, RMP_READ));
    CHECK_EQUAL(last_trap.vector, VECTOR_PF);
    CHECK_EQUAL(last_trap.cr2, UNMAPPED);
}

TEST("RMPADJUST at VMPL0 makes and unmakes a VMSA page")
{
    void *page = valid_page();

    CHECK_RMPADJUST(rmpadjust(page, SIZE_4K, grant(1, 0) | RMPADJUST_VMSA), RMP_SUCCESS);
    CHECK_EQUAL(rmpquery(page, 1).rdx, grant(1, 0) | RMPADJUST_VMSA);
    CHECK_RMPADJUST(rmpadjust(page, SIZE_4K, grant(1, 0)), RMP_SUCCESS);
    CHECK_EQUAL(rmpquery(page, 1).rdx, grant(1, 0));
}

TEST("A page that went to the host and came back has no permissions and is no VMSA page")
{
    void *page = valid_page();

    rmpadjust(page, SIZE_4K, grant(1, RMP_ALL) | RMPADJUST_VMSA);
    ghcb_msr_psc(gpa_of(page), PSC_SHARED);
    ghcb_msr_psc(gpa_of(page), PSC_PRIVATE);
    pvalidate(page, SIZE_4K, true);
    CHECK_EQUAL(rmpquery(page, 1).rdx, grant(1, 0));
}

static void adjust_vmpl0(void)
{
    returned = rmpadjust(subject, SIZE_4K, grant(0, 0));
}

TEST("RMPADJUST of a more privileged VMPL returns FAIL_PERMISSION")
{
    subject = valid_page();
    rmpadjust(subject, SIZE_4K, grant(1, RMP_ALL));
    vmpl_call(1, adjust_vmpl0);
    CHECK_RMPADJUST(returned, RMP_FAIL_PERMISSION);
}

static void adjust_vmpl1(void)
{
    returned = rmpadjust(subject, SIZE_4K, grant(1, RMP_READ));
}

TEST("RMPADJUST at VMPL1 of VMPL1 returns FAIL_PERMISSION")
{
    subject = valid_page();
    rmpadjust(subject, SIZE_4K, grant(1, RMP_ALL));
    vmpl_call(1, adjust_vmpl1);
    CHECK_RMPADJUST(returned, RMP_FAIL_PERMISSION);
    CHECK_EQUAL(rmpquery(subject, 1).rdx, grant(1, RMP_ALL));
}

static void grant_write_to_vmpl2(void)
{
    returned = rmpadjust(subject, SIZE_4K, grant(2, RMP_READ | RMP_WRITE));
}

TEST("RMPADJUST cannot grant more than the caller has")
{
    subject = valid_page();
    rmpadjust(subject, SIZE_4K, grant(1, RMP_READ | RMP_EXECUTE_SUPERVISOR));
    vmpl_call(1, grant_write_to_vmpl2);
    CHECK_RMPADJUST(returned, RMP_FAIL_PERMISSION);
    CHECK_EQUAL(rmpquery(subject, 2).rdx, grant(2, 0));
}

TEST("RMPADJUST at VMPL1 grants VMPL2 what VMPL1 has itself")
{
    subject = valid_page();
    rmpadjust(subject, SIZE_4K, grant(1, RMP_READ | RMP_WRITE));
    vmpl_call(1, grant_write_to_vmpl2);
    CHECK_RMPADJUST(returned, RMP_SUCCESS);
    CHECK_EQUAL(rmpquery(subject, 2).rdx, grant(2, RMP_READ | RMP_WRITE));
}

static void make_vmsa(void)
{
    returned = rmpadjust(subject, SIZE_4K, grant(2, RMP_READ) | RMPADJUST_VMSA);
}

TEST("The VMSA bit is ignored at another VMPL than 0")
{
    subject = valid_page();
    rmpadjust(subject, SIZE_4K, grant(1, RMP_ALL));
    vmpl_call(1, make_vmsa);
    CHECK_RMPADJUST(returned, RMP_SUCCESS);
    CHECK_EQUAL(rmpquery(subject, 2).rdx, grant(2, RMP_READ));
}

static void adjust_without_vmsa(void)
{
    returned = rmpadjust(subject, SIZE_4K, grant(2, RMP_READ));
}

TEST("RMPADJUST at another VMPL than 0 does not unmake a VMSA page")
{
    subject = valid_page();
    rmpadjust(subject, SIZE_4K, grant(1, RMP_ALL) | RMPADJUST_VMSA);
    vmpl_call(1, adjust_without_vmsa);
    CHECK_RMPADJUST(returned, RMP_SUCCESS);
    CHECK_EQUAL(rmpquery(subject, 2).rdx, grant(2, RMP_READ) | RMPADJUST_VMSA);
}

static void adjust_at_cpl3(void)
{
    user_call(adjust_without_vmsa);
}

TEST("RMPADJUST at CPL 3 raises #GP")
{
    subject = valid_page();
    user_call(adjust_without_vmsa);
    CHECK_TRAP(VECTOR_GP, 0);
    vmpl_call(1, adjust_at_cpl3);
    CHECK_TRAP(VECTOR_GP, 0);
}

TEST("RMPQUERY of a page that is not validated raises #VC 0x404")
{
    rmpquery(fresh_page(), 1);
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
}

TEST("RMPQUERY tells permissions, VMSA bit and size")
{
    void *page = valid_page();
    struct rmp_view view;

    rmpadjust(page, SIZE_4K, grant(3, RMP_READ) | RMPADJUST_VMSA);
    view = rmpquery(page, 3);
    CHECK_NO_TRAP();
    CHECK_EQUAL(view.code, RMP_SUCCESS);
    CHECK_EQUAL(view.size, SIZE_4K);
    CHECK_EQUAL(view.rdx, grant(3, RMP_READ) | RMPADJUST_VMSA);
}
