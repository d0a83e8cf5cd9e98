/* SPDX-License-Identifier: MIT */
/* VMPLs, their VMSAs and permissions (APM vol. 2, 15.36.7 to 15.36.12; 56421, 4.1.9 and 4.1.16). */
#include "tests/emulator/runtime/vmpl.h"
#include "emulator/platform/host.h"
#include "lib/base/bytes.h"
#include "tests/emulator/runtime/control_registers.h"
#include "tests/emulator/runtime/exchange.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/rmp.h"
#include "tests/emulator/runtime/tap.h"

#define CR4_OSXSAVE      (1ull << 18)
#define XCR0_X87         1u
#define XCR0_X87_SSE_AVX 7u
#define OTHER_CPU        77
#define APIC_ICR         0x300
#define ICR_INIT         (5u << 8 | 1u << 14)
#define ICR_TO_SELF      (1u << 18)

/* What a function in another VMPL works on, and what it got. */
static volatile uint64_t *subject;
static uint64_t result;

static void do_nothing(void)
{
}

static void read_ghcb_msr(void)
{
    result = msr_read(MSR_GHCB);
}

TEST("A VMPL runs from its own VMSA by RUN_VMPL, and hands the CPU back by RUN_VMPL 0")
{
    result = 0;
    vmpl_call(1, read_ghcb_msr);
    CHECK(result != 0);
    vmpl_call(2, do_nothing);
    vmpl_call(3, do_nothing);
}

TEST("A VMPL's GHCB MSR starts as the SEV information response")
{
    CHECK_EQUAL(result, ghcb_msr_at_reset);
}

TEST("Each VMPL has a GHCB MSR of its own")
{
    vmpl_call(1, read_ghcb_msr);
    CHECK_EQUAL(result, GHCB_MSR_RUN_VMPL_RESP);
    CHECK_EQUAL(msr_read(MSR_GHCB), GHCB_MSR_RUN_VMPL_RESP);
}

static uint64_t their_registers[GENERAL_REGISTERS];

static void fill(uint64_t *words, size_t count, uint64_t pattern)
{
    for (size_t i = 0; i < count; i++)
        words[i] = pattern << 8 | i;
}

static void check_filled(const uint64_t *words, size_t count, uint64_t pattern)
{
    for (size_t i = 0; i < count; i++)
        CHECK_EQUAL(words[i], pattern << 8 | i);
}

static void exchange_theirs(void)
{
    msr_write(MSR_GHCB, GHCB_MSR_RUN_VMPL_REQ);
    exchange_general(their_registers);
}

static void ask_to_run_vmpl1(void)
{
    msr_write(MSR_GHCB, 1ull << 32 | GHCB_MSR_RUN_VMPL_REQ);
}

TEST("General registers do not leak from one VMPL into another")
{
    uint64_t my_registers[GENERAL_REGISTERS];

    fill(my_registers, GENERAL_REGISTERS, 0x111111);
    fill(their_registers, GENERAL_REGISTERS, 0x222222);
    vmpl_call(1, exchange_theirs);
    ask_to_run_vmpl1();
    exchange_general(my_registers);
    check_filled(my_registers, GENERAL_REGISTERS, 0x111111);
    check_filled(their_registers, GENERAL_REGISTERS, 0x222222);
}

TEST("The registers of a VMPL that does not run are in its VMSA, and VMPL0 may change them")
{
    struct vmsa *vmsa = vmpl_vmsa(1);

    fill(their_registers, GENERAL_REGISTERS, 0x333333);
    vmpl_call(1, exchange_theirs);
    CHECK_EQUAL(vmsa->guest_exitcode, SVM_EXIT_VMGEXIT);
    CHECK_EQUAL(vmsa->rax, their_registers[EXCHANGE_RAX]);
    CHECK_EQUAL(vmsa->rcx, their_registers[EXCHANGE_RCX]);
    CHECK_EQUAL(vmsa->rbx, their_registers[EXCHANGE_RBX]);
    vmsa->rax = 0x123456789;
    vmsa->rdx = 0x987654321;
    vmpl_resume(1);
    CHECK_EQUAL(their_registers[EXCHANGE_RAX], 0x123456789);
    CHECK_EQUAL(their_registers[EXCHANGE_RDX], 0x987654321);
    CHECK_EQUAL(their_registers[EXCHANGE_RBX], 0x33333300 | EXCHANGE_RBX);
}

static uint64_t their_xmm[VECTOR_REGISTERS][2];

static void exchange_their_xmm(void)
{
    msr_write(MSR_GHCB, GHCB_MSR_RUN_VMPL_REQ);
    exchange_xmm(their_xmm);
}

TEST("XMM registers do not leak from one VMPL into another")
{
    uint64_t my_xmm[VECTOR_REGISTERS][2];

    fill(my_xmm[0], VECTOR_REGISTERS * 2, 0x444444);
    fill(their_xmm[0], VECTOR_REGISTERS * 2, 0x555555);
    vmpl_call(1, exchange_their_xmm);
    ask_to_run_vmpl1();
    exchange_xmm(my_xmm);
    check_filled(my_xmm[0], VECTOR_REGISTERS * 2, 0x444444);
    check_filled(their_xmm[0], VECTOR_REGISTERS * 2, 0x555555);
}

static uint64_t their_ymm[VECTOR_REGISTERS][4];

static void enable_avx(void)
{
    write_cr4(read_cr4() | CR4_OSXSAVE);
    __asm__ volatile("xsetbv" : : "c"(0), "a"(XCR0_X87_SSE_AVX), "d"(0));
}

static void exchange_their_ymm(void)
{
    enable_avx();
    msr_write(MSR_GHCB, GHCB_MSR_RUN_VMPL_REQ);
    exchange_ymm(their_ymm);
}

TEST("YMM registers do not leak from one VMPL into another")
{
    uint64_t my_ymm[VECTOR_REGISTERS][4];

    enable_avx();
    fill(my_ymm[0], VECTOR_REGISTERS * 4, 0x666666);
    fill(their_ymm[0], VECTOR_REGISTERS * 4, 0x777777);
    vmpl_call(1, exchange_their_ymm);
    ask_to_run_vmpl1();
    exchange_ymm(my_ymm);
    check_filled(my_ymm[0], VECTOR_REGISTERS * 4, 0x666666);
    check_filled(their_ymm[0], VECTOR_REGISTERS * 4, 0x777777);
}

static void read_xcr0(void)
{
    uint32_t low, high;

    write_cr4(read_cr4() | CR4_OSXSAVE);
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    result = low;
}

TEST("XCR0 is each VMPL's own")
{
    enable_avx();
    vmpl_call(2, read_xcr0);
    CHECK_EQUAL(result, XCR0_X87);
    read_xcr0();
    CHECK_EQUAL(result, XCR0_X87_SSE_AVX);
}

static void run_own_vmpl(void)
{
    result = run_vmpl(1);
}

TEST("RUN_VMPL of the VMPL that asks succeeds and changes nothing")
{
    CHECK_EQUAL(run_vmpl(0), GHCB_MSR_RUN_VMPL_RESP);
    vmpl_call(1, run_own_vmpl);
    CHECK_EQUAL(result, GHCB_MSR_RUN_VMPL_RESP);
}

TEST("RUN_VMPL through the GHCB page does the same as by the MSR protocol")
{
    fill(their_registers, GENERAL_REGISTERS, 0x888888);
    vmpl_call(1, exchange_theirs);
    ghcb_request(GHCB_EXIT_RUN_VMPL, 1, 0);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    check_filled(their_registers, GENERAL_REGISTERS, 0x888888);
}

TEST("RUN_VMPL of a VMPL that does not exist is refused")
{
    CHECK(run_vmpl(VMPL_COUNT) >> 32 != 0);
    ghcb_request(GHCB_EXIT_RUN_VMPL, VMPL_COUNT, 0);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_MALFORMED);
}

TEST("RUN_VMPL through the GHCB page looks at all 64 bits of the target")
{
    ghcb_request(GHCB_EXIT_RUN_VMPL, 1ull << 32 | 1, 0);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_MALFORMED);
}

static void destroy(unsigned vmpl)
{
    ghcb_request(GHCB_EXIT_AP_CREATION, ap_request(AP_DESTROY, vmpl, 0), 0);
}

TEST("RUN_VMPL of a VMPL whose VMSA was destroyed is refused")
{
    destroy(2);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    CHECK(run_vmpl(2) >> 32 != 0);
    ghcb_request(GHCB_EXIT_RUN_VMPL, 2, 0);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_MALFORMED);
    CHECK(ap_create(2, vmpl_vmsa(2)));
    vmpl_call(2, do_nothing);
}

/* VMPL3's VMSA from here on is whatever the test makes of it. */
static bool runs_at_vmpl3(const struct vmsa *vmsa)
{
    return ap_create(3, vmsa) && run_vmpl(3) == GHCB_MSR_RUN_VMPL_RESP;
}

TEST("A page without the VMSA bit does not run")
{
    struct vmsa *vmsa = vmpl_new_vmsa(3);

    CHECK(!runs_at_vmpl3(vmsa));
    vmpl_mark_vmsa(vmsa, true);
    CHECK(runs_at_vmpl3(vmsa));
}

TEST("A VMSA with EFER.SVME clear does not run, and runs when it is set again")
{
    struct vmsa *vmsa = vmpl_new_vmsa(3);

    vmpl_mark_vmsa(vmsa, true);
    vmsa->efer &= ~EFER_SVME;
    CHECK(!runs_at_vmpl3(vmsa));
    vmsa->efer |= EFER_SVME;
    CHECK(runs_at_vmpl3(vmsa));
}

TEST("A VMSA whose VMPL byte is another VMPL's does not run")
{
    struct vmsa *vmsa = vmpl_new_vmsa(3);

    vmpl_mark_vmsa(vmsa, true);
    vmsa->vmpl = 0;
    CHECK(!runs_at_vmpl3(vmsa));
    vmsa->vmpl = 2;
    CHECK(!runs_at_vmpl3(vmsa));
}

TEST("A VMSA without SNP_ACTIVE in SEV_FEATURES does not run")
{
    struct vmsa *vmsa = vmpl_new_vmsa(3);

    vmpl_mark_vmsa(vmsa, true);
    vmsa->sev_features = 0;
    CHECK(!runs_at_vmpl3(vmsa));
}

TEST("A VMSA with restricted and alternate injection at once does not run")
{
    struct vmsa *vmsa = vmpl_new_vmsa(3);

    vmpl_mark_vmsa(vmsa, true);
    vmsa->sev_features |= SEV_FEATURE_RESTRICTED_INJECTION | SEV_FEATURE_ALTERNATE_INJECTION;
    CHECK(!runs_at_vmpl3(vmsa));
}

static void take_own_vmsa(void)
{
    result = ghcb_msr_psc((uint64_t)subject, PSC_SHARED);
}

TEST("A page that went to the host and came back is no VMSA that runs")
{
    struct vmsa *vmsa = vmpl_new_vmsa(3);
    struct vmsa copy = *vmsa;

    vmpl_mark_vmsa(vmsa, true);
    ghcb_msr_psc(gpa_of(vmsa), PSC_SHARED);
    ghcb_msr_psc(gpa_of(vmsa), PSC_PRIVATE);
    pvalidate(vmsa, SIZE_4K, true);
    *vmsa = copy;
    CHECK(!runs_at_vmpl3(vmsa));
}

TEST("The VMSA of the VMPL that runs is in use: the host cannot take its page")
{
    struct vmsa *vmsa = vmpl_vmsa(2);
    uint64_t gpa = gpa_of(vmsa);
    struct rmp_view before = rmpquery(vmsa, 1);

    subject = (volatile uint64_t *)gpa;
    vmpl_call(2, take_own_vmsa);
    CHECK(result >> 63);
    CHECK_EQUAL(rmpquery(vmsa, 1).rdx, before.rdx);
    vmpl_call(2, do_nothing);
}

static void read_sev_status(void)
{
    result = msr_read(MSR_SEV_STATUS);
}

TEST("SEV_STATUS of a VMPL tells the SEV_FEATURES of its own VMSA")
{
    struct vmsa *vmsa = vmpl_vmsa(2);

    vmsa->sev_features |= SEV_FEATURE_DEBUG_SWAP;
    vmpl_call(2, read_sev_status);
    CHECK_EQUAL(result >> SEV_STATUS_FEATURES_SHIFT,
                SEV_FEATURE_SNP_ACTIVE | SEV_FEATURE_DEBUG_SWAP);
    CHECK_EQUAL(msr_read(MSR_SEV_STATUS) >> SEV_STATUS_FEATURES_SHIFT, SEV_FEATURE_SNP_ACTIVE);
}

static void ask_to_create(uint64_t request, uint64_t gpa)
{
    ghcb_begin(GHCB_EXIT_AP_CREATION, request, gpa);
    GHCB_SET(rax, SEV_FEATURE_SNP_ACTIVE);
    ghcb_exit();
}

static void init_itself(void)
{
    put_le32(ghcb->shared_buffer, ICR_INIT | ICR_TO_SELF);
    ghcb_begin(GHCB_EXIT_MMIO_WRITE, LOCAL_APIC + APIC_ICR, 4);
    ghcb_set_scratch(offsetof(struct ghcb, shared_buffer));
    ghcb_exit();
}

/* A VMSA for VMPL3 that has not run. */
static struct vmsa *new_vmsa3(void)
{
    struct vmsa *vmsa = vmpl_new_vmsa(3);

    vmpl_mark_vmsa(vmsa, true);
    return vmsa;
}

TEST("CREATE_ON_INIT gives a VMPL without a VMSA one for its first RUN_VMPL")
{
    destroy(3);
    ask_to_create(ap_request(AP_CREATE_ON_INIT, 3, 0), gpa_of(new_vmsa3()));
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    CHECK_EQUAL(run_vmpl(3), GHCB_MSR_RUN_VMPL_RESP);
}

TEST("CREATE_ON_INIT replaces the VMSA of a VMPL only at INIT, CREATE at once")
{
    struct vmsa *vmsas[] = {new_vmsa3(), new_vmsa3(), new_vmsa3()};

    CHECK(runs_at_vmpl3(vmsas[0]));
    ask_to_create(ap_request(AP_CREATE_ON_INIT, 3, 0), gpa_of(vmsas[1]));
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    vmpl_resume(3);
    CHECK_EQUAL(vmsas[1]->guest_exitcode, 0);
    init_itself();
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    vmpl_resume(3);
    CHECK_EQUAL(vmsas[1]->guest_exitcode, SVM_EXIT_VMGEXIT);
    ask_to_create(ap_request(AP_CREATE, 3, 0), gpa_of(vmsas[2]));
    vmpl_resume(3);
    CHECK_EQUAL(vmsas[2]->guest_exitcode, SVM_EXIT_VMGEXIT);
}

TEST("AP_CREATION refuses SEV_FEATURES that the platform does not have")
{
    ghcb_begin(GHCB_EXIT_AP_CREATION, ap_request(AP_CREATE_ON_INIT, 3, 0), gpa_of(vmpl_vmsa(1)));
    GHCB_SET(rax, SEV_FEATURE_SNP_ACTIVE | SEV_FEATURE_VTOM);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

TEST("AP_CREATION refuses a VMSA at a 2 MiB boundary")
{
    ask_to_create(ap_request(AP_CREATE_ON_INIT, 3, 0), gpa_of(fresh_large_page()));
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

TEST("AP_CREATION refuses a VMSA that is not page-aligned")
{
    ask_to_create(ap_request(AP_CREATE_ON_INIT, 3, 0), gpa_of(vmpl_vmsa(1)) + 16);
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

TEST("AP_CREATION refuses a VMPL that does not exist")
{
    ask_to_create(ap_request(AP_CREATE_ON_INIT, VMPL_COUNT, 0), gpa_of(vmpl_vmsa(1)));
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

TEST("AP_CREATION refuses a CPU that does not exist")
{
    ask_to_create(ap_request(AP_CREATE_ON_INIT, 3, OTHER_CPU), gpa_of(vmpl_vmsa(1)));
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

TEST("AP_CREATION refuses a request kind that does not exist")
{
    ask_to_create(ap_request(AP_DESTROY + 1, 3, 0), gpa_of(vmpl_vmsa(1)));
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

TEST("AP_CREATION without RAX is refused")
{
    ghcb_request(GHCB_EXIT_AP_CREATION, ap_request(AP_CREATE_ON_INIT, 3, 0), gpa_of(vmpl_vmsa(1)));
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
}

TEST("AP_CREATION refuses to replace the VMSA of the VMPL that asks")
{
    ask_to_create(ap_request(AP_CREATE, 0, 0), gpa_of(vmpl_vmsa(1)));
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

static struct ghcb *other_ghcb;

static void replace_vmpl0(void)
{
    ghcb_use(other_ghcb, true);
    ask_to_create(ap_request(AP_CREATE, 0, 0), gpa_of(vmpl_vmsa(1)));
}

TEST("AP_CREATION refuses to replace the VMSA of a more privileged VMPL")
{
    struct ghcb *mine = ghcb;

    other_ghcb = host_page();
    vmpl_call(1, replace_vmpl0);
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
    ghcb = mine;
}

static void use_their_ghcb(void)
{
    ghcb_use(other_ghcb, false);
    ghcb_request(GHCB_EXIT_HV_FEATURES, 0, 0);
}

TEST("A GHCB that another VMPL registered is not registered")
{
    struct ghcb *mine = ghcb;

    other_ghcb = host_page();
    ghcb_use(other_ghcb, true);
    vmpl_call(2, use_their_ghcb);
    CHECK_MALFORMED(GHCB_ERR_NOT_REGISTERED);
    ghcb_use(mine, true);
}

static void read_subject(void)
{
    result = try_read(subject);
}

static void write_subject(void)
{
    try_write(subject, 42);
}

static void call_subject(void)
{
    try_call((const void *)subject);
}

TEST("A VMPL with Read reads, with Write writes, with Execute executes")
{
    subject = valid_page();
    *subject = RET_OPCODE;
    rmpadjust((void *)subject, SIZE_4K, grant(1, RMP_READ));
    vmpl_call(1, read_subject);
    CHECK_NO_TRAP();
    CHECK_EQUAL(result, RET_OPCODE);
    rmpadjust((void *)subject, SIZE_4K, grant(1, RMP_READ | RMP_EXECUTE_SUPERVISOR));
    vmpl_call(1, call_subject);
    CHECK_NO_TRAP();
    rmpadjust((void *)subject, SIZE_4K, grant(1, RMP_READ | RMP_WRITE));
    vmpl_call(1, write_subject);
    CHECK_NO_TRAP();
    CHECK_EQUAL(*subject, 42);
}

TEST("At VMPL1, too, a page that is not validated raises #VC 0x404, whatever its permissions")
{
    subject = valid_page();
    pvalidate((void *)subject, SIZE_4K, false);
    vmpl_call(1, read_subject);
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
}

static void open_subject(uint64_t permissions)
{
    subject = valid_page();
    rmpadjust((void *)subject, SIZE_4K, grant(1, permissions));
}

#define FORBIDDEN_TO(vmpl) HOST_EXIT_GUEST_INVALID, vmpl ": the RMP forbids its access to gpa"

ENDING("A VMSA with reserved bits of CR4 does not run", HOST_EXIT_GUEST_INVALID,
       "VMPL1: its state cannot run")
{
    vmpl_vmsa(1)->cr4 |= 1ull << 15;
    vmpl_call(1, read_subject);
}

ENDING("A VMSA with NW and without CD in CR0 does not run", HOST_EXIT_GUEST_INVALID,
       "VMPL1: its state cannot run")
{
    vmpl_vmsa(1)->cr0 |= 1ull << 29;
    vmpl_call(1, read_subject);
}

ENDING("A VMPL without any permission that reads causes a nested page fault", FORBIDDEN_TO("VMPL1"))
{
    open_subject(0);
    vmpl_call(1, read_subject);
}

ENDING("A VMPL without Write that writes causes a nested page fault", FORBIDDEN_TO("VMPL1"))
{
    open_subject(RMP_ALL & ~RMP_WRITE);
    vmpl_call(1, read_subject);
    vmpl_call(1, write_subject);
}

ENDING("A VMPL without Execute that executes causes a nested page fault", FORBIDDEN_TO("VMPL1"))
{
    open_subject(RMP_READ | RMP_WRITE);
    *subject = RET_OPCODE;
    vmpl_call(1, read_subject);
    vmpl_call(1, call_subject);
}

ENDING("Write without Read is no right to write", FORBIDDEN_TO("VMPL1"))
{
    open_subject(RMP_WRITE);
    vmpl_call(1, write_subject);
}

ENDING("What VMPL1 may do, VMPL2 may not", FORBIDDEN_TO("VMPL2"))
{
    open_subject(RMP_ALL);
    vmpl_call(1, read_subject);
    vmpl_call(2, read_subject);
}

ENDING("A permission that was taken away is gone at once", FORBIDDEN_TO("VMPL1"))
{
    open_subject(RMP_ALL);
    vmpl_call(1, read_subject);
    rmpadjust((void *)subject, SIZE_4K, grant(1, 0));
    vmpl_call(1, read_subject);
}
