/* SPDX-License-Identifier: MIT */
#include "services/attest/guest_message.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/reader.h"

/* What both directions of AES-256-GCM share; the caller frees cipher, NULL when this failed. */
static EVP_CIPHER_CTX *begin_gcm(const uint8_t vmpck[VMPCK_SIZE], uint64_t seqno,
                                 const uint8_t *message, int encrypt)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    uint8_t iv[GUEST_MESSAGE_IV_SIZE] = {0};
    int ignored;

    put_le64(iv, seqno);
    if (cipher && EVP_CipherInit_ex2(cipher, EVP_aes_256_gcm(), vmpck, iv, encrypt, NULL) == 1 &&
        EVP_CipherUpdate(cipher, NULL, &ignored, message + GUEST_MESSAGE_AAD_OFFSET,
                         GUEST_MESSAGE_AAD_SIZE) == 1)
        return cipher;
    EVP_CIPHER_CTX_free(cipher);
    return NULL;
}

enum attest_error guest_message_seal(uint8_t message[GUEST_MESSAGE_SIZE],
                                     const uint8_t vmpck[VMPCK_SIZE], uint64_t seqno,
                                     enum guest_message_type type, const void *payload, size_t size)
{
    struct guest_message_header header = {
        .msg_seqno = seqno,
        .algo = GUEST_MESSAGE_ALGO_AES_256_GCM,
        .hdr_version = GUEST_MESSAGE_HEADER_VERSION,
        .hdr_size = GUEST_MESSAGE_HEADER,
        .msg_type = (uint8_t)type,
        .msg_version = GUEST_MESSAGE_VERSION,
        .msg_size = (uint16_t)size,
        .msg_vmpck = 0,
    };
    EVP_CIPHER_CTX *cipher;
    bool sealed;
    int written;

    if (size == 0 || size > GUEST_MESSAGE_PAYLOAD)
        return ATTEST_ERR_INTERNAL;
    memset(message, 0, GUEST_MESSAGE_SIZE);
    memcpy(message, &header, sizeof(header));

    cipher = begin_gcm(vmpck, seqno, message, 1);
    sealed =
        cipher &&
        EVP_CipherUpdate(cipher, message + GUEST_MESSAGE_HEADER, &written, payload, (int)size) ==
            1 &&
        EVP_CipherFinal_ex(cipher, message + GUEST_MESSAGE_HEADER + written, &written) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, GUEST_MESSAGE_TAG_SIZE, message) == 1;
    EVP_CIPHER_CTX_free(cipher);
    return sealed ? ATTEST_OK : ATTEST_ERR_INTERNAL;
}

/* Every header field of a response is known beforehand, but for the size. */
static bool header_answers(const struct guest_message_header *header, uint64_t request_seqno,
                           enum guest_message_type request_type)
{
    return header->msg_seqno == request_seqno + 1 && header->msg_type == request_type + 1 &&
           header->msg_version == GUEST_MESSAGE_VERSION &&
           header->algo == GUEST_MESSAGE_ALGO_AES_256_GCM &&
           header->hdr_version == GUEST_MESSAGE_HEADER_VERSION &&
           header->hdr_size == GUEST_MESSAGE_HEADER;
}

enum attest_error guest_message_open(const uint8_t message[GUEST_MESSAGE_SIZE],
                                     const uint8_t vmpck[VMPCK_SIZE], uint64_t request_seqno,
                                     enum guest_message_type request_type, void *payload,
                                     size_t room, size_t *size)
{
    struct reader in = reader_over(message, GUEST_MESSAGE_SIZE);
    struct guest_message_header header;
    const uint8_t *ciphertext;
    EVP_CIPHER_CTX *cipher;
    bool opened;
    int written, rest;

    if (!reader_copy(&in, &header, sizeof(header)) ||
        !header_answers(&header, request_seqno, request_type) || header.msg_size == 0 ||
        header.msg_size > room || !reader_borrow(&in, &ciphertext, header.msg_size))
        return ATTEST_ERR_AMD_SP_RESPONSE;

    cipher = begin_gcm(vmpck, header.msg_seqno, message, 0);
    if (!cipher)
        return ATTEST_ERR_INTERNAL;
    opened = EVP_CipherUpdate(cipher, payload, &written, ciphertext, header.msg_size) == 1 &&
             EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, GUEST_MESSAGE_TAG_SIZE,
                                 header.authtag) == 1 &&
             EVP_CipherFinal_ex(cipher, (uint8_t *)payload + written, &rest) == 1;
    EVP_CIPHER_CTX_free(cipher);
    if (!opened) {
        OPENSSL_cleanse(payload, room);
        return ATTEST_ERR_AMD_SP_RESPONSE;
    }
    *size = header.msg_size;
    return ATTEST_OK;
}
