/* SPDX-License-Identifier: MIT */
#include <openssl/evp.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/volume/sector_cipher.h"
#include "tests/unit/registered.h"

#define BLOCK 16

/* IEEE 1619-2007, annex B, vector 10. */
static const uint8_t ieee_key[SECTOR_CIPHER_KEY_SIZE] = {
    0x27, 0x18, 0x28, 0x18, 0x28, 0x45, 0x90, 0x45, 0x23, 0x53, 0x60, 0x28, 0x74, 0x71, 0x35, 0x26,
    0x62, 0x49, 0x77, 0x57, 0x24, 0x70, 0x93, 0x69, 0x99, 0x59, 0x57, 0x49, 0x66, 0x96, 0x76, 0x27,
    0x31, 0x41, 0x59, 0x26, 0x53, 0x58, 0x97, 0x93, 0x23, 0x84, 0x62, 0x64, 0x33, 0x83, 0x27, 0x95,
    0x02, 0x88, 0x41, 0x97, 0x16, 0x93, 0x99, 0x37, 0x51, 0x05, 0x82, 0x09, 0x74, 0x94, 0x45, 0x92,
};
static const uint8_t ieee_ciphertext_start[32] = {
    0x1c, 0x3b, 0x3a, 0x10, 0x2f, 0x77, 0x03, 0x86, 0xe4, 0x83, 0x6c, 0x99, 0xe3, 0x70, 0xcf, 0x9b,
    0xea, 0x00, 0x80, 0x3f, 0x5e, 0x48, 0x23, 0x57, 0xa4, 0xae, 0x12, 0xd4, 0x14, 0xa3, 0xe6, 0x3b,
};

static void fill_pattern(uint8_t sector[SECTOR_SIZE])
{
    for (size_t i = 0; i < SECTOR_SIZE; i++)
        sector[i] = (uint8_t)i;
}

static void aes_block(const uint8_t key[32], const uint8_t in[BLOCK], uint8_t out[BLOCK])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int size;

    assert_non_null(context);
    assert_int_equal(EVP_EncryptInit_ex2(context, EVP_aes_256_ecb(), key, NULL, NULL), 1);
    assert_int_equal(EVP_CIPHER_CTX_set_padding(context, 0), 1);
    assert_int_equal(EVP_EncryptUpdate(context, out, &size, in, BLOCK), 1);
    EVP_CIPHER_CTX_free(context);
}

/* Multiplication by x in GF(2^128), IEEE 1619 section 5.2. */
static void next_mask(uint8_t mask[BLOCK])
{
    uint8_t carry = 0;

    for (size_t i = 0; i < BLOCK; i++) {
        uint8_t out = mask[i] >> 7;

        mask[i] = (uint8_t)(mask[i] << 1 | carry);
        carry = out;
    }
    if (carry != 0)
        mask[0] ^= 0x87;
}

/* XTS from its definition on single AES blocks, as dm-crypt's aes-xts-plain64 uses it. */
static void xts_by_hand(const uint8_t key[SECTOR_CIPHER_KEY_SIZE], uint64_t number,
                        const uint8_t in[SECTOR_SIZE], uint8_t out[SECTOR_SIZE])
{
    uint8_t plain64[BLOCK] = {0};
    uint8_t mask[BLOCK];

    put_le64(plain64, number);
    aes_block(key + 32, plain64, mask);
    for (size_t at = 0; at < SECTOR_SIZE; at += BLOCK) {
        uint8_t block[BLOCK];

        for (size_t i = 0; i < BLOCK; i++)
            block[i] = in[at + i] ^ mask[i];
        aes_block(key, block, out + at);
        for (size_t i = 0; i < BLOCK; i++)
            out[at + i] ^= mask[i];
        next_mask(mask);
    }
}

TEST(a_sector_encrypts_as_the_standards_vector)
{
    struct sector_cipher cipher;
    uint8_t sector[SECTOR_SIZE];

    fill_pattern(sector);
    assert_true(sector_cipher_begin(&cipher, ieee_key));
    assert_true(sector_encrypt(&cipher, 0xff, sector, 1));
    assert_memory_equal(sector, ieee_ciphertext_start, sizeof(ieee_ciphertext_start));
    sector_cipher_end(&cipher);
}

TEST(sectors_encrypt_as_xts_computed_from_its_definition)
{
    const uint64_t numbers[] = {0, 1, 4095, 0x100000000, 0xfedcba9876543210};
    struct sector_cipher cipher;

    assert_true(sector_cipher_begin(&cipher, ieee_key));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uint8_t sector[SECTOR_SIZE];
        uint8_t expected[SECTOR_SIZE];

        fill_pattern(sector);
        xts_by_hand(ieee_key, numbers[i], sector, expected);
        assert_true(sector_encrypt(&cipher, numbers[i], sector, 1));
        assert_memory_equal(sector, expected, SECTOR_SIZE);
    }
    sector_cipher_end(&cipher);
}

TEST(a_run_of_sectors_has_consecutive_tweaks_and_decrypts)
{
    struct sector_cipher cipher;
    uint8_t sectors[3 * SECTOR_SIZE];
    uint8_t expected[SECTOR_SIZE];
    uint8_t plain[SECTOR_SIZE];

    fill_pattern(plain);
    for (size_t i = 0; i < 3; i++)
        memcpy(sectors + i * SECTOR_SIZE, plain, SECTOR_SIZE);
    assert_true(sector_cipher_begin(&cipher, ieee_key));
    assert_true(sector_encrypt(&cipher, 7, sectors, 3));
    xts_by_hand(ieee_key, 9, plain, expected);
    assert_memory_equal(sectors + 2 * SECTOR_SIZE, expected, SECTOR_SIZE);
    assert_true(sector_decrypt(&cipher, 7, sectors, 3));
    for (size_t i = 0; i < 3; i++)
        assert_memory_equal(sectors + i * SECTOR_SIZE, plain, SECTOR_SIZE);
    sector_cipher_end(&cipher);
}

TEST(a_key_of_equal_halves_is_weak)
{
    uint8_t key[SECTOR_CIPHER_KEY_SIZE];

    memset(key, 0x11, sizeof(key));
    assert_true(sector_cipher_key_is_weak(key));
    key[63] ^= 1;
    assert_false(sector_cipher_key_is_weak(key));
}
