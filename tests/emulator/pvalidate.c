/* SPDX-License-Identifier: MIT */
/* PVALIDATE and the Validated flag (APM vol. 2, 15.36.6 and 15.36.10; vol. 3, PVALIDATE). */
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/rmp.h"
#include "tests/emulator/runtime/tap.h"
#include "tests/emulator/runtime/vmpl.h"

TEST("PVALIDATE of an assigned page validates it and clears CF")
{
    uint64_t *page = fresh_page();

    CHECK_PVALIDATE(pvalidate(page, SIZE_4K, true), RMP_SUCCESS, false);
    try_write(page, 1);
    CHECK_NO_TRAP();
}

TEST("PVALIDATE of a validated page sets CF")
{
    void *page = valid_page();

    CHECK_PVALIDATE(pvalidate(page, SIZE_4K, true), RMP_SUCCESS, true);
}

TEST("PVALIDATE rescinds a validated page and clears CF")
{
    void *page = valid_page();

    CHECK_PVALIDATE(pvalidate(page, SIZE_4K, false), RMP_SUCCESS, false);
    try_read(page);
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
}

TEST("Rescinding a page that is not validated sets CF")
{
    void *page = fresh_page();

    CHECK_PVALIDATE(pvalidate(page, SIZE_4K, false), RMP_SUCCESS, true);
}

TEST("A read of an assigned page that is not validated raises #VC 0x404")
{
    try_read(fresh_page());
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
}

TEST("A write to an assigned page that is not validated raises #VC 0x404")
{
    try_write(fresh_page(), 1);
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
}

TEST("A fetch from an assigned page that is not validated raises #VC 0x404")
{
    uint8_t *page = valid_page();

    *page = RET_OPCODE;
    try_call(page);
    CHECK_NO_TRAP();
    pvalidate(page, SIZE_4K, false);
    try_call(page);
    CHECK_TRAP(VECTOR_VC, SVM_EXIT_PAGE_NOT_VALIDATED);
    CHECK_EQUAL(last_trap.frame.rip, page);
}

TEST("PVALIDATE does not change what a page holds")
{
    uint64_t *page = valid_page();

    *page = 0x0123456789ABCDEF;
    pvalidate(page, SIZE_4K, false);
    pvalidate(page, SIZE_4K, true);
    CHECK_EQUAL(try_read(page), 0x0123456789ABCDEF);
    CHECK_NO_TRAP();
}

TEST("PVALIDATE leaves the VMPL permissions as they are")
{
    void *page = valid_page();

    rmpadjust(page, SIZE_4K, grant(1, RMP_READ | RMP_WRITE));
    pvalidate(page, SIZE_4K, false);
    pvalidate(page, SIZE_4K, true);
    CHECK_EQUAL(rmpquery(page, 1).rdx, grant(1, RMP_READ | RMP_WRITE));
}

TEST("ZF after PVALIDATE tells whether it returned 0")
{
    uint8_t *page = valid_page();
    uint8_t *large = fresh_large_page();

    CHECK(pvalidate(page, SIZE_4K, true).zero);
    CHECK(!pvalidate(large + PAGE_SIZE, SIZE_2M, true).zero);
}

TEST("PVALIDATE of 2 MiB validates all pages of a 2 MiB RMP entry")
{
    void *large = fresh_large_page();

    CHECK_PVALIDATE(pvalidate(large, SIZE_2M, true), RMP_SUCCESS, false);
    for (unsigned n = 0; n < 512; n++) {
        try_write(nth_page(large, n), n);
        CHECK_NO_TRAP();
    }
    CHECK_PVALIDATE(pvalidate(large, SIZE_2M, true), RMP_SUCCESS, true);
    CHECK_PVALIDATE(pvalidate(large, SIZE_2M, false), RMP_SUCCESS, false);
    try_read(nth_page(large, 511));
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
}

TEST("PVALIDATE of 2 MiB over 4 KiB RMP entries returns FAIL_SIZEMISMATCH")
{
    void *large = fresh_large_page();

    pvalidate(large, SIZE_4K, true);
    CHECK_PVALIDATE(pvalidate(large, SIZE_2M, true), RMP_FAIL_SIZEMISMATCH, false);
}

TEST("PVALIDATE of 4 KiB splits a 2 MiB RMP entry and changes only its page")
{
    void *large = fresh_large_page();

    CHECK_EQUAL(pvalidate(large, SIZE_2M, true).code, RMP_SUCCESS);
    CHECK_EQUAL(rmpquery(large, 1).size, SIZE_2M);
    CHECK_PVALIDATE(pvalidate(nth_page(large, 5), SIZE_4K, false), RMP_SUCCESS, false);
    CHECK_EQUAL(rmpquery(large, 1).size, SIZE_4K);
    try_read(nth_page(large, 5));
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
    try_read(nth_page(large, 4));
    CHECK_NO_TRAP();
    try_read(nth_page(large, 6));
    CHECK_NO_TRAP();
}

TEST("PVALIDATE of 2 MiB at a misaligned address returns FAIL_INPUT")
{
    void *large = fresh_large_page();

    CHECK_PVALIDATE(pvalidate(nth_page(large, 1), SIZE_2M, true), RMP_FAIL_INPUT, false);
    CHECK_EQUAL(pvalidate(large, SIZE_2M, true).code, RMP_SUCCESS);
}

TEST("Of ECX and EDX only bit 0 counts")
{
    void *page = fresh_page();

    CHECK_PVALIDATE(pvalidate(page, 0xFFFFFF00, 0xFFFFFF01), RMP_SUCCESS, false);
    try_read(page);
    CHECK_NO_TRAP();
    CHECK_PVALIDATE(pvalidate(page, 0xFFFFFF00, 0xFFFFFF00), RMP_SUCCESS, false);
}

TEST("PVALIDATE of an address that is not mapped raises #PF with it in CR2")
{
    pvalidate((void *)UNMAPPED, SIZE_4K, true);
    CHECK_EQUAL(last_trap.vector, VECTOR_PF);
    CHECK_EQUAL(last_trap.cr2, UNMAPPED);
    CHECK(last_trap.at_attempt);
}

TEST("PVALIDATE of a page of the host's lets the host give it, then validates it")
{
    uint64_t *page = private_view(host_page());

    CHECK_PVALIDATE(pvalidate(page, SIZE_4K, true), RMP_SUCCESS, false);
    try_write(page, 1);
    CHECK_NO_TRAP();
}

TEST("A page is not validated after it went to the host and came back")
{
    void *page = valid_page();

    CHECK_EQUAL(ghcb_msr_psc(gpa_of(page), PSC_SHARED), GHCB_MSR_PSC_RESP);
    CHECK_EQUAL(ghcb_msr_psc(gpa_of(page), PSC_PRIVATE), GHCB_MSR_PSC_RESP);
    try_read(page);
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
    CHECK_PVALIDATE(pvalidate(page, SIZE_4K, true), RMP_SUCCESS, false);
}

static void validate_nothing(void)
{
    pvalidate((void *)GUEST_BASE, SIZE_4K, true);
}

TEST("PVALIDATE at another VMPL than 0 raises #GP")
{
    vmpl_call(1, validate_nothing);
    CHECK_TRAP(VECTOR_GP, 0);
    CHECK(last_trap.at_attempt);
}

TEST("PVALIDATE at CPL 3 raises #GP")
{
    user_call(validate_nothing);
    CHECK_TRAP(VECTOR_GP, 0);
    CHECK(last_trap.at_attempt);
}
