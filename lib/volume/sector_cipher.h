/* SPDX-License-Identifier: MIT */
/*
 * AES-256-XTS over 512-byte sectors, the cipher that dm-crypt calls aes-xts-plain64: the tweak of a
 * sector is its number on the volume as a 64-bit little-endian integer (docs/state-volume.md).
 */
#ifndef SNPVTPM_LIB_VOLUME_SECTOR_CIPHER_H
#define SNPVTPM_LIB_VOLUME_SECTOR_CIPHER_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"

#define SECTOR_SIZE            512
#define SECTOR_CIPHER_KEY_SIZE 64 /* the data key, then the tweak key */

struct sector_cipher {
    EVP_CIPHER_CTX *encrypt;
    EVP_CIPHER_CTX *decrypt;
};

/*
 * XTS is not secure when the data key equals the tweak key, and OpenSSL refuses such a key: ask
 * this first, to be able to say so.
 */
bool sector_cipher_key_is_weak(const uint8_t key[SECTOR_CIPHER_KEY_SIZE]);

/* False when OpenSSL refuses. sector_cipher_end() is due in either case; it wipes the key. */
MUST_CHECK bool sector_cipher_begin(struct sector_cipher *cipher,
                                    const uint8_t key[SECTOR_CIPHER_KEY_SIZE]);
void sector_cipher_end(struct sector_cipher *cipher);

/* Transforms count sectors in place; the first one is number sector of the volume. */
MUST_CHECK bool sector_encrypt(struct sector_cipher *cipher, uint64_t sector, uint8_t *data,
                               size_t count);
MUST_CHECK bool sector_decrypt(struct sector_cipher *cipher, uint64_t sector, uint8_t *data,
                               size_t count);

#endif
