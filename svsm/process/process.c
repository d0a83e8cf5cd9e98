/* SPDX-License-Identifier: MIT */
#include "svsm/process/process.h"

#include "lib/freestanding/string.h"
#include "svsm/arch/cpu.h"
#include "svsm/arch/cpu_area.h"
#include "svsm/arch/paging.h"
#include "svsm/console/log.h"
#include "svsm/mm/page_allocator.h"
#include "svsm/process/loader.h"
#include "svsm/process/syscall.h"

#define PAGES_LIMIT 4096 /* 16 MiB of memory of its own */

enum status process_create(struct process *process, int pid, const char *name, gpa_t file,
                           size_t size)
{
    enum status status;

    *process = (struct process){.name = name, .pid = pid, .fpu = page_allocate()};
    if (!process->fpu)
        return STATUS_NO_MEMORY;
    fpu_reset(process->fpu);
    status = address_space_init(&process->space, PAGES_LIMIT);
    if (status == STATUS_OK)
        status = loader_load(process, file, size);
    return status;
}

static void switch_to(struct process *process)
{
    process->cpu = cpu_this();
    address_space_activate(&process->space);
    fpu_restore(&process->cpu->fpu, process->fpu);
    msr_write(MSR_FS_BASE, process->fs_base);
    process->cpu->running = process;
}

static void switch_away(struct process *process)
{
    process->cpu->running = NULL;
    if (process->state != PROCESS_ENDED)
        fpu_save(&process->cpu->fpu, process->fpu);
    /* The next vCPU that runs it may free its tables. */
    paging_load_kernel();
}

static void end_by_fault(struct process *process)
{
    const struct user_fault *fault = &cpu_local()->fault;

    log_error("service %s: exception %lu, error %lx, rip %lx, address %lx", process->name,
              fault->vector, fault->error, fault->rip, fault->address);
    process_end(process, "a fault", fault->vector);
}

enum status process_run(struct process *process)
{
    if (process->state == PROCESS_ENDED)
        return STATUS_PROCESS_ENDED;
    switch_to(process);
    if (process->state == PROCESS_WAITING) {
        process->state = PROCESS_READY;
        syscall_handle(process);
    }
    while (process->state == PROCESS_READY) {
        if (usermode_run(cpu_local(), &process->registers) == USER_EXIT_SYSCALL)
            syscall_handle(process);
        else
            end_by_fault(process);
    }
    switch_away(process);
    return process->state == PROCESS_ENDED ? STATUS_PROCESS_ENDED : STATUS_OK;
}

void process_end(struct process *process, const char *why, uint64_t code)
{
    log_error("service %s ended: %s (%lu)", process->name, why, code);
    process->state = PROCESS_ENDED;
    address_space_destroy(&process->space);
    page_free(process->fpu);
    wipe(&process->registers, sizeof(process->registers));
}

enum status process_peek(const struct cpu *cpu, uva_t from, void *to, size_t size)
{
    return !cpu->running ? STATUS_FAULT : user_read(&cpu->running->space, to, from, size);
}
