/* SPDX-License-Identifier: MIT */
/*
 * Kills a program (SIGKILL) before one of the calls by which it changes files or sends something:
 * a library for LD_PRELOAD.
 *
 *   DIE_AT=N        before the call of that number, from 1 on
 *   DIE_FILE=PATH   a file of one 32-bit number, mapped by who runs the program, too: when it is
 *                   not 0 it counts down with each call, and what takes it to 0 is not done
 *   DIE_ON=PATH     only calls on the file that has this name when the program starts count
 */
/* Programs call both pwrite() and pwrite64(). */
#undef _FILE_OFFSET_BITS

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic uint32_t own;
static _Atomic uint32_t *left = &own;
static struct stat only;
static const char *only_path;

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("DIE_AT"), *path = getenv("DIE_FILE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

    only_path = getenv("DIE_ON");
    if (only_path && stat(only_path, &only) != 0)
        abort();
    if (at)
        own = (uint32_t)strtoul(at, NULL, 10);
    if (fd < 0)
        return;
    left = mmap(NULL, sizeof(*left), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (left == MAP_FAILED)
        abort();
    close(fd);
}

/* fd -1: a call on none. */
static bool counts(int fd)
{
    struct stat file;

    return !only_path || (fd >= 0 && fstat(fd, &file) == 0 && file.st_dev == only.st_dev &&
                          file.st_ino == only.st_ino);
}

static void count(int fd)
{
    uint32_t now = *left;

    if (!counts(fd))
        return;
    while (now != 0 && !atomic_compare_exchange_weak(left, &now, now - 1))
        ;
    if (now == 1)
        raise(SIGKILL);
}

#define BEFORE(type, name, on, parameters, ...)                                                    \
    type before_##name parameters __asm__(#name);                                                  \
    type before_##name parameters                                                                  \
    {                                                                                              \
        static type(*real) parameters;                                                             \
                                                                                                   \
        if (!real)                                                                                 \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        count(on);                                                                                 \
        return real(__VA_ARGS__);                                                                  \
    }

BEFORE(ssize_t, write, fd, (int fd, const void *bytes, size_t size), fd, bytes, size)
BEFORE(ssize_t, pwrite, fd, (int fd, const void *bytes, size_t size, off_t at), fd, bytes, size, at)
BEFORE(ssize_t, pwrite64, fd, (int fd, const void *bytes, size_t size, off64_t at), fd, bytes, size,
       at)
BEFORE(ssize_t, writev, fd, (int fd, const struct iovec *parts, int number), fd, parts, number)
BEFORE(ssize_t, pwritev, fd, (int fd, const struct iovec *parts, int number, off_t at), fd, parts,
       number, at)
BEFORE(ssize_t, pwritev64, fd, (int fd, const struct iovec *parts, int number, off64_t at), fd,
       parts, number, at)
BEFORE(ssize_t, send, fd, (int fd, const void *bytes, size_t size, int flags), fd, bytes, size,
       flags)
BEFORE(ssize_t, sendmsg, fd, (int fd, const struct msghdr *message, int flags), fd, message, flags)
BEFORE(ssize_t, sendfile, out, (int out, int in, off_t *at, size_t size), out, in, at, size)
BEFORE(int, fsync, fd, (int fd), fd)
BEFORE(int, fdatasync, fd, (int fd), fd)
BEFORE(int, ftruncate, fd, (int fd, off_t size), fd, size)
BEFORE(int, ftruncate64, fd, (int fd, off64_t size), fd, size)
BEFORE(int, rename, -1, (const char *from, const char *to), from, to)
BEFORE(int, link, -1, (const char *from, const char *to), from, to)
BEFORE(int, unlink, -1, (const char *path), path)
