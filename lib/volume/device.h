/* SPDX-License-Identifier: MIT */
/*
 * The device of a state volume as the rest of lib/volume/ sees it: decrypted sectors, and where
 * things lie on it (docs/state-volume.md, "Layout").
 */
#ifndef SNPVTPM_LIB_VOLUME_DEVICE_H
#define SNPVTPM_LIB_VOLUME_DEVICE_H

#include "lib/base/bytes.h"
#include "lib/base/must_check.h"
#include "lib/volume/sector_cipher.h"
#include "lib/volume/status.h"
#include "lib/volume/storage.h"

#define VOLUME_SIZE_MULTIPLE 4096
#define VOLUME_SIZE_MIN      (1024 * 1024)

/* What is written at different times never shares a block: a power cut may tear all of one. */
#define BLOCK_SECTORS (VOLUME_SIZE_MULTIPLE / SECTOR_SIZE)

#define SLOTS 3

struct device {
    struct volume_storage storage;
    struct sector_cipher cipher;
    uint8_t key[SECTOR_CIPHER_KEY_SIZE];
    uint64_t sectors;
};

/* VOLUME_OK, VOLUME_WEAK_KEY, VOLUME_BAD_SIZE or a failure; device_end() is due in any case. */
MUST_CHECK enum volume_status device_begin(struct device *device,
                                           const struct volume_storage *storage,
                                           const uint8_t key[SECTOR_CIPHER_KEY_SIZE]);
/* Wipes the key. */
void device_end(struct device *device);

/* As stored. */
MUST_CHECK enum volume_status device_read_raw(const struct device *device, uint64_t sector,
                                              void *data, size_t sectors);

/* Read and decrypted. Anybody may have written what is found there. */
MUST_CHECK enum volume_status device_read(struct device *device, uint64_t sector, void *data,
                                          size_t sectors);

/* Encrypted and written; data is encrypted in place. */
MUST_CHECK enum volume_status device_write(struct device *device, uint64_t sector, void *data,
                                           size_t sectors);

/* One sector that is zero as stored. */
MUST_CHECK enum volume_status device_erase(const struct device *device, uint64_t sector);

MUST_CHECK enum volume_status device_flush(const struct device *device);

/* The sector of a superblock: in the first block, the middle one or the last one. */
uint64_t device_slot(const struct device *device, unsigned slot);

#endif
