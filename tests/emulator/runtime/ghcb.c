/* SPDX-License-Identifier: MIT */
#include "tests/emulator/runtime/ghcb.h"

#include "lib/freestanding/string.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/tap.h"

struct ghcb *PER_CPU ghcb;
uint64_t ghcb_msr_at_reset;

uint64_t msr_read(uint32_t msr)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return low | (uint64_t)high << 32;
}

void msr_write(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static void vmgexit(void)
{
    __asm__ volatile("rep; vmmcall" ::: "memory");
}

void ghcb_note_reset_value(void)
{
    ghcb_msr_at_reset = msr_read(MSR_GHCB);
}

uint64_t ghcb_msr_call(uint64_t request)
{
    msr_write(MSR_GHCB, request);
    vmgexit();
    return msr_read(MSR_GHCB);
}

uint64_t ghcb_msr_psc(uint64_t gpa, unsigned operation)
{
    return ghcb_msr_call((uint64_t)operation << PSC_ENTRY_OPERATION_SHIFT | gpa | GHCB_MSR_PSC_REQ);
}

void ghcb_terminate(unsigned set, unsigned code)
{
    for (;;)
        ghcb_msr_call((uint64_t)code << 16 | (uint64_t)set << 12 | GHCB_MSR_TERM_REQ);
}

void ghcb_init(void)
{
    ghcb_use(host_page(), true);
}

void ghcb_use(struct ghcb *page, bool registered)
{
    uint64_t gpa = gpa_of(page);

    if (registered &&
        ghcb_msr_call(gpa | GHCB_MSR_REGISTER_GPA_REQ) != (gpa | GHCB_MSR_REGISTER_GPA_RESP))
        ghcb_terminate(0, 0);
    memset(page, 0, sizeof(*page));
    page->protocol_version = GHCB_PROTOCOL_MAX;
    ghcb = page;
}

void ghcb_mark(unsigned long bit, bool valid)
{
    uint8_t mask = (uint8_t)(1u << bit % 8);

    if (valid)
        ghcb->valid_bitmap[bit / 8] |= mask;
    else
        ghcb->valid_bitmap[bit / 8] &= (uint8_t)~mask;
}

bool ghcb_is_marked(unsigned long bit)
{
    return ghcb->valid_bitmap[bit / 8] >> bit % 8 & 1;
}

void ghcb_begin(uint64_t code, uint64_t info1, uint64_t info2)
{
    memset(ghcb->valid_bitmap, 0, sizeof(ghcb->valid_bitmap));
    GHCB_SET(sw_exitcode, code);
    GHCB_SET(sw_exitinfo1, info1);
    GHCB_SET(sw_exitinfo2, info2);
}

void ghcb_set_scratch(uint64_t offset)
{
    GHCB_SET(sw_scratch, gpa_of(ghcb) + offset);
}

void ghcb_exit(void)
{
    msr_write(MSR_GHCB, gpa_of(ghcb));
    vmgexit();
}

void ghcb_request(uint64_t code, uint64_t info1, uint64_t info2)
{
    ghcb_begin(code, info1, info2);
    ghcb_exit();
}
