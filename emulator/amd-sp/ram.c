/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/ram.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/snp/page.h"

MUST_CHECK static bool map(struct ram *ram, int file)
{
    struct stat status;
    void *bytes;

    if (fstat(file, &status) != 0)
        return false;
    if (status.st_size <= 0) {
        errno = ENODATA;
        return false;
    }
    bytes = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED)
        return false;
    *ram = (struct ram){.bytes = bytes, .size = (size_t)status.st_size};
    return true;
}

bool ram_open(struct ram *ram, const char *path)
{
    int file = open(path, O_RDWR | O_CLOEXEC);
    bool mapped;

    if (file < 0)
        return false;
    mapped = map(ram, file);
    close(file);
    return mapped;
}

void ram_close(struct ram *ram)
{
    if (ram->bytes)
        munmap(ram->bytes, ram->size);
    *ram = (struct ram){0};
}

bool ram_bytes(const struct ram *ram, uint64_t offset, uint64_t size, uint8_t **bytes)
{
    if (offset > ram->size || size > ram->size - offset)
        return false;
    *bytes = ram->bytes + offset;
    return true;
}

bool ram_pages(const struct ram *ram, uint64_t offset, uint64_t count, uint8_t **pages)
{
    return (offset & ~PAGE_MASK) == 0 && count <= ram->size >> PAGE_SHIFT &&
           ram_bytes(ram, offset, count << PAGE_SHIFT, pages);
}
