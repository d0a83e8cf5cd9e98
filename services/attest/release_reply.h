/* SPDX-License-Identifier: MIT */
/* Opening the KBS's reply: with the signed record that the image demands, or without one. */
#ifndef SNPVTPM_SERVICES_ATTEST_RELEASE_REPLY_H
#define SNPVTPM_SERVICES_ATTEST_RELEASE_REPLY_H

#include <openssl/types.h>

#include "lib/abi/channel.h"
#include "lib/jose/jwe_ecdh.h"
#include "services/attest/guest_request.h"
#include "services/attest/release_terms.h"

/* What a record must be about, all of it our own. */
struct release_context {
    const struct release_terms *terms;
    struct release_advert advert;
    struct release_request request;
    const uint8_t *report; /* REPORT_SIZE bytes */
    EVP_PKEY *own;
    struct p521_point own_point;
};

/* What ACQUIRE brings. */
struct released_keys {
    uint8_t key[STATE_KEY_SIZE];
    uint8_t next[STATE_KEY_SIZE]; /* to change over to, if the record says RELEASE_FLAG_REKEY */
};

/*
 * Decrypts the reply to a state key, which the caller wipes. With pins, only if a record in its
 * header is signed under one of them, answers this request for this report and this key, says OK
 * and commits to the content key. Nothing is decrypted before that.
 */
MUST_CHECK enum attest_error release_reply_open(const struct release_context *context,
                                                const struct jwe *reply,
                                                uint8_t key[STATE_KEY_SIZE]);

/*
 * The same for any operation, with the record: set when it answers this request, whatever its
 * status, and zero otherwise. Only ACQUIRE brings keys. There must be pins.
 */
MUST_CHECK enum attest_error release_reply_read(const struct release_context *context,
                                                const struct jwe *reply,
                                                struct release_record *record,
                                                struct released_keys *keys);

/* Decrypts what came with a record that release_reply_read() has accepted, where it is no key; it
 * is public. *size is 0 when nothing came. */
MUST_CHECK enum attest_error release_reply_payload(const struct release_context *context,
                                                   const struct jwe *reply,
                                                   const struct release_record *record,
                                                   uint8_t payload[JWE_PLAINTEXT_MAX],
                                                   size_t *size);

#endif
