/* SPDX-License-Identifier: MIT */
/* The emulated SEV-SNP platform: from reset to the end of the guest. */
#include "emulator/cpu/npt.h"
#include "emulator/cpu/rmp.h"
#include "emulator/cpu/xsave.h"
#include "emulator/platform/cpus.h"
#include "emulator/platform/memory.h"
#include "emulator/vmm/devices.h"
#include "emulator/vmm/kvm_clock.h"
#include "emulator/vmm/launch.h"
#include "emulator/vmm/processors.h"
#include "emulator/vmm/sp_client.h"
#include "emulator/vmm/vmm.h"

#define GIB4 (4ul << 30)

_Noreturn void hypervisor_main(void);

/* An access whose C-bit disagrees with who owns the page. The host's fault handling on Linux/KVM
 * takes it for a page state change; the contents are lost. A private access then finds the page
 * assigned but not validated, which is the guest's to deal with (#VC). */
static void convert_page(struct vcpu *cpu)
{
    log_line("VMPL%u: implicit page state change of gpa %lx to %s", cpu->current->vmpl,
             cpu->fault.v, cpu->fault_private ? "private" : "shared");
    if (!vmm_change_page(cpu->fault, false, cpu->fault_private))
        die(HOST_EXIT_GUEST_INVALID, "VMPL%u: private access to gpa %lx, which is no memory",
            cpu->current->vmpl, cpu->fault.v);
}

static _Noreturn void run_guest(struct vcpu *cpu)
{
    for (;;) {
        switch (vcpu_run(cpu)) {
        case VCPU_EXIT_VMGEXIT:
            vmm_vmgexit(cpu);
            break;
        case VCPU_EXIT_PAGE:
            convert_page(cpu);
            break;
        case VCPU_EXIT_LENT:
            if (!vcpu_enter(cpu, 0))
                trace_line("VMPL0 cannot have the CPU: %s", vcpu_why_not(cpu, 0));
            break;
        case VCPU_EXIT_FORBIDDEN:
            die(HOST_EXIT_GUEST_INVALID, "VMPL%u: the RMP forbids its access to gpa %lx",
                cpu->current->vmpl, cpu->fault.v);
        case VCPU_EXIT_HALTED:
            die(HOST_EXIT_GUEST_INVALID,
                "VMPL%u halts, and with restricted injection nothing can wake it",
                cpu->current->vmpl);
        case VCPU_EXIT_SHUTDOWN:
            die(HOST_EXIT_GUEST_SHUTDOWN, "VMPL%u: shutdown at rip %lx, cr2 %lx, cr3 %lx",
                cpu->current->vmpl, cpu->current->save->rip, cpu->current->save->cr2,
                cpu->current->save->cr3);
        case VCPU_EXIT_INVALID:
            die(HOST_EXIT_GUEST_INVALID, "VMPL%u: its state cannot run", cpu->current->vmpl);
        }
    }
}

/* With the lock. */
static _Noreturn void run_this_cpu(void)
{
    vcpu_start();
    run_guest(processor_find(host_cpu_index()));
}

_Noreturn void hypervisor_main(void)
{
    struct vcpu *first;

    memory_init();
    host_exceptions_init();
    host_trace = command_line_number("trace", 0) != 0;
    vmm_counts = command_line_number("counts", 0) != 0;
    if (command_line_number("lend", 0) != 0)
        vcpu_lend();
    vmm_strict = command_line_number("strict", 0) != 0;
    log_line("emulated SEV-SNP platform: %lu MiB for the guest, no confidentiality whatever",
             (host_memory.guest_end + host_memory.high_end - GIB4) >> 20);
    xsave_init((enum xsave_wish)command_line_number("xsave", XSAVE_WHERE_WHOLE));
    host_cpus_start(run_this_cpu);
    guest_memory_init();
    rmp_init(npt_sync);
    npt_init();
    devices_init();
    kvm_clock_init();
    processors_init();
    first = processor_find(0);
    sp_init();
    launch(first, host_memory.igvm, host_memory.igvm_size);
    log_line("launched");
    if (!vcpu_enter(first, 0))
        die(HOST_EXIT_GUEST_INVALID, "the boot processor's VMSA cannot run: %s",
            vcpu_why_not(first, 0));
    for (unsigned i = 1; i < host_cpu_count(); i++)
        host_kick(i);
    run_this_cpu();
}
