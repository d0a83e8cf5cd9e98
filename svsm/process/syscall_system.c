/* SPDX-License-Identifier: MIT */
/* System calls about time, randomness, identity and ending. */
#include <asm/prctl.h>
#include <errno.h>
#include <linux/futex.h>
#include <linux/sysinfo.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>

#include "lib/freestanding/string.h"
#include "svsm/arch/cpu.h"
#include "svsm/mm/page_allocator.h"
#include "svsm/process/random.h"
#include "svsm/process/syscall.h"

#define RANDOM_MAX     256
#define AFFINITY_SIZE  8
#define STACK_LIMIT    0x80000
#define SIGACTION_SIZE 32
#define SIGSET_SIZE    8

static int64_t put(const struct syscall *call, uint64_t to, const void *from, size_t size)
{
    return user_write(&call->process->space, (uva_t){to}, from, size) == STATUS_OK ? 0 : -EFAULT;
}

/* Writes zeros where a caller wants an old value; NULL is fine. */
static int64_t put_zeros(const struct syscall *call, uint64_t to, size_t size)
{
    static const uint8_t zeros[SIGACTION_SIZE];

    return to == 0 ? 0 : put(call, to, zeros, size);
}

static int64_t do_getrandom(const struct syscall *call)
{
    uint8_t bytes[RANDOM_MAX];
    size_t size = call->arguments[1] < sizeof(bytes) ? call->arguments[1] : sizeof(bytes);
    int64_t error;

    random_bytes(bytes, size);
    error = put(call, call->arguments[0], bytes, size);
    wipe(bytes, sizeof(bytes));
    return error != 0 ? error : (int64_t)size;
}

/* All clocks count from the start of the SVSM. */
static struct timespec now(const struct syscall *call)
{
    uint64_t nanoseconds = clock_now(&call->process->cpu->clock);

    return (struct timespec){.tv_sec = (time_t)(nanoseconds / NANOSECONDS),
                             .tv_nsec = (long)(nanoseconds % NANOSECONDS)};
}

static int64_t do_clock_gettime(const struct syscall *call, uint64_t to)
{
    struct timespec time = now(call);

    return put(call, to, &time, sizeof(time));
}

static int64_t do_gettimeofday(const struct syscall *call)
{
    struct timespec time = now(call);
    struct timeval value = {.tv_sec = time.tv_sec, .tv_usec = time.tv_nsec / 1000};

    return put(call, call->arguments[0], &value, sizeof(value));
}

static int64_t do_time(const struct syscall *call)
{
    int64_t seconds = now(call).tv_sec;
    int64_t error =
        call->arguments[0] == 0 ? 0 : put(call, call->arguments[0], &seconds, sizeof(seconds));

    return error != 0 ? error : seconds;
}

static int64_t do_sleep(const struct syscall *call, uint64_t from, bool absolute)
{
    struct timespec time;
    uint64_t until;

    if (user_read(&call->process->space, &time, (uva_t){from}, sizeof(time)) != STATUS_OK)
        return -EFAULT;
    if (time.tv_sec < 0 || time.tv_sec > INT32_MAX || time.tv_nsec < 0 ||
        time.tv_nsec >= (long)NANOSECONDS)
        return -EINVAL;
    until = (uint64_t)time.tv_sec * NANOSECONDS + (uint64_t)time.tv_nsec;
    if (!absolute)
        until += clock_now(&call->process->cpu->clock);
    while (clock_now(&call->process->cpu->clock) < until)
        cpu_pause();
    return 0;
}

/* There is one thread: nobody to wake, and whoever waits would wait for ever. */
static int64_t do_futex(const struct syscall *call)
{
    if ((call->arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAKE)
        return 0;
    process_end(call->process, "it waits for itself", call->arguments[1]);
    return 0;
}

static int64_t do_arch_prctl(const struct syscall *call)
{
    struct process *process = call->process;
    uint64_t address = call->arguments[1];

    switch (call->arguments[0]) {
    case ARCH_SET_FS:
        if (address >= USER_END)
            return -EPERM;
        process->fs_base = address;
        msr_write(MSR_FS_BASE, address);
        return 0;
    case ARCH_GET_FS:
        return put(call, address, &process->fs_base, sizeof(process->fs_base));
    default:
        return -EINVAL;
    }
}

static int64_t do_prlimit(const struct syscall *call)
{
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

    if (call->arguments[2] != 0)
        return -EPERM;
    if (call->arguments[1] == RLIMIT_STACK)
        limit.rlim_cur = STACK_LIMIT;
    return call->arguments[3] == 0 ? 0 : put(call, call->arguments[3], &limit, sizeof(limit));
}

static int64_t do_uname(const struct syscall *call)
{
    static const struct utsname name = {
        .sysname = "Linux",
        .nodename = "svsm",
        .release = "6.1.0", /* glibc refuses old ones */
        .version = "SVSM",
        .machine = "x86_64",
    };

    return put(call, call->arguments[0], &name, sizeof(name));
}

static int64_t do_sysinfo(const struct syscall *call)
{
    struct sysinfo info = {
        .uptime = now(call).tv_sec,
        .totalram = call->process->space.pages_max,
        .freeram = page_free_count(),
        .procs = 1,
        .mem_unit = PAGE_SIZE,
    };

    return put(call, call->arguments[0], &info, sizeof(info));
}

static int64_t do_getaffinity(const struct syscall *call)
{
    uint64_t first_cpu = 1;
    int64_t error;

    if (call->arguments[1] < AFFINITY_SIZE)
        return -EINVAL;
    error = put(call, call->arguments[2], &first_cpu, sizeof(first_cpu));
    return error != 0 ? error : AFFINITY_SIZE;
}

static int64_t do_end(const struct syscall *call, const char *why, uint64_t code)
{
    process_end(call->process, why, code);
    return 0;
}

int64_t syscall_system(const struct syscall *call)
{
    switch (call->number) {
    case SYS_getrandom:
        return do_getrandom(call);
    case SYS_clock_gettime:
        return do_clock_gettime(call, call->arguments[1]);
    case SYS_gettimeofday:
        return do_gettimeofday(call);
    case SYS_time:
        return do_time(call);
    case SYS_nanosleep:
        return do_sleep(call, call->arguments[0], false);
    case SYS_clock_nanosleep:
        return do_sleep(call, call->arguments[2], (call->arguments[1] & TIMER_ABSTIME) != 0);
    case SYS_futex:
        return do_futex(call);
    case SYS_arch_prctl:
        return do_arch_prctl(call);
    case SYS_prlimit64:
        return do_prlimit(call);
    case SYS_uname:
        return do_uname(call);
    case SYS_sysinfo:
        return do_sysinfo(call);
    case SYS_sched_getaffinity:
        return do_getaffinity(call);
    case SYS_rt_sigaction:
        return put_zeros(call, call->arguments[2], SIGACTION_SIZE);
    case SYS_rt_sigprocmask:
        return put_zeros(call, call->arguments[2], SIGSET_SIZE);
    case SYS_getpid:
    case SYS_gettid:
    case SYS_set_tid_address:
        return call->process->pid;
    case SYS_rseq:
        return -ENOSYS;
    case SYS_exit:
    case SYS_exit_group:
        return do_end(call, "exit", call->arguments[0]);
    case SYS_tgkill:
        return do_end(call, "signal", call->arguments[2]);
    default:
        return 0; /* root's identities, sched_yield, set_robust_list */
    }
}
