/* SPDX-License-Identifier: MIT */
#include "lib/volume/sector_cipher.h"

#include <openssl/crypto.h>

#include "lib/base/bytes.h"

#define TWEAK_SIZE 16

bool sector_cipher_key_is_weak(const uint8_t key[SECTOR_CIPHER_KEY_SIZE])
{
    size_t half = SECTOR_CIPHER_KEY_SIZE / 2;

    return CRYPTO_memcmp(key, key + half, half) == 0;
}

bool sector_cipher_begin(struct sector_cipher *cipher, const uint8_t key[SECTOR_CIPHER_KEY_SIZE])
{
    cipher->encrypt = EVP_CIPHER_CTX_new();
    cipher->decrypt = EVP_CIPHER_CTX_new();
    return cipher->encrypt && cipher->decrypt &&
           EVP_EncryptInit_ex2(cipher->encrypt, EVP_aes_256_xts(), key, NULL, NULL) == 1 &&
           EVP_DecryptInit_ex2(cipher->decrypt, EVP_aes_256_xts(), key, NULL, NULL) == 1;
}

void sector_cipher_end(struct sector_cipher *cipher)
{
    EVP_CIPHER_CTX_free(cipher->encrypt);
    EVP_CIPHER_CTX_free(cipher->decrypt);
    *cipher = (struct sector_cipher){0};
}

/* The direction is the context's own, set when the key was: -1 keeps it. */
static bool transform(EVP_CIPHER_CTX *context, uint64_t sector, uint8_t *data, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t tweak[TWEAK_SIZE] = {0};
        uint8_t *at = data + i * SECTOR_SIZE;
        int size;

        put_le64(tweak, sector + i);
        if (EVP_CipherInit_ex2(context, NULL, NULL, tweak, -1, NULL) != 1 ||
            EVP_CipherUpdate(context, at, &size, at, SECTOR_SIZE) != 1)
            return false;
    }
    return true;
}

bool sector_encrypt(struct sector_cipher *cipher, uint64_t sector, uint8_t *data, size_t count)
{
    return transform(cipher->encrypt, sector, data, count);
}

bool sector_decrypt(struct sector_cipher *cipher, uint64_t sector, uint8_t *data, size_t count)
{
    return transform(cipher->decrypt, sector, data, count);
}
