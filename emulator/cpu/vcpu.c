/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/vcpu.h"

#include "emulator/cpu/fpu.h"
#include "emulator/cpu/instruction.h"
#include "emulator/cpu/npt.h"
#include "emulator/cpu/orders.h"
#include "emulator/cpu/rmp.h"
#include "emulator/cpu/vc.h"
#include "emulator/cpu/xsave.h"
#include "emulator/platform/cpus.h"
#include "emulator/platform/memory.h"
#include "lib/snp/exit_codes.h"
#include "lib/snp/ghcb.h"

#define MSR_VM_HSAVE_PA        0xC0010117u
#define MSR_APIC_BASE          0x1Bu
#define MSR_X2APIC_EOI         0x80Bu
#define MSR_X2APIC_TIMER_COUNT 0x838u
#define MSR_X2APIC_TIMER_NOW   0x839u
#define SUPPORTED_SEV_FEATURES                                                                     \
    (SEV_FEATURE_SNP_ACTIVE | SEV_FEATURE_RESTRICTED_INJECTION | SEV_FEATURE_DEBUG_SWAP)

#define LEND_EVERY (1ul << 27) /* of the time-stamp counter: a tenth of a second, more or less */

#define IOPM_PAGES  3
#define MSRPM_PAGES 2

void vmrun(uint64_t vmcb_pa, struct vmsa *save);
void halt_for_ever(void);

static hpa_t iopm, msrpm;
static bool lends;

/* What a guest may do to an MSR without an exit: a bit each in the permission map (APM vol. 2,
 * 15.11). */
#define MSR_READ  1u
#define MSR_WRITE 2u

static void pass_through(uint32_t msr, unsigned access)
{
    uint8_t *map = host_ptr(msrpm);
    uint32_t index = msr & 0x1FFF;

    if (msr >= 0xC0010000)
        map += 0x1000;
    else if (msr >= 0xC0000000)
        map += 0x800;
    map[index / 4] = (uint8_t)(map[index / 4] & ~(access << (index % 4 * 2)));
}

static void init_permission_maps(void)
{
    /* What the hardware swaps through the VMSA, and the TSC: as KVM does for an SNP guest. */
    static const uint32_t swapped[] = {
        0x10,       0x174,      0x175,      0x176,      0x277,      0xC0000081, 0xC0000082,
        0xC0000083, 0xC0000084, 0xC0000100, 0xC0000101, 0xC0000102, 0xC0000103, 0xDA0,
    };

    iopm = pool_pages(IOPM_PAGES);
    msrpm = pool_pages(MSRPM_PAGES);
    memset(host_ptr(iopm), 0xFF, IOPM_PAGES * PAGE_SIZE);
    memset(host_ptr(msrpm), 0xFF, MSRPM_PAGES * PAGE_SIZE);
    for (size_t i = 0; i < sizeof(swapped) / sizeof(swapped[0]); i++)
        pass_through(swapped[i], MSR_READ | MSR_WRITE);
    /* The local APIC is the guest's own. What each tick of a timer needs of it reaches nobody else,
     * unlike the command register. */
    pass_through(MSR_APIC_BASE, MSR_READ);
    pass_through(MSR_X2APIC_EOI, MSR_WRITE);
    pass_through(MSR_X2APIC_TIMER_COUNT, MSR_WRITE);
    pass_through(MSR_X2APIC_TIMER_NOW, MSR_READ);
}

/* An ASID for each VMPL, and for the idle loop: their translations differ. */
static struct vmcb *new_vmcb(unsigned vmpl)
{
    hpa_t pages = pool_pages((sizeof(struct vmcb) + PAGE_SIZE - 1) / PAGE_SIZE);
    struct vmcb *vmcb = host_ptr(pages);

    memset(vmcb, 0, sizeof(*vmcb));
    vmcb->intercept_exceptions = 1u << VECTOR_UD | (xsave_wants_gp() ? 1u << VECTOR_GP : 0);
    vmcb->iopm_pa = iopm.pa;
    vmcb->msrpm_pa = msrpm.pa;
    vmcb->asid = vmpl + 1;
    vmcb->np_control = 1;
    return vmcb;
}

void vcpu_lend(void)
{
    lends = true;
}

uint64_t vcpu_sev_information(void)
{
    return (uint64_t)GHCB_PROTOCOL_MAX << 48 | (uint64_t)GHCB_PROTOCOL_MIN << 32 |
           (uint64_t)CBIT_POSITION << 24 | GHCB_MSR_SEV_INFO_RESP;
}

/* HLT for ever, with the hypervisor's own tables. */
static struct vmcb *new_idle_vmcb(void)
{
    struct vmcb *vmcb = new_vmcb(VMPL_COUNT);

    vmcb->np_control = 0;
    vmcb->intercept_misc1 = INTERCEPT_INTR | INTERCEPT_NMI | INTERCEPT_SHUTDOWN;
    vmcb->intercept_misc2 = INTERCEPT_VMRUN;
    vmcb->save.cs = (struct vmsa_segment){.selector = 8, .attributes = 0xA9B, .limit = ~0u};
    vmcb->save.ss = (struct vmsa_segment){.selector = 16, .attributes = 0xC93, .limit = ~0u};
    vmcb->save.efer = EFER_SVME | EFER_LMA | EFER_LME | EFER_NXE;
    vmcb->save.cr0 = CR0_PG | CR0_ET | CR0_PE;
    vmcb->save.cr3 = memory_root(false).pa;
    vmcb->save.cr4 = CR4_PAE;
    vmcb->save.dr6 = VMSA_DR6_RESET;
    vmcb->save.dr7 = VMSA_DR7_RESET;
    vmcb->save.rflags = VMSA_RFLAGS_RESET | RFLAGS_IF;
    return vmcb;
}

void vcpu_init(struct vcpu *cpu, unsigned index)
{
    memset(cpu, 0, sizeof(*cpu));
    cpu->index = index;
    cpu->replaces = NO_VMPL;
    cpu->next = NO_VMPL;
    for (unsigned vmpl = 0; vmpl < VMPL_COUNT; vmpl++)
        cpu->contexts[vmpl] = (struct vmpl_context){.vmpl = vmpl,
                                                    .vmsa = gpa(NO_GPA),
                                                    .vmsa_on_init = gpa(NO_GPA),
                                                    .ghcb = gpa(NO_GPA),
                                                    .ghcb_msr = vcpu_sev_information()};
    if (!msrpm.pa)
        init_permission_maps();
    cpu->idle = new_idle_vmcb();
}

void vcpu_start(void)
{
    hpa_t host_save = pool_page();

    if (!host_wrmsr(MSR_VM_HSAVE_PA, host_save.pa))
        die(HOST_EXIT_INTERNAL, "the machine has no SVM: QEMU's -cpu must be an AMD model");
}

void vcpu_set_vmsa(struct vcpu *cpu, unsigned vmpl, gpa_t vmsa)
{
    cpu->contexts[vmpl].vmsa = vmsa;
    cpu->contexts[vmpl].vmsa_on_init = gpa(NO_GPA);
    cpu->contexts[vmpl].nmi_masked = false;
    if (vmsa.v != NO_GPA && !cpu->contexts[vmpl].vmcb) {
        cpu->contexts[vmpl].vmcb = new_vmcb(vmpl);
        cpu->contexts[vmpl].save = &cpu->contexts[vmpl].vmcb->save;
    }
}

bool vcpu_features_supported(uint64_t sev_features)
{
    return (sev_features & SEV_FEATURE_SNP_ACTIVE) && !(sev_features & ~SUPPORTED_SEV_FEATURES);
}

/* NULL: VMRUN would accept the VMSA of this context (APM vol. 2, 15.36.12). */
static const char *why_not_runnable(const struct vmpl_context *context)
{
    const struct rmp_entry *entry;
    const struct vmsa *vmsa;
    hpa_t backing;

    if (context->vmsa.v == NO_GPA || !guest_memory_find(context->vmsa, &backing))
        return "there is none";
    entry = rmp_find(context->vmsa);
    if (!(entry->flags & RMP_ASSIGNED) || !(entry->flags & RMP_VMSA) ||
        entry->gpa.v != context->vmsa.v)
        return "it is no VMSA page";
    if (entry->flags & RMP_IN_USE)
        return "it is in use";
    vmsa = host_ptr(backing);
    if (!(vmsa->efer & EFER_SVME))
        return "its EFER.SVME is clear";
    if (vmsa->vmpl != context->vmpl)
        return "it is another VMPL's";
    return vcpu_features_supported(vmsa->sev_features) ? NULL : "its SEV_FEATURES are not offered";
}

const char *vcpu_why_not(const struct vcpu *cpu, unsigned vmpl)
{
    return why_not_runnable(&cpu->contexts[vmpl]);
}

void vcpu_leave(struct vcpu *cpu)
{
    const struct vmpl_context *context = cpu->current;
    hpa_t backing;

    fpu_save(context->save);
    rmp_set_in_use(context->vmsa, false);
    if (guest_memory_find(context->vmsa, &backing))
        memcpy(host_ptr(backing), context->save, sizeof(struct vmsa));
    cpu->current = NULL;
}

/*
 * With restricted injection (APM vol. 2, 15.36.16) no interrupt and no NMI enters a VMPL, only #HV,
 * for which this platform has no doorbell. They wait for a VMPL without it.
 */
static void set_intercepts(struct vmpl_context *context)
{
    struct vmcb *vmcb = context->vmcb;
    bool restricted = context->save->sev_features & SEV_FEATURE_RESTRICTED_INJECTION;

    vmcb->intercept_misc1 = INTERCEPT_NMI | INTERCEPT_CR0_SEL_WRITE | INTERCEPT_CPUID |
                            INTERCEPT_HLT | INTERCEPT_IOIO | INTERCEPT_MSR | INTERCEPT_SHUTDOWN;
    vmcb->intercept_misc2 = INTERCEPT_VMRUN | INTERCEPT_VMMCALL | INTERCEPT_VMLOAD |
                            INTERCEPT_VMSAVE | INTERCEPT_STGI | INTERCEPT_CLGI | INTERCEPT_SKINIT;
    if (context->nmi_masked)
        vmcb->intercept_misc1 |= INTERCEPT_IRET;
    if (restricted) {
        vmcb->intercept_misc2 |= INTERCEPT_MWAIT;
        vmcb->int_control |= V_INTR_MASKING;
    } else {
        vmcb->int_control &= ~V_INTR_MASKING;
    }
}

/* NMIs are the hypervisor's kicks, so the guest's own are injected. That does not mask the next
 * one, as delivery would: IRET ends the mask. */
static void deliver_nmi(struct vcpu *cpu)
{
    struct vmcb *vmcb = cpu->current->vmcb;

    if (!cpu->nmi_pending || cpu->current->nmi_masked || (vmcb->int_control & V_INTR_MASKING))
        return;
    if (vmcb->eventinj & EVENT_VALID) {
        host_kick(cpu->index); /* after what is to be delivered first */
        return;
    }
    vmcb->eventinj = VECTOR_NMI | EVENT_TYPE_NMI | EVENT_VALID;
    cpu->nmi_pending = false;
    cpu->current->nmi_masked = true;
    vmcb->intercept_misc1 |= INTERCEPT_IRET;
}

static void end_nmi(struct vcpu *cpu)
{
    cpu->current->nmi_masked = false;
    cpu->current->vmcb->intercept_misc1 &= ~INTERCEPT_IRET;
}

bool vcpu_enter(struct vcpu *cpu, unsigned vmpl)
{
    struct vmpl_context *next = &cpu->contexts[vmpl];
    hpa_t backing;

    if (cpu->current == next)
        return true;
    if (why_not_runnable(next) || !guest_memory_find(next->vmsa, &backing))
        return false;
    if (cpu->current)
        vcpu_leave(cpu);
    rmp_set_in_use(next->vmsa, true);
    memcpy(next->save, host_ptr(backing), sizeof(struct vmsa));
    next->vmcb->eventinj = 0;
    next->in_line = false;
    next->npt_version = 0; /* other registers, other translations */
    fpu_load(next->save);
    set_intercepts(next);
    cpu->current = next;
    cpu->wake = false;
    return true;
}

/* What became of an exit: back into the guest, or out to the VMM. */
enum outcome { RESUME, TO_VMM };

static enum exit_kind vc_kind(uint32_t error)
{
    switch (error) {
    case SVM_EXIT_CPUID:
        return EXIT_CPUID;
    case SVM_EXIT_IOIO:
        return EXIT_IOIO;
    case SVM_EXIT_MSR:
        return EXIT_MSR;
    case SVM_EXIT_NPF:
        return EXIT_MMIO;
    case SVM_EXIT_PAGE_NOT_VALIDATED:
        return EXIT_NOT_VALIDATED;
    default:
        return EXIT_OTHER;
    }
}

static enum outcome raise_vc(struct vmpl_context *context, uint32_t error, enum vcpu_exit *exit)
{
    trace_line("VMPL%u: #VC %x at rip %lx rax %lx rcx %lx", context->vmpl, error,
               context->save->rip, context->save->rax, context->save->rcx);
    context->exits[vc_kind(error)]++;
    context->vmcb->eventinj = 0;
    if (vc_raise(context, error))
        return RESUME;
    log_line("VMPL%u: #VC %x at rip %lx cannot be delivered: exit %lx, %lx, %lx, cr0 %lx, cr3 %lx",
             context->vmpl, error, context->save->rip, context->vmcb->exitcode,
             context->vmcb->exitinfo1, context->vmcb->exitinfo2, context->save->cr0,
             context->save->cr3);
    *exit = VCPU_EXIT_SHUTDOWN;
    return TO_VMM;
}

static enum outcome access_to_vmm(struct vcpu *cpu, enum vcpu_exit why, gpa_t address, bool private,
                                  enum vcpu_exit *exit)
{
    cpu->fault = address;
    cpu->fault_private = private;
    *exit = why;
    return TO_VMM;
}

/* A private access that the nested tables refused: the RMP's checks in their order (APM 15.36.10).
 */
static enum outcome private_fault(struct vcpu *cpu, gpa_t address, enum vcpu_exit *exit)
{
    struct vmpl_context *context = cpu->current;
    const struct rmp_entry *entry = rmp_find(address);

    if (!entry || !(entry->flags & RMP_ASSIGNED))
        return access_to_vmm(cpu, VCPU_EXIT_PAGE, gpa_page(address), true, exit);
    if (entry->gpa.v == gpa_page(address).v && !(entry->flags & RMP_VALIDATED))
        return raise_vc(context, SVM_EXIT_PAGE_NOT_VALIDATED, exit);
    return access_to_vmm(cpu, VCPU_EXIT_FORBIDDEN, address, true, exit);
}

static enum outcome nested_fault(struct vcpu *cpu, enum vcpu_exit *exit)
{
    struct vmpl_context *context = cpu->current;
    const struct vmcb *vmcb = context->vmcb;
    gpa_t address = gpa(vmcb->exitinfo2 & ~CBIT);
    bool private = !(context->save->cr0 & CR0_PG) || (vmcb->exitinfo2 & CBIT);
    hpa_t backing;

    if (npt_allows(address, context->vmpl, private, vmcb->exitinfo1))
        return RESUME; /* another CPU has changed that between the fault and the lock */
    if (private)
        return private_fault(cpu, address, exit);
    if ((vmcb->exitinfo1 & NPF_GUEST_TABLE) && rmp_allows(address, context->vmpl, RMP_WRITE)) {
        rmp_expose(address, RMP_TABLE);
        context->exits[EXIT_OTHER]++;
        return RESUME;
    }
    if (vmcb->exitinfo1 & NPF_FETCH) {
        if (!npt_allows(address, context->vmpl, true, NPF_FETCH))
            return private_fault(cpu, address, exit);
        rmp_expose(address, RMP_CODE);
        return RESUME;
    }
    if (!guest_memory_find(address, &backing))
        return raise_vc(context, SVM_EXIT_NPF, exit); /* MMIO */
    return access_to_vmm(cpu, VCPU_EXIT_PAGE, gpa_page(address), false, exit);
}

/* Whether an instruction was carried out, which is counted, or the RMP keeps its operand from the
 * guest: then *outcome is what follows. */
static bool is_settled(struct vcpu *cpu, enum instruction_result result, enum exit_kind kind,
                       gpa_t fault, enum outcome *outcome, enum vcpu_exit *exit)
{
    switch (result) {
    case INSTRUCTION_DONE:
        cpu->current->exits[kind]++;
        *outcome = RESUME;
        return true;
    case INSTRUCTION_NPF:
        *outcome = private_fault(cpu, fault, exit);
        return true;
    case INSTRUCTION_UNKNOWN:
        break;
    }
    return false;
}

static enum outcome undefined_opcode(struct vcpu *cpu, enum vcpu_exit *exit)
{
    enum instruction_result result;
    enum outcome outcome;
    gpa_t fault = {0};

    result = instruction_rmp(cpu->current, &fault);
    if (is_settled(cpu, result, EXIT_RMP, fault, &outcome, exit))
        return outcome;
    if (instruction_broadcast(cpu->current) == INSTRUCTION_DONE)
        return RESUME;
    result = instruction_xsavec(cpu->current, &fault);
    if (is_settled(cpu, result, EXIT_XSAVE, fault, &outcome, exit))
        return outcome;
    context_inject(cpu->current, VECTOR_UD, 0);
    return RESUME;
}

/* #GP while an exception was delivered, whose vector this is, is #DF, or ends in shutdown (APM
 * vol. 2, 8.2.9). */
static enum outcome second_exception(struct vmpl_context *context, unsigned first,
                                     enum vcpu_exit *exit)
{
    if (first == VECTOR_DF) {
        *exit = VCPU_EXIT_SHUTDOWN;
        return TO_VMM;
    }
    context_inject(context, VECTOR_DF, 0);
    return RESUME;
}

static bool is_contributory(unsigned vector)
{
    return vector == VECTOR_DE || vector == VECTOR_DF ||
           (vector >= VECTOR_TS && vector <= VECTOR_PF);
}

static enum outcome general_protection(struct vcpu *cpu, enum vcpu_exit *exit)
{
    uint32_t error = (uint32_t)cpu->current->vmcb->exitinfo1;
    uint64_t delivered = cpu->current->vmcb->exitintinfo;
    enum instruction_result result;
    enum outcome outcome;
    gpa_t fault = {0};

    if ((delivered & EVENT_VALID) && (delivered & EVENT_TYPE_MASK) == EVENT_TYPE_EXCEPTION &&
        is_contributory(delivered & EVENT_VECTOR_MASK))
        return second_exception(cpu->current, delivered & EVENT_VECTOR_MASK, exit);

    result = error ? INSTRUCTION_UNKNOWN : instruction_xrstor(cpu->current, &fault);
    if (is_settled(cpu, result, EXIT_XSAVE, fault, &outcome, exit))
        return outcome;
    context_inject(cpu->current, VECTOR_GP, error);
    return RESUME;
}

static enum outcome vmmcall(struct vmpl_context *context, enum vcpu_exit *exit)
{
    if (!instruction_is_vmgexit(context))
        return raise_vc(context, SVM_EXIT_VMMCALL, exit);
    context_skip(context, VMGEXIT_LENGTH);
    context->save->guest_exitcode = SVM_EXIT_VMGEXIT;
    context->exits[EXIT_VMGEXIT]++;
    *exit = VCPU_EXIT_VMGEXIT;
    return TO_VMM;
}

static bool is_lent(struct vcpu *cpu)
{
    uint64_t now = __builtin_ia32_rdtsc();

    if (!lends || cpu->current->vmpl == 0 || now - cpu->lent < LEND_EVERY)
        return false;
    cpu->lent = now;
    return true;
}

/* With restricted injection only another CPU's order can end it. */
static enum outcome halt(struct vcpu *cpu, enum vcpu_exit *exit)
{
    if ((cpu->current->vmcb->int_control & V_INTR_MASKING) && host_cpu_count() == 1) {
        *exit = VCPU_EXIT_HALTED;
        return TO_VMM;
    }
    if (!vcpu_halt(cpu) || !is_lent(cpu))
        return RESUME;
    *exit = VCPU_EXIT_LENT;
    return TO_VMM;
}

static enum outcome handle_exit(struct vcpu *cpu, enum vcpu_exit *exit)
{
    struct vmpl_context *context = cpu->current;
    struct vmcb *vmcb = context->vmcb;

    context->save->guest_exitcode = vmcb->exitcode;
    switch (vmcb->exitcode) {
    case SVM_EXIT_CPUID:
    case SVM_EXIT_IOIO:
    case SVM_EXIT_MWAIT:
        return raise_vc(context, (uint32_t)vmcb->exitcode, exit);
    case SVM_EXIT_MSR:
        if (instruction_msr(context, vmcb->exitinfo1) == INSTRUCTION_DONE) {
            context->exits[EXIT_OWN_MSR]++;
            return RESUME;
        }
        return raise_vc(context, SVM_EXIT_MSR, exit);
    case SVM_EXIT_VMMCALL:
        return vmmcall(context, exit);
    case SVM_EXIT_NPF:
        return nested_fault(cpu, exit);
    case SVM_EXIT_EXCEPTION + VECTOR_UD:
        return undefined_opcode(cpu, exit);
    case SVM_EXIT_EXCEPTION + VECTOR_GP:
        return general_protection(cpu, exit);
    case SVM_EXIT_CR0_SEL_WRITE:
        if (instruction_mov_cr0(context) == INSTRUCTION_DONE)
            return RESUME;
        break;
    case SVM_EXIT_NMI:
        return RESUME; /* taken already */
    case SVM_EXIT_IRET:
        end_nmi(cpu);
        return RESUME;
    case SVM_EXIT_HLT:
        return halt(cpu, exit);
    case SVM_EXIT_SHUTDOWN:
        *exit = VCPU_EXIT_SHUTDOWN;
        return TO_VMM;
    case SVM_EXIT_INVALID:
        *exit = VCPU_EXIT_INVALID;
        return TO_VMM;
    default: /* SVM instructions do not exist for the guest */
        context_inject(context, VECTOR_UD, 0);
        return RESUME;
    }
    log_line("VMPL%u: exit %lx at rip %lx is not emulated", context->vmpl, vmcb->exitcode,
             context->save->rip);
    *exit = VCPU_EXIT_INVALID;
    return TO_VMM;
}

/* The checks of every VMRUN that another CPU's RMPADJUST can make fail. */
static bool still_runnable(const struct vmpl_context *context)
{
    return rmp_find(context->vmsa)->flags & RMP_VMSA;
}

/* Translations last until the nested tables change, or others take their place. */
static void set_tables(struct vmpl_context *context)
{
    struct vmcb *vmcb = context->vmcb;
    uint64_t root = npt_root(context->vmpl, context->save->cr0 & CR0_PG).pa;
    uint64_t version = npt_version();

    vmcb->tlb_control =
        vmcb->ncr3 == root && context->npt_version == version ? TLB_KEEP : TLB_FLUSH_ALL;
    vmcb->ncr3 = root;
    context->npt_version = version;
}

/* QEMU drops all translations and, what costs more, its index of translated code whenever one of
 * these bits changes, at VMRUN and at #VMEXIT too. The hypervisor does not mind them. */
static void take_over_cr4(const struct vmsa *save)
{
    uint64_t bits = CR4_PSE | CR4_PGE | CR4_SMEP | CR4_SMAP;
    uint64_t now = host_read_cr4(), wanted = (now & ~bits) | (save->cr4 & bits);

    if (wanted != now)
        host_write_cr4(wanted);
}

/* What VMRUN looks at. */
struct entered {
    uint64_t rip, cr0, cr3, cr4, efer, event;
};

static struct entered entered_with(const struct vmcb *vmcb)
{
    const struct vmsa *save = &vmcb->save;

    return (struct entered){save->rip, save->cr0, save->cr3, save->cr4, save->efer, vmcb->eventinj};
}

/* Vectors that no exception has (APM vol. 2, 8.2). */
static bool is_interrupt_vector(unsigned vector)
{
    return (vector > VECTOR_CP && vector < VECTOR_HV) || vector > VECTOR_SX;
}

/* An event whose delivery met a nested fault is delivered again. QEMU calls an interrupt an
 * exception there, and does not take it back as one. */
static uint64_t interrupted_delivery(const struct vmcb *vmcb)
{
    uint64_t event = vmcb->exitintinfo;

    if (!(event & EVENT_VALID))
        return 0;
    if ((event & EVENT_TYPE_MASK) == EVENT_TYPE_EXCEPTION &&
        is_interrupt_vector(event & EVENT_VECTOR_MASK))
        event &= ~EVENT_TYPE_MASK; /* an external interrupt is type 0 */
    return event;
}

/* VMRUN refused the state that it was given, which is no longer there: some versions of QEMU have
 * stored the hypervisor's own in its place, and the exit code in 32 bits only. */
static void note_refusal(struct vmpl_context *context, const struct entered *entered)
{
    if ((uint32_t)context->vmcb->exitcode != (uint32_t)SVM_EXIT_INVALID)
        return;
    context->vmcb->exitcode = SVM_EXIT_INVALID;
    log_line("VMPL%u: VMRUN refuses rip %lx cr0 %lx cr3 %lx cr4 %lx efer %lx event %lx",
             context->vmpl, entered->rip, entered->cr0, entered->cr3, entered->cr4, entered->efer,
             entered->event);
}

static void run_once(struct vcpu *cpu)
{
    struct vmpl_context *context = cpu->current;
    struct vmcb *vmcb = context->vmcb;
    struct entered entered;

    deliver_nmi(cpu);
    context->exits[EXIT_VMRUN]++;
    context->in_line = false;
    set_tables(context);
    take_over_cr4(context->save);
    entered = entered_with(vmcb);
    host_enter_guest();
    vmrun(host_pa_of_direct(vmcb).pa, context->save);
    if (vmcb->exitcode == SVM_EXIT_NMI && !host_wait_kick())
        cpu->nmi_pending = true;
    host_leave_guest();
    note_refusal(context, &entered);
    vmcb->eventinj = interrupted_delivery(vmcb);
}

enum vcpu_exit vcpu_run(struct vcpu *cpu)
{
    enum vcpu_exit exit;

    do {
        orders_take(cpu);
        if (!still_runnable(cpu->current))
            return VCPU_EXIT_INVALID;
        if (!instruction_exits_at_once(cpu->current))
            run_once(cpu);
    } while (handle_exit(cpu, &exit) == RESUME);
    return exit;
}

void vcpu_run_idle(struct vcpu *cpu)
{
    cpu->idle->save.rip = (uint64_t)halt_for_ever;
    cpu->idle->tlb_control = TLB_FLUSH_ALL;
    vmrun(host_pa_of_direct(cpu->idle).pa, &cpu->idle->save);
}
