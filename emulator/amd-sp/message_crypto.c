/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/message_crypto.h"

#include <string.h>

#include <openssl/evp.h>

#include "lib/base/bytes.h"

enum direction {
    OPENING = 0,
    SEALING = 1,
};

/* A cipher context that has taken key, IV and additional data; NULL when libcrypto fails. */
MUST_CHECK static EVP_CIPHER_CTX *begin(const uint8_t vmpck[VMPCK_SIZE],
                                        const struct guest_message_header *header,
                                        enum direction direction)
{
    const uint8_t *aad = (const uint8_t *)header + GUEST_MESSAGE_AAD_OFFSET;
    uint8_t iv[GUEST_MESSAGE_IV_SIZE] = {0};
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int size;

    put_le64(iv, header->msg_seqno);
    if (context && EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, vmpck, iv, direction) == 1 &&
        EVP_CipherUpdate(context, NULL, &size, aad, GUEST_MESSAGE_AAD_SIZE) == 1)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

bool message_seal(const uint8_t vmpck[VMPCK_SIZE], struct guest_message_header *header,
                  const uint8_t *payload, uint8_t *ciphertext)
{
    EVP_CIPHER_CTX *context = begin(vmpck, header, SEALING);
    int size;
    bool sealed;

    memset(header->authtag, 0, sizeof(header->authtag));
    sealed = context &&
             EVP_CipherUpdate(context, ciphertext, &size, payload, header->msg_size) == 1 &&
             EVP_CipherFinal_ex(context, ciphertext + size, &size) == 1 &&
             EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, GUEST_MESSAGE_TAG_SIZE,
                                 header->authtag) == 1;
    EVP_CIPHER_CTX_free(context);
    return sealed;
}

bool message_open(const uint8_t vmpck[VMPCK_SIZE], const struct guest_message_header *header,
                  const uint8_t *ciphertext, uint8_t *payload)
{
    EVP_CIPHER_CTX *context = begin(vmpck, header, OPENING);
    int size;
    bool authentic;

    authentic = context &&
                EVP_CipherUpdate(context, payload, &size, ciphertext, header->msg_size) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, GUEST_MESSAGE_TAG_SIZE,
                                    (void *)header->authtag) == 1 &&
                EVP_CipherFinal_ex(context, payload + size, &size) == 1;
    EVP_CIPHER_CTX_free(context);
    return authentic;
}
