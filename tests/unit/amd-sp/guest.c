/* SPDX-License-Identifier: MIT */
#include "tests/unit/amd-sp/guest.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "emulator/amd-sp/message_crypto.h"
#include "tests/unit/registered.h"

struct guest_message_header guest_header(uint8_t type, uint8_t vmpck, uint64_t seqno,
                                         uint16_t payload_size)
{
    return (struct guest_message_header){
        .msg_seqno = seqno,
        .algo = GUEST_MESSAGE_ALGO_AES_256_GCM,
        .hdr_version = GUEST_MESSAGE_HEADER_VERSION,
        .hdr_size = GUEST_MESSAGE_HEADER,
        .msg_type = type,
        .msg_version = GUEST_MESSAGE_VERSION,
        .msg_size = payload_size,
        .msg_vmpck = vmpck,
    };
}

void guest_seal(const uint8_t vmpck[VMPCK_SIZE], struct guest_message_header header,
                const void *payload, uint8_t page[GUEST_MESSAGE_SIZE])
{
    memset(page, 0, GUEST_MESSAGE_SIZE);
    assert_true(message_seal(vmpck, &header, payload, page + sizeof(header)));
    memcpy(page, &header, sizeof(header));
}

void guest_open(const uint8_t vmpck[VMPCK_SIZE], const struct guest_message_header *request,
                const uint8_t page[GUEST_MESSAGE_SIZE], void *payload, uint16_t payload_size)
{
    struct guest_message_header header;

    memcpy(&header, page, sizeof(header));
    assert_int_equal(header.msg_seqno, request->msg_seqno + 1);
    assert_int_equal(header.msg_type, request->msg_type + 1);
    assert_int_equal(header.msg_version, request->msg_version);
    assert_int_equal(header.msg_vmpck, request->msg_vmpck);
    assert_int_equal(header.msg_size, payload_size);
    assert_true(message_open(vmpck, &header, page + sizeof(header), payload));
}

static EVP_PKEY *certificate_key(const char *path)
{
    FILE *file = fopen(path, "re");
    X509 *certificate;
    EVP_PKEY *key;

    assert_non_null(file);
    certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(certificate);
    key = X509_get_pubkey(certificate);
    X509_free(certificate);
    assert_non_null(key);
    return key;
}

bool report_is_signed_by(const struct snp_report *report, const char *vcek_path)
{
    EVP_PKEY *key = certificate_key(vcek_path);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ECDSA_SIG *signature = ECDSA_SIG_new();
    uint8_t *der = NULL;
    int size;
    bool verified;

    ECDSA_SIG_set0(signature, BN_lebin2bn(report->signature_r, 72, NULL),
                   BN_lebin2bn(report->signature_s, 72, NULL));
    size = i2d_ECDSA_SIG(signature, &der);
    assert_true(size > 0);
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha384(), NULL, key), 1);
    verified = EVP_DigestVerify(context, der, (size_t)size, (const uint8_t *)report,
                                REPORT_SIGNED_SIZE) == 1;
    OPENSSL_free(der);
    ECDSA_SIG_free(signature);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return verified;
}
