/* SPDX-License-Identifier: MIT */
/*
 * Volumes of format version 1, which are read and not written: the first commit makes them version
 * 2 (docs/state-volume.md, "Version 1").
 */
#ifndef SNPVTPM_LIB_VOLUME_VERSION1_H
#define SNPVTPM_LIB_VOLUME_VERSION1_H

#include "lib/volume/slots.h"

/* The first sector of the copies of the superblock in a half of the volume. */
uint64_t version1_sector(const struct device *device, unsigned half, unsigned copy);

/* The newest state: VOLUME_OK with its superblock, or why there is none. Some place is authentic,
 * or has the magic. */
MUST_CHECK enum volume_status version1_choose(const struct place old[HALVES][COPIES],
                                              const struct device *device,
                                              struct superblock *current);

/* Where the payload of a state lies, and how it is checked. */
struct content version1_payload(const struct device *device, const struct superblock *superblock);

/* Whether the payload of a state goes up to a sector. */
bool version1_reaches(const struct device *device, const struct superblock *superblock,
                      uint64_t sector);

#endif
