/* SPDX-License-Identifier: MIT */
/*
 * Kills a program (SIGKILL) before one of the calls by which it changes files or sends something:
 * a library for LD_PRELOAD.
 *
 *   DIE_AT=N        before the call of that number, from 1 on
 *   DIE_FILE=PATH   a file of one 32-bit number, mapped by who runs the program, too: when it is
 *                   not 0 it counts down with each call, and what takes it to 0 is not done
 */
/* Programs call both pwrite() and pwrite64(). */
#undef _FILE_OFFSET_BITS

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic uint32_t own;
static _Atomic uint32_t *left = &own;

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("DIE_AT"), *path = getenv("DIE_FILE");
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (at)
        own = (uint32_t)strtoul(at, NULL, 10);
    if (fd < 0)
        return;
    left = mmap(NULL, sizeof(*left), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (left == MAP_FAILED)
        abort();
    close(fd);
}

static void count(void)
{
    uint32_t now = *left;

    while (now != 0 && !atomic_compare_exchange_weak(left, &now, now - 1))
        ;
    if (now == 1)
        raise(SIGKILL);
}

#define BEFORE(type, name, parameters, ...)                                                        \
    type before_##name parameters __asm__(#name);                                                  \
    type before_##name parameters                                                                  \
    {                                                                                              \
        static type(*real) parameters;                                                             \
                                                                                                   \
        if (!real)                                                                                 \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        count();                                                                                   \
        return real(__VA_ARGS__);                                                                  \
    }

BEFORE(ssize_t, write, (int fd, const void *bytes, size_t size), fd, bytes, size)
BEFORE(ssize_t, pwrite, (int fd, const void *bytes, size_t size, off_t at), fd, bytes, size, at)
BEFORE(ssize_t, pwrite64, (int fd, const void *bytes, size_t size, off64_t at), fd, bytes, size, at)
BEFORE(ssize_t, writev, (int fd, const struct iovec *parts, int number), fd, parts, number)
BEFORE(ssize_t, send, (int fd, const void *bytes, size_t size, int flags), fd, bytes, size, flags)
BEFORE(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), fd, message, flags)
BEFORE(ssize_t, sendfile, (int out, int in, off_t *at, size_t size), out, in, at, size)
BEFORE(int, fsync, (int fd), fd)
BEFORE(int, fdatasync, (int fd), fd)
BEFORE(int, ftruncate, (int fd, off_t size), fd, size)
BEFORE(int, ftruncate64, (int fd, off64_t size), fd, size)
BEFORE(int, rename, (const char *from, const char *to), from, to)
BEFORE(int, link, (const char *from, const char *to), from, to)
BEFORE(int, unlink, (const char *path), path)
