/* SPDX-License-Identifier: MIT */
/* Volumes of format version 1, as the builds that wrote it left them. */
#ifndef SNPVTPM_TESTS_UNIT_SERVICES_VERSION1_VOLUME_H
#define SNPVTPM_TESTS_UNIT_SERVICES_VERSION1_VOLUME_H

#include "tests/unit/services/memory_disk.h"

/*
 * Makes disk what it was after counter updates of version 1, the last one to this payload and the
 * one before it to nothing. With counter 0 it is formatted and has no state.
 */
void version1_volume_write(struct memory_disk *disk, const uint8_t key[VOLUME_KEY_SIZE],
                           uint64_t counter, const uint8_t *payload, size_t size);

#endif
