/* SPDX-License-Identifier: MIT */
/* The device below a state volume: four callbacks, and what is expected of them. */
#ifndef SNPVTPM_LIB_VOLUME_STORAGE_H
#define SNPVTPM_LIB_VOLUME_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Each function returns false when it failed, a transfer that was cut short included. A write may
 * be cached until flush() returns. The 4 KiB block in which something was being written when the
 * power failed may hold anything in the sectors that were being written since the last flush; every
 * other sector holds what was last flushed or something written since.
 */
struct volume_storage {
    void *context;
    bool (*size)(void *context, uint64_t *bytes);
    bool (*read)(void *context, uint64_t sector, void *data, size_t sectors);
    bool (*write)(void *context, uint64_t sector, const void *data, size_t sectors);
    bool (*flush)(void *context);
};

#endif
