/* SPDX-License-Identifier: MIT */
#include "services/tpm/disk.h"

#include <unistd.h>

#include "lib/file/io.h"

static bool disk_size(void *context, uint64_t *bytes)
{
    off_t end = lseek(*(int *)context, 0, SEEK_END);

    *bytes = (uint64_t)end;
    return end >= 0;
}

static bool disk_read(void *context, uint64_t sector, void *data, size_t sectors)
{
    return io_read_at(*(int *)context, data, sectors * SECTOR_SIZE, sector * SECTOR_SIZE);
}

static bool disk_write(void *context, uint64_t sector, const void *data, size_t sectors)
{
    return io_write_at(*(int *)context, data, sectors * SECTOR_SIZE, sector * SECTOR_SIZE);
}

static bool disk_flush(void *context)
{
    return fdatasync(*(int *)context) == 0;
}

struct volume_storage disk_storage(int *fd)
{
    return (struct volume_storage){
        .context = fd,
        .size = disk_size,
        .read = disk_read,
        .write = disk_write,
        .flush = disk_flush,
    };
}
