/* SPDX-License-Identifier: MIT */
/*
 * For LD_PRELOAD: swtpm 0.7 replaces its state by rename(), without asking that either the new file
 * or the name reaches the disk. With this both do, as they do in ours.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void sync_path(const char *path, int flags)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);

    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* The library's name, for a function with parameter names of its own. */
int rename_and_sync(const char *from, const char *to) __asm__("rename");
int rename_and_sync(const char *from, const char *to)
{
    int (*real)(const char *, const char *) =
        (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    char folder[4096];
    int result;

    sync_path(from, 0);
    result = real(from, to);
    snprintf(folder, sizeof(folder), "%s", to);
    sync_path(dirname(folder), O_DIRECTORY);
    return result;
}
