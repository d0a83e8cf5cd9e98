/* SPDX-License-Identifier: MIT */
/* System calls on the address space: anonymous private memory only. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "svsm/process/syscall.h"

#define ARENA_START 0x0000200000000000ull /* where mmap() places */
#define ARENA_SIZE  0x10000000ull
#define BREAK_MAX   0x10000000ull

static int64_t error_of(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return 0;
    case STATUS_NO_MEMORY:
        return -ENOMEM;
    default:
        return -EINVAL;
    }
}

static struct protection protection_of(uint64_t bits)
{
    return (struct protection){
        .read = (bits & PROT_READ) != 0,
        .write = (bits & PROT_WRITE) != 0,
        .execute = (bits & PROT_EXEC) != 0,
    };
}

static int64_t do_mmap(const struct syscall *call)
{
    struct address_space *space = &call->process->space;
    uint64_t size = call->arguments[1];
    uint64_t flags = call->arguments[3];
    enum status status;
    uva_t at;

    if (!(flags & MAP_ANONYMOUS) || !(flags & MAP_PRIVATE) || (flags & MAP_FIXED))
        return -EINVAL;
    if (size == 0 || size > ARENA_SIZE)
        return size == 0 ? -EINVAL : -ENOMEM;
    size = align_up(size, PAGE_SIZE);
    at = address_space_find_hole(space, (uva_t){ARENA_START}, (uva_t){ARENA_START + ARENA_SIZE},
                                 size);
    if (at.v == 0)
        return -ENOMEM;
    status = address_space_map_new(space, at, size, protection_of(call->arguments[2]));
    return status == STATUS_OK ? (int64_t)at.v : error_of(status);
}

static int64_t do_munmap(const struct syscall *call)
{
    uint64_t start = call->arguments[0];
    uint64_t size = call->arguments[1];

    if (!is_aligned(start, PAGE_SIZE) || size == 0 || start < ARENA_START || size > ARENA_SIZE ||
        start - ARENA_START > ARENA_SIZE - size)
        return -EINVAL;
    address_space_unmap(&call->process->space, (uva_t){start}, align_up(size, PAGE_SIZE));
    return 0;
}

static int64_t do_mprotect(const struct syscall *call)
{
    uint64_t size = call->arguments[1];

    if (size > USER_END)
        return -ENOMEM;
    return error_of(address_space_protect(&call->process->space, (uva_t){call->arguments[0]},
                                          align_up(size, PAGE_SIZE),
                                          protection_of(call->arguments[2])));
}

/* Gives the new end of the heap, or the old one when it cannot be. */
static int64_t do_brk(const struct syscall *call)
{
    struct process *process = call->process;
    uint64_t wanted = call->arguments[0];
    uint64_t old_end = align_up(process->break_now, PAGE_SIZE);
    uint64_t new_end = align_up(wanted, PAGE_SIZE);
    struct protection protection = {.read = true, .write = true};

    if (wanted < process->break_start || wanted - process->break_start > BREAK_MAX)
        return (int64_t)process->break_now;
    if (new_end > old_end && address_space_map_new(&process->space, (uva_t){old_end},
                                                   new_end - old_end, protection) != STATUS_OK)
        return (int64_t)process->break_now;
    if (new_end < old_end)
        address_space_unmap(&process->space, (uva_t){new_end}, old_end - new_end);
    process->break_now = wanted;
    return (int64_t)wanted;
}

/* Advice may be ignored, but for the one that promises zeros. */
static int64_t do_madvise(const struct syscall *call)
{
    return call->arguments[2] == MADV_DONTNEED ? -EINVAL : 0;
}

int64_t syscall_memory(const struct syscall *call)
{
    switch (call->number) {
    case SYS_mmap:
        return do_mmap(call);
    case SYS_munmap:
        return do_munmap(call);
    case SYS_mprotect:
        return do_mprotect(call);
    case SYS_brk:
        return do_brk(call);
    default:
        return do_madvise(call);
    }
}
