/* SPDX-License-Identifier: MIT */
/* What is derived from the volume's key, by HKDF-SHA-512 (docs/state-volume.md, "Keys"). */
#ifndef SNPVTPM_LIB_VOLUME_KEYS_H
#define SNPVTPM_LIB_VOLUME_KEYS_H

#include "lib/volume/sector_cipher.h"

#define VOLUME_ID_SIZE     16
#define VOLUME_DIGEST_SIZE 48 /* SHA-384 */
#define VOLUME_NONCE_SIZE  32

#define ROOT_KEY_SIZE    VOLUME_DIGEST_SIZE
#define CONTENT_KEY_SIZE 32 /* AES-256 */

/* The key of the roots of a volume. Each returns false when OpenSSL fails; the caller wipes. */
MUST_CHECK bool derive_root_key(uint8_t root_key[ROOT_KEY_SIZE],
                                const uint8_t key[SECTOR_CIPHER_KEY_SIZE],
                                const uint8_t volume_id[VOLUME_ID_SIZE]);

/* The key of one content, an object's or a table's, that was written under this nonce. */
MUST_CHECK bool derive_content_key(uint8_t content_key[CONTENT_KEY_SIZE],
                                   const uint8_t key[SECTOR_CIPHER_KEY_SIZE],
                                   const uint8_t volume_id[VOLUME_ID_SIZE],
                                   const uint8_t nonce[VOLUME_NONCE_SIZE]);

#endif
