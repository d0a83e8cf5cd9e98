/* SPDX-License-Identifier: MIT */
/* System calls on descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "svsm/arch/cpu.h"
#include "svsm/process/syscall.h"

#define POLL_MAX     PROCESS_FILES_MAX
#define MILLISECONDS 1000
#define POLL_PAUSE   200000 /* nanoseconds: looking costs an exit to the host */

static struct file *file_of(const struct syscall *call, uint64_t descriptor)
{
    struct process *process = call->process;

    if (descriptor >= PROCESS_FILES_MAX || !process->files[descriptor].operations)
        return NULL;
    return &process->files[descriptor];
}

static struct user_span buffer_of(const struct syscall *call)
{
    return (struct user_span){
        .space = &call->process->space, .at = {call->arguments[1]}, .size = call->arguments[2]};
}

static int64_t do_transfer(const struct syscall *call, struct file *file)
{
    const struct file_operations *operations = file->operations;
    struct user_span buffer = buffer_of(call);
    uint64_t offset = call->arguments[3];

    switch (call->number) {
    case SYS_read:
        return !operations->read ? -EINVAL : operations->read(file, buffer);
    case SYS_write:
        return !operations->write ? -EINVAL : operations->write(file, buffer);
    case SYS_pread64:
        return !operations->read_at ? -ESPIPE : operations->read_at(file, buffer, offset);
    default:
        return !operations->write_at ? -ESPIPE : operations->write_at(file, buffer, offset);
    }
}

static int64_t do_lseek(const struct syscall *call, struct file *file)
{
    int64_t offset = (int64_t)call->arguments[1];
    int64_t size;

    if (!file->operations->size)
        return -ESPIPE;
    size = file->operations->size(file);
    switch (call->arguments[2]) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        offset += (int64_t)file->offset;
        break;
    case SEEK_END:
        offset += size;
        break;
    default:
        return -EINVAL;
    }
    if (offset < 0 || offset > size)
        return -EINVAL;
    file->offset = (uint64_t)offset;
    return offset;
}

static int64_t do_fstat(const struct syscall *call, struct file *file, uint64_t out)
{
    bool is_block = file->operations->size != NULL;
    struct stat stat = {
        .st_nlink = 1,
        .st_mode = (is_block ? S_IFBLK : S_IFCHR) | 0600,
        .st_size = is_block ? file->operations->size(file) : 0,
        .st_blksize = PAGE_SIZE,
    };

    return user_write(&call->process->space, (uva_t){out}, &stat, sizeof(stat)) == STATUS_OK
               ? 0
               : -EFAULT;
}

/* There are no files by name, only descriptors. */
static int64_t do_newfstatat(const struct syscall *call)
{
    struct file *file = file_of(call, call->arguments[0]);

    if (!(call->arguments[3] & AT_EMPTY_PATH))
        return -ENOENT;
    return !file ? -EBADF : do_fstat(call, file, call->arguments[2]);
}

/* Fills in what is ready; returns how many are. */
static int64_t poll_once(const struct syscall *call, struct pollfd *set, size_t count)
{
    int64_t ready = 0;

    for (size_t i = 0; i < count; i++) {
        struct file *file = set[i].fd < 0 ? NULL : file_of(call, (uint64_t)set[i].fd);
        bool readable =
            file && (!file->operations->is_readable || file->operations->is_readable(file));

        set[i].revents = 0;
        if (set[i].fd < 0)
            continue;
        if (!file)
            set[i].revents = POLLNVAL;
        else
            set[i].revents = (short)(set[i].events & ((readable ? POLLIN : 0) | POLLOUT));
        ready += set[i].revents != 0;
    }
    return ready;
}

static void pause_between_polls(const struct clock *clock)
{
    uint64_t until = clock_now(clock) + POLL_PAUSE;

    while (clock_now(clock) < until)
        cpu_pause();
}

/* A poll without end waits as read() does: the guest runs meanwhile. */
static int64_t do_poll(const struct syscall *call)
{
    struct address_space *space = &call->process->space;
    struct pollfd set[POLL_MAX];
    uva_t at = {call->arguments[0]};
    size_t count = call->arguments[1];
    int timeout = (int)call->arguments[2];
    uint64_t deadline =
        clock_now(&call->process->cpu->clock) + (uint64_t)timeout * (NANOSECONDS / MILLISECONDS);
    int64_t ready;

    if (count > POLL_MAX)
        return -EINVAL;
    if (user_read(space, set, at, count * sizeof(set[0])) != STATUS_OK)
        return -EFAULT;
    for (;;) {
        ready = poll_once(call, set, count);
        if (ready > 0 || (timeout >= 0 && clock_now(&call->process->cpu->clock) >= deadline))
            break;
        if (timeout < 0)
            return FILE_WOULD_BLOCK;
        pause_between_polls(&call->process->cpu->clock);
    }
    return user_write(space, at, set, count * sizeof(set[0])) == STATUS_OK ? ready : -EFAULT;
}

static int64_t do_close(struct file *file)
{
    *file = (struct file){0};
    return 0;
}

static int64_t do_sync(struct file *file)
{
    return !file->operations->sync ? -EINVAL : file->operations->sync(file);
}

static int64_t on_descriptor(const struct syscall *call)
{
    struct file *file = file_of(call, call->arguments[0]);

    if (!file)
        return -EBADF;
    switch (call->number) {
    case SYS_close:
        return do_close(file);
    case SYS_lseek:
        return do_lseek(call, file);
    case SYS_fsync:
    case SYS_fdatasync:
        return do_sync(file);
    case SYS_ioctl:
        return -ENOTTY;
    case SYS_fstat:
        return do_fstat(call, file, call->arguments[1]);
    default:
        return do_transfer(call, file);
    }
}

int64_t syscall_file(const struct syscall *call)
{
    switch (call->number) {
    case SYS_openat:
    case SYS_readlink:
        return -ENOENT;
    case SYS_newfstatat:
        return do_newfstatat(call);
    case SYS_poll:
        return do_poll(call);
    default:
        return on_descriptor(call);
    }
}
