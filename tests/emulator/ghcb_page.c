/* SPDX-License-Identifier: MIT */
/* Requests through the GHCB page (56421, 2.6 and chapter 4). */
#include "emulator/platform/host.h"
#include "lib/base/bytes.h"
#include "tests/emulator/runtime/fw_cfg.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/port.h"
#include "tests/emulator/runtime/tap.h"

#define SHARED_BUFFER offsetof(struct ghcb, shared_buffer)
#define UNKNOWN_EVENT 0x8000ABCD
#define LEAF_XSAVE    0xD
#define MSR_APIC_BASE 0x1B
#define MSR_TSC_AUX   0xC0000103
#define APIC_TPR      0x80
#define RAISE_GP      (VECTOR_GP | 3u << 8 | 1u << 11 | 1u << 31)
#define SOME_LOCATION 0x12345000ull
#define DELAY_PORT    0x80

/* A request that every host serves. */
static void begin_harmless(void)
{
    ghcb_begin(GHCB_EXIT_HV_FEATURES, 0, 0);
}

TEST("A request through an unregistered GHCB is malformed: not registered")
{
    struct ghcb *registered = ghcb;

    ghcb_use(host_page(), false);
    begin_harmless();
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_NOT_REGISTERED);
    ghcb_use(registered, false);
    begin_harmless();
    ghcb_exit();
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
}

TEST("A GHCB replaces the one registered before")
{
    struct ghcb *first = ghcb;

    ghcb_use(host_page(), true);
    ghcb_use(first, false);
    begin_harmless();
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_NOT_REGISTERED);
    ghcb_use(first, true);
}

TEST("A usage other than 0 is malformed: invalid usage")
{
    begin_harmless();
    ghcb->usage = 1;
    ghcb_exit();
    ghcb->usage = 0;
    CHECK_MALFORMED(GHCB_ERR_INVALID_USAGE);
}

TEST("Exit code and exit information must be marked valid")
{
    begin_harmless();
    GHCB_UNSET(sw_exitcode);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
    begin_harmless();
    GHCB_UNSET(sw_exitinfo1);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
    begin_harmless();
    GHCB_UNSET(sw_exitinfo2);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
}

TEST("An unknown exit code is malformed: invalid event")
{
    ghcb_request(UNKNOWN_EVENT, 0, 0);
    CHECK_MALFORMED(GHCB_ERR_INVALID_EVENT);
}

TEST("The host marks its answer valid, clears the other valid bits and leaves the exit code")
{
    begin_harmless();
    ghcb_set_scratch(SHARED_BUFFER);
    GHCB_SET(xcr0, 1);
    ghcb_exit();
    CHECK(GHCB_IS_VALID(rax) && GHCB_IS_VALID(rbx) && GHCB_IS_VALID(rcx) && GHCB_IS_VALID(rdx));
    CHECK(GHCB_IS_VALID(sw_exitinfo1) && GHCB_IS_VALID(sw_exitinfo2));
    CHECK(!GHCB_IS_VALID(sw_exitcode) && !GHCB_IS_VALID(sw_scratch) && !GHCB_IS_VALID(xcr0));
    CHECK_EQUAL(ghcb->sw_exitcode, GHCB_EXIT_HV_FEATURES);
}

TEST("Hypervisor features are those that the MSR protocol tells")
{
    uint64_t features = ghcb_msr_call(GHCB_MSR_HV_FEATURES_REQ) >> 12;

    ghcb_request(GHCB_EXIT_HV_FEATURES, 0, 0);
    CHECK_ANSWER(GHCB_RESULT_OK, features);
}

TEST("CPUID answers what is in the CPUID page")
{
    const struct cpuid_entry *entry = cpuid_find(CPUID_MEMORY_ENCRYPTION);

    ghcb_begin(SVM_EXIT_CPUID, 0, 0);
    GHCB_SET(rax, CPUID_MEMORY_ENCRYPTION);
    GHCB_SET(rcx, 0);
    ghcb_exit();
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    CHECK_EQUAL(ghcb->rax, entry->eax);
    CHECK_EQUAL(ghcb->rbx, entry->ebx);
    CHECK_EQUAL(ghcb->rcx, entry->ecx);
    CHECK_EQUAL(ghcb->rdx, entry->edx);
}

TEST("CPUID needs RAX and RCX, and for leaf 0xD XCR0")
{
    ghcb_begin(SVM_EXIT_CPUID, 0, 0);
    GHCB_SET(rax, 0);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
    ghcb_begin(SVM_EXIT_CPUID, 0, 0);
    GHCB_SET(rcx, 0);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
    ghcb_begin(SVM_EXIT_CPUID, 0, 0);
    GHCB_SET(rax, LEAF_XSAVE);
    GHCB_SET(rcx, 0);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
}

TEST("OUT needs RAX")
{
    ghcb_request(SVM_EXIT_IOIO, port_request(DELAY_PORT, 1, 0), 0);
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
}

TEST("OUT and IN reach the device with each width")
{
    uint32_t byte;

    port_out(FW_CFG_SELECT, 2, FW_CFG_SIGNATURE);
    byte = port_in(FW_CFG_DATA, 1);
    CHECK_EQUAL(byte, 'Q');
    port_out(0xCF8, 4, 0x80000000);
    CHECK_EQUAL(port_in(0xCF8, 4), 0x80000000);
    CHECK_EQUAL(port_in(0xCFC, 2), 0x8086);
}

TEST("An access of no width is done and does nothing")
{
    ghcb_request(SVM_EXIT_IOIO, (uint64_t)FW_CFG_DATA << IOIO_PORT_SHIFT | IOIO_IN, 0);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
}

static void begin_ins(uint64_t count)
{
    uint64_t how = IOIO_IN | IOIO_STRING | IOIO_REP;

    ghcb_begin(SVM_EXIT_IOIO, port_request(FW_CFG_DATA, 1, how), count);
}

TEST("INS puts its bytes into the shared buffer, OUTS takes them from there")
{
    uint16_t selector = FW_CFG_SIGNATURE;

    __builtin_memcpy(ghcb->shared_buffer, &selector, sizeof(selector));
    ghcb_begin(SVM_EXIT_IOIO, port_request(FW_CFG_SELECT, 2, IOIO_STRING | IOIO_REP), 1);
    ghcb_set_scratch(SHARED_BUFFER);
    ghcb_exit();
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    begin_ins(4);
    ghcb_set_scratch(SHARED_BUFFER);
    ghcb_exit();
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    CHECK_EQUAL(get_le32(ghcb->shared_buffer), 0x554D4551); /* "QEMU" */
}

TEST("INS without SW_SCRATCH is malformed: missing input")
{
    begin_ins(4);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
}

TEST("SW_SCRATCH must lie in the shared buffer of the GHCB")
{
    begin_ins(4);
    GHCB_SET(sw_scratch, gpa_of(host_page()));
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_INVALID_SCRATCH);
    begin_ins(4);
    ghcb_set_scratch(SHARED_BUFFER - 1);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_INVALID_SCRATCH);
    begin_ins(4);
    GHCB_SET(sw_scratch, ~0ull);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_INVALID_SCRATCH);
}

TEST("The scratch area must end in the shared buffer")
{
    begin_ins(4);
    ghcb_set_scratch(SHARED_BUFFER + GHCB_SHARED_BUFFER_SIZE - 3);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_INVALID_SCRATCH);
    begin_ins(4);
    ghcb_set_scratch(SHARED_BUFFER + GHCB_SHARED_BUFFER_SIZE - 4);
    ghcb_exit();
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    begin_ins(GHCB_SHARED_BUFFER_SIZE + 1);
    ghcb_set_scratch(SHARED_BUFFER);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_INVALID_SCRATCH);
    begin_ins(~0ull);
    ghcb_set_scratch(SHARED_BUFFER);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_INVALID_SCRATCH);
}

static void begin_msr(bool write, uint32_t msr)
{
    ghcb_begin(SVM_EXIT_MSR, write, 0);
    GHCB_SET(rcx, msr);
}

TEST("RDMSR and WRMSR of the APIC base go through the host")
{
    uint64_t low, high;

    begin_msr(false, MSR_APIC_BASE);
    ghcb_exit();
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    low = ghcb->rax;
    high = ghcb->rdx;
    CHECK_EQUAL(low & PAGE_MASK, LOCAL_APIC);
    begin_msr(true, MSR_APIC_BASE);
    GHCB_SET(rax, low);
    GHCB_SET(rdx, high);
    ghcb_exit();
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
}

TEST("RDMSR needs RCX, WRMSR needs RCX, RAX and RDX")
{
    ghcb_request(SVM_EXIT_MSR, false, 0);
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
    begin_msr(true, MSR_APIC_BASE);
    GHCB_SET(rdx, 0);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
    begin_msr(true, MSR_APIC_BASE);
    GHCB_SET(rax, LOCAL_APIC);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
}

TEST("An MSR access that the host refuses is answered with #GP to raise")
{
    begin_msr(true, MSR_APIC_BASE);
    GHCB_SET(rax, ~0u);
    GHCB_SET(rdx, ~0u);
    ghcb_exit();
    CHECK_ANSWER(GHCB_RESULT_EXCEPTION, RAISE_GP);
}

TEST("An MSR that is not the guest's is answered with #GP to raise, unknown or the host's own")
{
    static const uint32_t msrs[] = {0x12345, 0xC0000082 /* LSTAR */, 0xC0010117 /* VM_HSAVE_PA */};

    for (size_t i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
        begin_msr(false, msrs[i]);
        ghcb_exit();
        CHECK_ANSWER(GHCB_RESULT_EXCEPTION, RAISE_GP);
        begin_msr(true, msrs[i]);
        GHCB_SET(rax, 0);
        GHCB_SET(rdx, 0);
        ghcb_exit();
        CHECK_ANSWER(GHCB_RESULT_EXCEPTION, RAISE_GP);
    }
}

static void mmio(uint64_t code, uint64_t gpa, uint64_t size)
{
    ghcb_begin(code, gpa, size);
    ghcb_set_scratch(SHARED_BUFFER);
    ghcb_exit();
}

TEST("MMIO writes from the shared buffer and reads to it")
{
    put_le32(ghcb->shared_buffer, 0x20);
    mmio(GHCB_EXIT_MMIO_WRITE, LOCAL_APIC + APIC_TPR, 4);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    put_le32(ghcb->shared_buffer, ~0u);
    mmio(GHCB_EXIT_MMIO_READ, LOCAL_APIC + APIC_TPR, 4);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    CHECK_EQUAL(get_le32(ghcb->shared_buffer), 0x20);
}

TEST("MMIO of no bytes is done, of more than 8 malformed")
{
    mmio(GHCB_EXIT_MMIO_READ, LOCAL_APIC, 0);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    mmio(GHCB_EXIT_MMIO_READ, LOCAL_APIC, 16);
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
    mmio(GHCB_EXIT_MMIO_WRITE, LOCAL_APIC, ~0ull);
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

TEST("MMIO needs SW_SCRATCH, in the shared buffer")
{
    ghcb_request(GHCB_EXIT_MMIO_READ, LOCAL_APIC, 4);
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
    ghcb_begin(GHCB_EXIT_MMIO_READ, LOCAL_APIC, 4);
    ghcb_set_scratch(PAGE_SIZE);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_INVALID_SCRATCH);
}

TEST("WBINVD and NMI completion are done")
{
    ghcb_request(SVM_EXIT_WBINVD, 0, 0);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    ghcb_request(GHCB_EXIT_NMI_COMPLETE, 0, 0);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
}

TEST("RDTSC and RDTSCP give the time stamp counter, which goes on, and TSC_AUX")
{
    uint64_t first;

    msr_write(MSR_TSC_AUX, 0x1234);
    ghcb_request(SVM_EXIT_RDTSC, 0, 0);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    first = (uint32_t)ghcb->rax | ghcb->rdx << 32;
    ghcb_request(SVM_EXIT_RDTSCP, 0, 0);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    CHECK(((uint32_t)ghcb->rax | ghcb->rdx << 32) > first);
    CHECK_EQUAL(ghcb->rcx, 0x1234);
}

TEST("VMMCALL answers as KVM does to a call that it does not offer, and needs RAX and CPL")
{
    ghcb_begin(SVM_EXIT_VMMCALL, 0, 0);
    GHCB_SET(rax, 99);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
    ghcb_begin(SVM_EXIT_VMMCALL, 0, 0);
    GHCB_SET(rax, 99);
    GHCB_SET(cpl, 0);
    ghcb_exit();
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    CHECK_EQUAL(ghcb->rax, -1000);
}

TEST("The AP jump table is kept by the host")
{
    ghcb_request(GHCB_EXIT_AP_JUMP_TABLE, 1, 0);
    CHECK_ANSWER(GHCB_RESULT_OK, 0);
    ghcb_request(GHCB_EXIT_AP_JUMP_TABLE, 0, SOME_LOCATION);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    ghcb_request(GHCB_EXIT_AP_JUMP_TABLE, 1, 0);
    CHECK_ANSWER(GHCB_RESULT_OK, SOME_LOCATION);
}

static void ask_apic_ids(uint64_t pages, uint64_t gpa)
{
    ghcb_begin(GHCB_EXIT_APIC_ID_LIST, gpa, 0);
    GHCB_SET(rax, pages);
    ghcb_exit();
}

TEST("The APIC IDs: how many pages they need, then a count and that many IDs")
{
    uint32_t *list = host_page();

    ask_apic_ids(0, 0);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    CHECK_EQUAL(ghcb->rax, 1);
    ask_apic_ids(1, gpa_of(list));
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    CHECK_EQUAL(ghcb->rax, 1);
    CHECK_EQUAL(list[0], 1);
    CHECK_EQUAL(list[1], 0);
    ghcb_request(GHCB_EXIT_APIC_ID_LIST, 0, 0);
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
}

ENDING("A GHCB in private memory ends the machine", HOST_EXIT_GUEST_INVALID, "is not shared memory")
{
    ghcb_msr_call(gpa_of(valid_page()));
}

ENDING("A termination request ends the machine and gives its reason", HOST_EXIT_GUEST_TERMINATED,
       "VMPL0 asked to terminate: reason set 3, code 66")
{
    ghcb_request(GHCB_EXIT_TERM_REQUEST, 3 | 66 << 4, 0);
}
