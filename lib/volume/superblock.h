/* SPDX-License-Identifier: MIT */
/*
 * The superblock of the state volume: one sector that names a state and authenticates it
 * (docs/state-volume.md, "Superblock" and "Version 1"). These functions see the sector decrypted.
 */
#ifndef SNPVTPM_LIB_VOLUME_SUPERBLOCK_H
#define SNPVTPM_LIB_VOLUME_SUPERBLOCK_H

#include <stdint.h>

#include "lib/base/reader.h"
#include "lib/volume/keys.h"
#include "lib/volume/sector_cipher.h"

#define VOLUME_VERSION_1 1 /* read, never written */
#define VOLUME_VERSION   2

/* Where something lies on the volume, and how it is checked and decrypted (content.h). */
struct content {
    uint64_t sector; /* the first one; of no meaning when the size is 0 */
    uint64_t size;   /* in bytes, without the padding */
    uint8_t nonce[VOLUME_NONCE_SIZE];
    uint8_t digest[VOLUME_DIGEST_SIZE];
    bool version_1; /* neither nonce nor padding: see content_read() */
};

struct superblock {
    uint32_t version;
    uint8_t volume_id[VOLUME_ID_SIZE];
    uint64_t counter;     /* of states; 0 is the formatted volume that holds no state yet */
    uint64_t epoch;       /* of the lease under which it was written; 0 without leases */
    uint64_t generation;  /* counts what the owner overrode at the KBS; 0 without leases */
    uint64_t base;        /* counter of the state that was acknowledged when this was written */
    struct content table; /* of the objects; in version 1 the payload, whose sector is not set */
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

/* Sets superblock->root from the other fields, and writes the sector to be encrypted, in
 * VOLUME_VERSION. */
MUST_CHECK bool superblock_write(struct superblock *superblock, uint8_t sector[SECTOR_SIZE],
                                 const uint8_t key[SECTOR_CIPHER_KEY_SIZE]);

/* Whether they name the same state of the same volume. */
bool superblock_equal(const struct superblock *a, const struct superblock *b);

#endif
