/* SPDX-License-Identifier: MIT */
/*
 * The initdata of Confidential Containers: a TOML document that the host hands to a guest, and
 * whose digest a chip attests as HOST_DATA. Only the line that names the digest's algorithm is
 * read.
 */
#ifndef SNPVTPM_KBS_PROTOCOL_INIT_DATA_H
#define SNPVTPM_KBS_PROTOCOL_INIT_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"

#define HOST_DATA_SIZE 32

/*
 * The HOST_DATA that belongs to a document: its digest with sha256, sha384 or sha512, cut to size.
 * False when the lines before the first table are not simple ones of NAME = "STRING", or name no
 * such algorithm.
 */
MUST_CHECK bool init_data_digest(const char *toml, size_t length,
                                 uint8_t host_data[HOST_DATA_SIZE]);

#endif
