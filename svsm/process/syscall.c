/* SPDX-License-Identifier: MIT */
#include "svsm/process/syscall.h"

#include <errno.h>
#include <sys/syscall.h>

#include "svsm/console/log.h"

static int64_t unknown(const struct syscall *call)
{
    bool *reported = call->process->reported;

    if (call->number < SYSCALL_NUMBERS && !reported[call->number]) {
        reported[call->number] = true;
        log_warning("service %s: system call %lu is not offered", call->process->name,
                    call->number);
    }
    return -ENOSYS;
}

static int64_t dispatch(const struct syscall *call)
{
    switch (call->number) {
    case SYS_read:
    case SYS_write:
    case SYS_close:
    case SYS_lseek:
    case SYS_pread64:
    case SYS_pwrite64:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_poll:
    case SYS_ioctl:
    case SYS_fstat:
    case SYS_newfstatat:
    case SYS_openat:
    case SYS_readlink:
        return syscall_file(call);
    case SYS_mmap:
    case SYS_munmap:
    case SYS_mprotect:
    case SYS_brk:
    case SYS_madvise:
        return syscall_memory(call);
    case SYS_getrandom:
    case SYS_clock_gettime:
    case SYS_gettimeofday:
    case SYS_time:
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
    case SYS_futex:
    case SYS_arch_prctl:
    case SYS_set_tid_address:
    case SYS_set_robust_list:
    case SYS_rseq:
    case SYS_prlimit64:
    case SYS_getpid:
    case SYS_gettid:
    case SYS_getuid:
    case SYS_geteuid:
    case SYS_getgid:
    case SYS_getegid:
    case SYS_uname:
    case SYS_sysinfo:
    case SYS_rt_sigaction:
    case SYS_rt_sigprocmask:
    case SYS_sched_yield:
    case SYS_sched_getaffinity:
    case SYS_exit:
    case SYS_exit_group:
    case SYS_tgkill:
        return syscall_system(call);
    default:
        return unknown(call);
    }
}

void syscall_handle(struct process *process)
{
    struct user_registers *r = &process->registers;
    struct syscall call = {
        .process = process,
        .number = r->rax,
        .arguments = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9},
    };
    int64_t result = dispatch(&call);

    if (process->state == PROCESS_ENDED)
        return;
    if (result == FILE_WOULD_BLOCK)
        process->state = PROCESS_WAITING; /* RAX still holds the number */
    else
        r->rax = (uint64_t)result;
}
