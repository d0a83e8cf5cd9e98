/* SPDX-License-Identifier: MIT */
/* Mapped, not allocated: tests make thousands of disks, and touch a few pages of each. */
#include "tests/unit/services/memory_disk.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

struct memory_disk *memory_disk_new(void)
{
    struct memory_disk *disk =
        mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert(disk != MAP_FAILED);
    disk->size = DISK_SIZE;
    disk->writes_left = DISK_NO_LIMIT;
    disk->reads_left = DISK_NO_LIMIT;
    return disk;
}

void memory_disk_free(struct memory_disk *disk)
{
    munmap(disk, sizeof(*disk));
}

struct memory_disk *memory_disk_copy(const struct memory_disk *disk)
{
    struct memory_disk *copy = memory_disk_new();

    copy->size = disk->size;
    copy->writes_left = disk->writes_left;
    copy->reads_left = disk->reads_left;
    copy->sectors_written = disk->sectors_written;
    copy->flushes = disk->flushes;
    copy->unflushed_count = disk->unflushed_count;
    memcpy(copy->unflushed, disk->unflushed, disk->unflushed_count * sizeof(copy->unflushed[0]));
    memcpy(copy->touched, disk->touched, sizeof(copy->touched));
    for (size_t i = 0; i < DISK_BLOCKS; i++)
        if (disk->touched[i])
            memcpy(copy->bytes + i * DISK_BLOCK_SIZE, disk->bytes + i * DISK_BLOCK_SIZE,
                   DISK_BLOCK_SIZE);
    return copy;
}

bool memory_disk_equal(const struct memory_disk *a, const struct memory_disk *b)
{
    return memcmp(a->bytes, b->bytes, DISK_SIZE) == 0;
}

static bool within(uint64_t sector, size_t sectors)
{
    uint64_t all = DISK_SIZE / SECTOR_SIZE;

    return sector <= all && sectors <= all - sector;
}

/* Takes one unit of a budget; false when it is used up. */
static bool spend(long *left)
{
    if (*left == 0)
        return false;
    if (*left > 0)
        --*left;
    return true;
}

static bool get_size(void *context, uint64_t *bytes)
{
    *bytes = ((struct memory_disk *)context)->size;
    return true;
}

static bool read_sectors(void *context, uint64_t sector, void *data, size_t sectors)
{
    struct memory_disk *disk = context;

    if (!spend(&disk->reads_left) || !within(sector, sectors))
        return false;
    memcpy(data, disk->bytes + sector * SECTOR_SIZE, sectors * SECTOR_SIZE);
    return true;
}

static void write_one(struct memory_disk *disk, uint64_t sector, const uint8_t *data)
{
    struct unflushed_write *write = &disk->unflushed[disk->unflushed_count];
    uint8_t *at = disk->bytes + sector * SECTOR_SIZE;

    assert(disk->unflushed_count < DISK_UNFLUSHED_MAX);
    disk->unflushed_count++;
    write->sector = sector;
    memcpy(write->before, at, SECTOR_SIZE);
    memcpy(write->after, data, SECTOR_SIZE);
    memcpy(at, data, SECTOR_SIZE);
    disk->touched[sector * SECTOR_SIZE / DISK_BLOCK_SIZE] = true;
    disk->sectors_written++;
}

static bool write_sectors(void *context, uint64_t sector, const void *data, size_t sectors)
{
    struct memory_disk *disk = context;

    if (!within(sector, sectors))
        return false;
    for (size_t i = 0; i < sectors; i++) {
        if (!spend(&disk->writes_left))
            return false;
        write_one(disk, sector + i, (const uint8_t *)data + i * SECTOR_SIZE);
    }
    return true;
}

static bool flush(void *context)
{
    struct memory_disk *disk = context;

    if (disk->writes_left == 0)
        return false; /* without power nothing is flushed */
    disk->flushes++;
    if (!disk->lies)
        disk->unflushed_count = 0;
    return true;
}

struct volume_storage memory_disk_storage(struct memory_disk *disk)
{
    return (struct volume_storage){
        .context = disk,
        .size = get_size,
        .read = read_sectors,
        .write = write_sectors,
        .flush = flush,
    };
}

void memory_disk_settle(struct memory_disk *disk, uint64_t kept)
{
    memory_disk_settle_torn(disk, kept, SIZE_MAX, TEAR_SECTOR);
}

static void tear_write(uint8_t *bytes, const struct unflushed_write *write, enum tear tear)
{
    uint8_t *at = bytes + write->sector * SECTOR_SIZE;

    if (tear == TEAR_BLOCK) {
        memset(bytes + write->sector * SECTOR_SIZE / DISK_BLOCK_SIZE * DISK_BLOCK_SIZE, 0x5a,
               DISK_BLOCK_SIZE);
    } else {
        memcpy(at, write->after, SECTOR_SIZE / 2);
        memset(at + SECTOR_SIZE / 2, 0x5a, SECTOR_SIZE / 2);
    }
}

void memory_disk_settle_torn(struct memory_disk *disk, uint64_t kept, size_t torn, enum tear tear)
{
    for (size_t i = disk->unflushed_count; i-- > 0;)
        memcpy(disk->bytes + disk->unflushed[i].sector * SECTOR_SIZE, disk->unflushed[i].before,
               SECTOR_SIZE);
    for (size_t i = 0; i < disk->unflushed_count; i++)
        if (i != torn && (kept >> i % 64 & 1) != 0)
            memcpy(disk->bytes + disk->unflushed[i].sector * SECTOR_SIZE, disk->unflushed[i].after,
                   SECTOR_SIZE);
    if (torn < disk->unflushed_count)
        tear_write(disk->bytes, &disk->unflushed[torn], tear);
    disk->unflushed_count = 0;
    disk->writes_left = DISK_NO_LIMIT;
}

uint64_t random_bits(void)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}
