/* SPDX-License-Identifier: MIT */
/* What CR0 and EFER do not take (APM vol. 2, 3.1.1 and 3.1.7); INVLPGB and TLBSYNC (vol. 3). */
#include "tests/emulator/runtime/control_registers.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/tap.h"

#define MSR_EFER 0xC0000080
#define CR0_PE   (1ull << 0)
#define CR0_TS   (1ull << 3)
#define CR0_NW   (1ull << 29)
#define CR0_CD   (1ull << 30)
#define CR0_PG   (1ull << 31)

static void try_cr0(uint64_t value)
{
    ATTEMPT("movq %0, %%cr0", : : "r"(value) : "memory");
}

static void try_efer(uint64_t value)
{
    ATTEMPT("wrmsr", : : "c"(MSR_EFER), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static void check_cr0_refused(uint64_t value)
{
    uint64_t before = read_cr0();

    try_cr0(value);
    CHECK_TRAP(VECTOR_GP, 0);
    CHECK_EQUAL(read_cr0(), before);
}

TEST("CR0: bits above 31 raise #GP")
{
    check_cr0_refused(read_cr0() | CR0_CD | 1ull << 32);
    check_cr0_refused(read_cr0() | CR0_CD | 1ull << 63);
}

TEST("CR0: paging without protected mode, NW without CD raise #GP")
{
    check_cr0_refused(read_cr0() & ~CR0_PE);
    check_cr0_refused((read_cr0() | CR0_NW) & ~CR0_CD);
}

TEST("CR0: 64-bit code that turns paging off gets #GP")
{
    check_cr0_refused(read_cr0() & ~CR0_PG);
}

TEST("CR0: what is allowed is taken")
{
    uint64_t before = read_cr0();

    try_cr0(before | CR0_TS | CR0_CD | CR0_NW);
    CHECK_NO_TRAP();
    CHECK_EQUAL(read_cr0(), before | CR0_TS | CR0_CD | CR0_NW);
    try_cr0(before);
    CHECK_NO_TRAP();
    CHECK_EQUAL(read_cr0(), before);
}

static void check_efer_refused(uint64_t value)
{
    uint64_t before = msr_read(MSR_EFER);

    try_efer(value);
    CHECK_TRAP(VECTOR_GP, 0);
    CHECK_EQUAL(msr_read(MSR_EFER), before);
}

TEST("EFER: reserved bits raise #GP")
{
    check_efer_refused(msr_read(MSR_EFER) | 1ull << 1);
    check_efer_refused(msr_read(MSR_EFER) | 1ull << 16);
    check_efer_refused(msr_read(MSR_EFER) | 1ull << 63);
}

TEST("EFER: LME does not change while paging is on")
{
    check_efer_refused(msr_read(MSR_EFER) & ~EFER_LME);
}

TEST("EFER: SCE is taken, SVME stays set")
{
    uint64_t before = msr_read(MSR_EFER);

    try_efer((before | EFER_SCE) & ~EFER_SVME);
    CHECK_NO_TRAP();
    CHECK_EQUAL(msr_read(MSR_EFER), before | EFER_SCE | EFER_SVME);
    try_efer(before);
    CHECK_NO_TRAP();
}

#define INVLPGB_ALL 0x2C /* of this VM's ASID, global and nested translations, too */

static void try_invlpgb(uint64_t asid)
{
    ATTEMPT(".byte 0x0F, 0x01, 0xFE", : : "a"(INVLPGB_ALL), "c"(0), "d"(asid) : "memory");
}

TEST("INVLPGB and TLBSYNC drop this VM's translations")
{
    try_invlpgb(0);
    CHECK_EQUAL(last_trap.vector, NO_TRAP);
    ATTEMPT(".byte 0x0F, 0x01, 0xFF", : : : "memory");
    CHECK_EQUAL(last_trap.vector, NO_TRAP);
}

TEST("INVLPGB of another ASID raises #GP")
{
    try_invlpgb(1);
    CHECK_TRAP(VECTOR_GP, 0);
}
