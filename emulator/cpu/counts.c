/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/counts.h"

#include "emulator/cpu/vcpu.h"

static const char *const names[EXIT_KINDS] = {
    [EXIT_VMRUN] = "VMRUN",
    [EXIT_CPUID] = "CPUID",
    [EXIT_IOIO] = "IOIO",
    [EXIT_MSR] = "MSR",
    [EXIT_MMIO] = "MMIO",
    [EXIT_NOT_VALIDATED] = "not validated",
    [EXIT_OWN_MSR] = "own MSR",
    [EXIT_RMP] = "RMP instruction",
    [EXIT_XSAVE] = "XSAVEC, XRSTOR",
    [EXIT_VMGEXIT] = "VMGEXIT",
    [EXIT_OTHER] = "other",
    [CALL_PROTOCOL] = "call: MSR protocol",
    [CALL_CPUID] = "call: CPUID",
    [CALL_IOIO] = "call: IOIO",
    [CALL_MSR] = "call: MSR",
    [CALL_MMIO] = "call: MMIO",
    [CALL_PSC] = "call: PSC",
    [CALL_RUN_VMPL] = "call: RUN_VMPL",
    [CALL_OTHER] = "call: other",
};

void counts_log(struct vcpu *cpu, const char *until)
{
    for (unsigned vmpl = 0; vmpl < VMPL_COUNT; vmpl++) {
        uint64_t *exits = cpu->contexts[vmpl].exits;

        for (unsigned kind = 0; kind < EXIT_KINDS; kind++) {
            if (exits[kind])
                log_line("exits until %s: VMPL%u, %s: %lu", until, vmpl, names[kind], exits[kind]);
            exits[kind] = 0;
        }
    }
}
