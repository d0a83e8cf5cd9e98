/* SPDX-License-Identifier: MIT */
/* The storage of a state volume behind a descriptor: the SVSM's block device, or a file. */
#ifndef SNPVTPM_SERVICES_TPM_DISK_H
#define SNPVTPM_SERVICES_TPM_DISK_H

#include "lib/volume/volume.h"

/* The storage that reads and writes *fd, which stays the caller's and must outlive it. */
struct volume_storage disk_storage(int *fd);

#endif
