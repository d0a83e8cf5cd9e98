/* SPDX-License-Identifier: MIT */
/*
 * The superblock of the state volume: one sector that names a state and authenticates it
 * (docs/state-volume.md, "Superblock"). These functions see the sector decrypted.
 */
#ifndef SNPVTPM_LIB_VOLUME_SUPERBLOCK_H
#define SNPVTPM_LIB_VOLUME_SUPERBLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "lib/volume/sector_cipher.h"

#define VOLUME_ID_SIZE     16
#define VOLUME_DIGEST_SIZE 48 /* SHA-384 */

struct superblock {
    uint8_t volume_id[VOLUME_ID_SIZE];
    uint64_t counter; /* of updates; 0 is the formatted volume that holds no state yet */
    uint64_t epoch;   /* of the lease under which it was written; 0 without leases */
    uint64_t payload_size;
    uint8_t payload_digest[VOLUME_DIGEST_SIZE];
    uint8_t root[VOLUME_DIGEST_SIZE]; /* the authentication of all the above */
};

enum superblock_verdict {
    SUPERBLOCK_AUTHENTIC,
    SUPERBLOCK_ABSENT,        /* no magic: not a superblock under this key */
    SUPERBLOCK_FORGED,        /* a superblock that does not authenticate */
    SUPERBLOCK_OTHER_VERSION, /* authentic, of a version that this code does not know */
    SUPERBLOCK_CRYPTO_FAILED, /* OpenSSL failed: nothing is known */
};

/* Reads a decrypted sector. *superblock is set only when the verdict is SUPERBLOCK_AUTHENTIC. */
MUST_CHECK enum superblock_verdict superblock_read(struct superblock *superblock,
                                                   const uint8_t sector[SECTOR_SIZE],
                                                   const uint8_t key[SECTOR_CIPHER_KEY_SIZE]);

/* Sets superblock->root from the other fields and writes the sector to be encrypted. */
MUST_CHECK bool superblock_write(struct superblock *superblock, uint8_t sector[SECTOR_SIZE],
                                 const uint8_t key[SECTOR_CIPHER_KEY_SIZE]);

#endif
