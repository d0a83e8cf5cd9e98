/* SPDX-License-Identifier: MIT */
/* What is private and what is shared (APM vol. 2, 15.34.5 and 15.36.8). */
#include "lib/freestanding/string.h"
#include "tests/emulator/runtime/control_registers.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/rmp.h"
#include "tests/emulator/runtime/segments.h"
#include "tests/emulator/runtime/tap.h"
#include "tests/emulator/runtime/x2apic.h"

#define PTE_TABLE   0x3ull
#define PTE_LARGE   0x83ull
#define VECTOR_LAST 31 /* the highest with a gate */
#define PATTERN     0x0123456789ABCDEFull

extern const uint64_t unpaged_word;
extern uint64_t page_root[], page_pdpt[];

static uint64_t cbit(void)
{
    return 1ull << (cpuid_find(CPUID_MEMORY_ENCRYPTION)->ebx & CPUID_ME_EBX_CBIT_MASK);
}

TEST("Without paging every access is private")
{
    CHECK_EQUAL(unpaged_word, UNPAGED_WORD);
}

TEST("The C-bit of the CPUID page is an address bit that the page tables take")
{
    CHECK(cbit() >= 1ull << 32 && cbit() <= 1ull << 51);
    CHECK_EQUAL(page_pdpt[0] & cbit(), cbit());
}

TEST("C=1 in the last table entry means private: the page holds what was written")
{
    uint64_t *page = valid_page();

    try_write(page, PATTERN);
    CHECK_NO_TRAP();
    CHECK_EQUAL(try_read(page), PATTERN);
}

TEST("C=0 in the last table entry means shared: the host reads it, and its answer is read there")
{
    struct ghcb *page = host_page();

    ghcb_use(page, true);
    ghcb_request(GHCB_EXIT_HV_FEATURES, 0, 0);
    CHECK_EQUAL(page->sw_exitinfo1, GHCB_RESULT_OK);
    CHECK(page->sw_exitinfo2 != 0);
}

TEST("A C=0 read of a private page does not get its contents, and takes the page from the guest")
{
    uint64_t *page = valid_page();

    *page = PATTERN;
    CHECK(try_read(shared_view(page)) != PATTERN);
    CHECK_NO_TRAP();
    try_read(page);
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
}

TEST("A C=0 write to a private page takes it from the guest, and its contents are lost")
{
    uint64_t *page = valid_page();

    page[1] = PATTERN;
    try_write(shared_view(page), 1);
    CHECK_NO_TRAP();
    try_read(page);
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
    CHECK_PVALIDATE(pvalidate(page, SIZE_4K, true), RMP_SUCCESS, false);
    CHECK(page[1] != PATTERN);
}

TEST("A C=1 access to a page of the host's gives the page to the guest, to be validated")
{
    uint64_t *page = host_page();

    *page = PATTERN;
    try_read(private_view(page));
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
    CHECK_PVALIDATE(pvalidate(private_view(page), SIZE_4K, true), RMP_SUCCESS, false);
}

/* Tables like those in use, one gigabyte of them, whose pointers have the C-bit or not. */
static uint64_t make_tables(uint64_t pointer_cbit)
{
    uint64_t *root = valid_page(), *directory = valid_page();

    root[0] = gpa_of(directory) | PTE_TABLE | pointer_cbit;
    for (size_t i = 0; i < 8; i++)
        directory[i] = page_pdpt[i];
    return gpa_of(root) | pointer_cbit;
}

TEST("CR3 keeps the C-bit that was written to it")
{
    uint64_t before = read_cr3(), tables = make_tables(cbit());

    write_cr3(tables);
    CHECK_EQUAL(read_cr3(), tables);
    write_cr3(before);
}

TEST("Page tables are walked privately though CR3 and the pointers in them lack the C-bit")
{
    uint64_t *page = valid_page();
    uint64_t before = read_cr3();

    *page = PATTERN;
    write_cr3(make_tables(0));
    CHECK_EQUAL(try_read(page), PATTERN);
    write_cr3(before);
    CHECK_NO_TRAP();
    CHECK_EQUAL(*page, PATTERN);
}

TEST("The C-bit of a pointer does not make shared memory private")
{
    uint64_t *page = host_page();
    uint64_t before = read_cr3();

    *page = PATTERN;
    write_cr3(make_tables(cbit()));
    CHECK_EQUAL(try_read(page), PATTERN);
    write_cr3(before);
    CHECK_NO_TRAP();
}

/* A stack that is reached through a table that nothing was reached through before, and whose
 * pointer lacks the C-bit. The tables in use lead to it from here on. */
#define STACK_SLOT 9 /* of the directory, a gigabyte each */

static uint64_t load_tables_with_stack(uint64_t *top)
{
    uint64_t *root = valid_page(), *directory = valid_page(), *large = valid_page();
    uint64_t before = read_cr3(), stack = gpa_of(valid_page());

    root[0] = gpa_of(directory) | PTE_TABLE | cbit();
    for (size_t i = 0; i < 8; i++)
        directory[i] = page_pdpt[i];
    directory[STACK_SLOT] = gpa_of(large) | PTE_TABLE;
    large[0] = (stack & LARGE_PAGE_MASK) | PTE_LARGE | cbit();
    *top = ((uint64_t)STACK_SLOT << 30) + (stack & ~LARGE_PAGE_MASK) + PAGE_SIZE;
    write_cr3(gpa_of(root) | cbit());
    return before;
}

TEST("An interrupt whose delivery comes to such a table is delivered all the same, once")
{
    uint64_t top, before;

    x2apic_enable();
    before = load_tables_with_stack(&top);
    CHECK(host_write_msr(MSR_X2APIC_ICR, ICR_SELF | VECTOR_LAST));
    ATTEMPT("movq %0, %%rsp\n\t"
            "sti\n\t"
            "nop\n\t"
            "cli\n\t"
            "movq %%gs:attempt_stack, %%rsp",
            :
            : "r"(top)
            : "memory");
    __asm__ volatile("cli");
    write_cr3(before);
    CHECK_EQUAL(last_trap.vector, VECTOR_LAST);
    CHECK_EQUAL(last_trap.frame_end, top);
    CHECK(host_write_msr(MSR_X2APIC_EOI, 0));
    ATTEMPT("sti\n\tnop\n\tcli", : : : "memory");
    CHECK_NO_TRAP();
}

TEST("PVALIDATE finds its page through tables without the C-bit, too")
{
    uint64_t *page = fresh_page();
    uint64_t before = read_cr3();
    struct rmp_result result;

    write_cr3(make_tables(0));
    result = pvalidate(page, SIZE_4K, true);
    write_cr3(before);
    CHECK_PVALIDATE(result, RMP_SUCCESS, false);
}

TEST("Code is fetched privately, whatever the C-bit says")
{
    uint8_t *code = valid_page();

    code[0] = RET_OPCODE;
    try_call(shared_view(code));
    CHECK_NO_TRAP();
    CHECK_EQUAL(code[0], RET_OPCODE);
}

TEST("PVALIDATE in such code works, too")
{
    static const uint8_t code[] = {0xF2, 0x0F, 0x01, 0xFF, RET_OPCODE};
    uint8_t *copy = valid_page();
    uint64_t *page = fresh_page();
    uint32_t status;

    memcpy(copy, code, sizeof(code));
    /* clang-format off */
    ATTEMPT("call *%1",
            : "=a"(status)
            : "r"(shared_view(copy)), "a"(page), "c"(SIZE_4K), "d"(true)
            : "memory", "cc");
    /* clang-format on */
    CHECK_NO_TRAP();
    CHECK_EQUAL(status, RMP_SUCCESS);
    try_read(page);
    CHECK_NO_TRAP();
}
