/* SPDX-License-Identifier: MIT */
/*
 * A disk in memory for tests of the state volume: it counts and limits what is done to it, and
 * keeps unflushed writes apart, so that a power cut can keep or lose each of them.
 */
#ifndef SNPVTPM_TESTS_UNIT_SERVICES_MEMORY_DISK_H
#define SNPVTPM_TESTS_UNIT_SERVICES_MEMORY_DISK_H

#include "lib/volume/volume.h"

#define DISK_SIZE          VOLUME_SIZE_MIN
#define DISK_UNFLUSHED_MAX (DISK_SIZE / SECTOR_SIZE)
#define DISK_NO_LIMIT      (-1)
#define DISK_BLOCK_SIZE    4096
#define DISK_BLOCKS        (DISK_SIZE / DISK_BLOCK_SIZE)

struct unflushed_write {
    uint64_t sector;
    uint8_t before[SECTOR_SIZE];
    uint8_t after[SECTOR_SIZE];
};

struct memory_disk {
    uint64_t size;
    uint8_t bytes[DISK_SIZE]; /* as the next read sees them */
    long writes_left;         /* sectors that can be written before the power fails; or no limit */
    long reads_left;          /* read calls that succeed; or no limit */
    bool lies;                /* flush() does nothing */
    size_t sectors_written;
    size_t flushes;
    size_t unflushed_count;
    struct unflushed_write unflushed[DISK_UNFLUSHED_MAX];
    bool touched[DISK_BLOCKS]; /* may be other than zero: what memory_disk_copy() copies */
};

/* A disk of zeros, without limits. */
struct memory_disk *memory_disk_new(void);
void memory_disk_free(struct memory_disk *disk);

struct volume_storage memory_disk_storage(struct memory_disk *disk);

/* The same contents, limits and unflushed writes. */
struct memory_disk *memory_disk_copy(const struct memory_disk *disk);

/* Whether what is stored is the same. */
bool memory_disk_equal(const struct memory_disk *a, const struct memory_disk *b);

/* Power is back: bit i of kept says whether unflushed write i reached the medium. */
void memory_disk_settle(struct memory_disk *disk, uint64_t kept);

/* What is left of the write that the power cut interrupted. */
enum tear {
    TEAR_SECTOR, /* it stopped half way, the rest being noise */
    TEAR_BLOCK,  /* all of the 4 KiB around it is noise */
};

/* As memory_disk_settle(), and sector write number torn is torn so. */
void memory_disk_settle_torn(struct memory_disk *disk, uint64_t kept, size_t torn, enum tear tear);

/* Says which writes a power cut keeps: reproducible, and of no other quality. */
uint64_t random_bits(void);

#endif
