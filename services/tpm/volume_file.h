/* SPDX-License-Identifier: MIT */
/* The files that a program of the owner's machine is given: a state volume and its key. */
#ifndef SNPVTPM_SERVICES_TPM_VOLUME_FILE_H
#define SNPVTPM_SERVICES_TPM_VOLUME_FILE_H

#include "lib/volume/volume.h"

#define VOLUME_FILE_SIZE (16 * 1024 * 1024) /* of a new one */

enum volume_file_use {
    VOLUME_FILE_READ,   /* others may read it at the same time */
    VOLUME_FILE_CHANGE, /* for this process alone: two TPMs on one state would overwrite each other
                         */
    VOLUME_FILE_CREATE, /* likewise, and a blank one is made if there is none */
};

/* Reads a key; a file that others may read or change is refused. False: logged. The caller wipes.
 */
MUST_CHECK bool key_file_read(const char *path, uint8_t key[VOLUME_KEY_SIZE]);

/* Opens and locks a volume; size in bytes is for a new one. The descriptor, or -1: logged. */
MUST_CHECK int volume_file_open(const char *path, enum volume_file_use use, uint64_t size);

#endif
