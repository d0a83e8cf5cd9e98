/* SPDX-License-Identifier: MIT */
/* #VC: what raises it, and how it is delivered (APM vol. 2, 15.35.4, 15.35.5 and 15.36.13). */
#include "emulator/platform/host.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/msr.h"
#include "tests/emulator/runtime/segments.h"
#include "tests/emulator/runtime/tap.h"

#define SOME_PORT      0x80
#define MSR_APIC_BASE  0x1B
#define MSR_MTRR_CAP   0xFE
#define MSR_EFER       0xC0000080
#define RFLAGS_NT      (1ull << 14)
#define NO_MEMORY_HERE 0xD0000000ull

__attribute__((noinline)) static void try_cpuid(void)
{
    uint32_t leaf = 0;

    ATTEMPT("cpuid", : "+a"(leaf) : "c"(0) : "rbx", "rdx");
}

TEST("CPUID raises #VC 0x72 with RIP at the instruction")
{
    try_cpuid();
    CHECK_VC(SVM_EXIT_CPUID);
}

TEST("IN, OUT, INS and OUTS raise #VC 0x7B with RIP at the instruction")
{
    uint32_t value = 0;
    void *at = &value;

    ATTEMPT("inb %1, %%al", : "+a"(value) : "i"(SOME_PORT));
    CHECK_VC(SVM_EXIT_IOIO);
    ATTEMPT("inl %%dx, %%eax", : "+a"(value) : "d"(SOME_PORT));
    CHECK_VC(SVM_EXIT_IOIO);
    ATTEMPT("outw %%ax, %%dx", : : "a"(value), "d"(SOME_PORT));
    CHECK_VC(SVM_EXIT_IOIO);
    ATTEMPT("insb", : "+D"(at) : "d"(SOME_PORT) : "memory");
    CHECK_VC(SVM_EXIT_IOIO);
    ATTEMPT("outsb", : "+S"(at) : "d"(SOME_PORT) : "memory");
    CHECK_VC(SVM_EXIT_IOIO);
}

TEST("RDMSR and WRMSR of an intercepted MSR raise #VC 0x7C with RIP at the instruction")
{
    try_rdmsr(MSR_MTRR_CAP);
    CHECK_VC(SVM_EXIT_MSR);
    try_wrmsr(MSR_APIC_BASE, 0);
    CHECK_VC(SVM_EXIT_MSR);
}

TEST("RDMSR and WRMSR of C001F000, the SVSM calling area, raise #VC 0x7C")
{
    try_rdmsr(MSR_SVSM_CAA);
    CHECK_VC(SVM_EXIT_MSR);
    try_wrmsr(MSR_SVSM_CAA, 0);
    CHECK_VC(SVM_EXIT_MSR);
}

TEST("The GHCB MSR is read and written without #VC")
{
    try_wrmsr(MSR_GHCB, 0x123456789000);
    CHECK_NO_TRAP();
    CHECK_EQUAL(try_rdmsr(MSR_GHCB), 0x123456789000);
    CHECK_NO_TRAP();
}

TEST("SEV_STATUS is read without #VC and is SEV, SEV-ES and SEV_FEATURES << 2")
{
    CHECK_EQUAL(try_rdmsr(MSR_SEV_STATUS), SEV_STATUS_SEV | SEV_STATUS_SEV_ES |
                                               SEV_FEATURE_SNP_ACTIVE << SEV_STATUS_FEATURES_SHIFT);
    CHECK_NO_TRAP();
}

TEST("A write of SEV_STATUS raises #GP")
{
    try_wrmsr(MSR_SEV_STATUS, 0);
    CHECK_TRAP(VECTOR_GP, 0);
}

TEST("EFER.SVME stays set when EFER is written without it")
{
    uint64_t efer = try_rdmsr(MSR_EFER);

    CHECK_NO_TRAP();
    CHECK(efer & EFER_SVME);
    try_wrmsr(MSR_EFER, efer & ~EFER_SVME);
    CHECK_NO_TRAP();
    CHECK_EQUAL(try_rdmsr(MSR_EFER), efer);
}

TEST("VMMCALL without REP raises #VC 0x81 with RIP at the instruction")
{
    ATTEMPT("vmmcall", :);
    CHECK_VC(SVM_EXIT_VMMCALL);
}

TEST("A read and a write of memory-mapped I/O raise #VC 0x400 with RIP at the instruction")
{
    try_read(shared_view((void *)LOCAL_APIC));
    CHECK_VC(SVM_EXIT_NPF);
    try_write(shared_view((void *)LOCAL_APIC), 0);
    CHECK_VC(SVM_EXIT_NPF);
}

TEST("An access to a GPA where nothing is raises #VC 0x400")
{
    try_read(shared_view((void *)NO_MEMORY_HERE));
    CHECK_VC(SVM_EXIT_NPF);
}

TEST("RDTSC, which the host does not intercept, raises nothing")
{
    ATTEMPT("rdtsc", : : : "rax", "rdx");
    CHECK_NO_TRAP();
}

TEST("An undefined opcode raises #UD, not #VC")
{
    ATTEMPT("ud2", :);
    CHECK_EQUAL(last_trap.vector, VECTOR_UD);
}

TEST("#VC leaves CR2 as it was")
{
    try_read((void *)UNMAPPED);
    CHECK_EQUAL(last_trap.vector, VECTOR_PF);
    try_cpuid();
    CHECK_EQUAL(last_trap.cr2, UNMAPPED);
}

/* Calls a function with the stack 8 bytes lower than else. */
static void call_with_shifted_stack(void (*function)(void))
{
    __asm__ volatile("pushq $0\n\tcall *%0\n\taddq $8, %%rsp"
                     :
                     : "r"(function)
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
}

static void check_frame_is_on_interrupted_stack(void)
{
    CHECK_EQUAL(last_trap.frame.rsp, attempt_stack);
    CHECK_EQUAL(last_trap.frame_end, attempt_stack & ~15ull);
}

TEST("#VC at CPL 0 pushes its frame on the interrupted stack, aligned to 16 bytes")
{
    uint64_t alignment;

    try_cpuid();
    check_frame_is_on_interrupted_stack();
    alignment = attempt_stack & 15;
    call_with_shifted_stack(try_cpuid);
    check_frame_is_on_interrupted_stack();
    CHECK_EQUAL(attempt_stack & 15, alignment ^ 8);
    CHECK_EQUAL(last_trap.frame.cs, SELECTOR_CODE);
    CHECK_EQUAL(last_trap.frame.ss, SELECTOR_DATA);
}

TEST("#VC uses the stack of its interrupt stack table entry")
{
    trap_use_own_stack(VECTOR_VC, true);
    try_cpuid();
    trap_use_own_stack(VECTOR_VC, false);
    CHECK_VC(SVM_EXIT_CPUID);
    CHECK_EQUAL(last_trap.frame.rsp, attempt_stack);
    CHECK_EQUAL(last_trap.frame_end, trap_own_stack_top());
}

TEST("#VC at CPL 3 goes to CPL 0 and its stack")
{
    user_call(try_cpuid);
    CHECK_VC(SVM_EXIT_CPUID);
    CHECK_EQUAL(last_trap.frame.cs, SELECTOR_USER_CODE);
    CHECK_EQUAL(last_trap.frame.ss, SELECTOR_USER_DATA);
    CHECK_EQUAL(last_trap.frame.rsp, attempt_stack);
    CHECK_EQUAL(last_trap.frame_end, trap_user_stack_top());
}

TEST("#VC saves RFLAGS and clears NT")
{
    ATTEMPT("cpuid", : : "a"(0), "c"(0) : "rbx", "rdx");
    CHECK(!(last_trap.frame.rflags & RFLAGS_NT));
    __asm__ volatile("pushfq\n\torq %0, (%%rsp)\n\tpopfq" : : "i"(RFLAGS_NT) : "memory", "cc");
    try_cpuid();
    __asm__ volatile("pushfq\n\tandq %0, (%%rsp)\n\tpopfq" : : "i"(~RFLAGS_NT) : "memory", "cc");
    CHECK(last_trap.frame.rflags & RFLAGS_NT);
    CHECK(!(last_trap.rflags_then & RFLAGS_NT));
}

ENDING("#VC without a handler shuts the CPU down", HOST_EXIT_GUEST_SHUTDOWN, "VMPL0: shutdown")
{
    traps_forget();
    try_cpuid();
}

ENDING("#VC whose frame goes to a page that is not validated shuts the CPU down",
       HOST_EXIT_GUEST_SHUTDOWN, "VMPL0: shutdown")
{
    __asm__ volatile("movq %0, %%rsp\n\tcpuid" : : "r"((uint8_t *)fresh_page() + PAGE_SIZE));
}

ENDING("A triple fault shuts the CPU down", HOST_EXIT_GUEST_SHUTDOWN, "VMPL0: shutdown")
{
    traps_forget();
    __asm__ volatile("ud2");
}

ENDING("A private access to a GPA where no memory is cannot be served", HOST_EXIT_GUEST_INVALID,
       "which is no memory")
{
    try_read((void *)NO_MEMORY_HERE);
}

ENDING("The guest may tell the host of a #VC that it does not understand", HOST_EXIT_GUEST_INVALID,
       "VMPL0 cannot handle #VC 72")
{
    ghcb_request(GHCB_EXIT_UNSUPPORTED_EVENT, SVM_EXIT_CPUID, 0);
}
