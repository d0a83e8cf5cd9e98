/* SPDX-License-Identifier: MIT */
/*
 * What a state consists of, its objects and their table: each is encrypted under a key of its own
 * below the encryption of the sectors, so that nothing of it looks the same when it is written
 * again, and is known by the digest of what is stored (docs/state-volume.md, "Contents").
 */
#ifndef SNPVTPM_LIB_VOLUME_CONTENT_H
#define SNPVTPM_LIB_VOLUME_CONTENT_H

#include "lib/volume/device.h"
#include "lib/volume/superblock.h"

/* Sectors that so many bytes take. */
uint64_t content_sectors(uint64_t size);

/* Encrypts bytes and writes them from content->sector on; sets size, nonce and digest. */
MUST_CHECK enum volume_status content_write(struct device *device,
                                            const uint8_t volume_id[VOLUME_ID_SIZE],
                                            struct content *content, const uint8_t *bytes,
                                            size_t size);

/*
 * Reads it, which has to be on the device (space_holds()). VOLUME_DAMAGED: it does not have its
 * digest. On VOLUME_OK *bytes has content->size bytes and is the caller's to release with
 * content_free().
 */
MUST_CHECK enum volume_status content_read(struct device *device,
                                           const uint8_t volume_id[VOLUME_ID_SIZE],
                                           const struct content *content, uint8_t **bytes);

/* Wipes and frees; bytes may be NULL. */
void content_free(const struct content *content, uint8_t *bytes);

#endif
