/* SPDX-License-Identifier: MIT */
#include "svsm/arch/usermode.h"

#include "svsm/arch/cpu.h"
#include "svsm/arch/cpu_area.h"
#include "svsm/arch/segments.h"
#include "svsm/base/panic.h"

#define EFER_SYSCALL_ENABLE (1ull << 0)
/* Cleared on entry: AC, NT, IOPL, DF, IF, TF. */
#define SYSCALL_FLAGS_MASK 0x47700ull
/* SYSRET is not used (IRET returns), so only the kernel's selectors matter. */
#define STAR_VALUE ((uint64_t)KERNEL_CODE << 32)

extern const uint8_t usermode_syscall_entry[];
_Noreturn void usermode_leave(struct cpu_local *local, enum user_exit reason);
_Noreturn void usermode_not_running(void);

void usermode_init(void)
{
    msr_write(MSR_STAR, STAR_VALUE);
    msr_write(MSR_LSTAR, (uint64_t)usermode_syscall_entry);
    msr_write(MSR_KERNEL_GS_BASE, (uint64_t)cpu_local());
    msr_write(MSR_SFMASK, SYSCALL_FLAGS_MASK);
    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SYSCALL_ENABLE);
}

void usermode_leave_on_fault(const struct user_fault *fault)
{
    struct cpu_local *local = cpu_local();

    local->fault = *fault;
    usermode_leave(local, USER_EXIT_FAULT);
}

void usermode_not_running(void)
{
    panic("attack: a service was left that does not run");
}
