/* SPDX-License-Identifier: MIT */
#include "services/attest/release_reply.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

#include "lib/snp/report.h"

static enum attest_error error_of_jwe(enum jwe_status status)
{
    switch (status) {
    case JWE_OK:
        return ATTEST_OK;
    case JWE_BAD_SIZE:
        return ATTEST_ERR_ATTESTATION;
    case JWE_BAD_POINT:
        return ATTEST_ERR_EPK;
    case JWE_BAD_HEADER:
        return ATTEST_ERR_HEADER;
    case JWE_UNWRAP_FAILED:
    case JWE_TAG_MISMATCH:
        return ATTEST_ERR_DECRYPT;
    case JWE_CRYPTO_FAILED:
        break;
    }
    return ATTEST_ERR_INTERNAL;
}

static enum attest_error read_record(const struct release_terms *terms, const struct jwe *reply,
                                     struct release_record *record)
{
    uint8_t bytes[RELEASE_RECORD_MAX];
    size_t size;

    if (!jwe_header_is_canonical(reply))
        return ATTEST_ERR_HEADER;
    if (!jwe_release_member(reply, bytes, sizeof(bytes), &size))
        return ATTEST_ERR_RELEASE_MALFORMED;
    if (size == 0)
        return ATTEST_ERR_RELEASE_MISSING;
    switch (release_record_open(terms->pins, terms->pin_count, bytes, size, record)) {
    case RELEASE_OPEN_OK:
        return ATTEST_OK;
    case RELEASE_OPEN_MALFORMED:
        return ATTEST_ERR_RELEASE_MALFORMED;
    case RELEASE_OPEN_UNTRUSTED:
        return ATTEST_ERR_RELEASE_UNTRUSTED;
    case RELEASE_OPEN_FAILED:
        break;
    }
    return ATTEST_ERR_INTERNAL;
}

static bool is_echo(const struct release_context *context, const struct release_record *record)
{
    const struct release_request *request = &context->request;

    return record->op == request->op &&
           CRYPTO_memcmp(record->random, context->advert.random, RELEASE_RANDOM_SIZE) == 0 &&
           (!request->has_volume ||
            (record->has_volume &&
             CRYPTO_memcmp(record->volume, request->volume, RELEASE_VOLUME_ID_SIZE) == 0));
}

static bool is_about_us(const struct release_context *context, const struct release_record *record)
{
    uint8_t report[RELEASE_DIGEST_SIZE], key[RELEASE_DIGEST_SIZE];

    return SHA384(context->report, REPORT_SIGNED_SIZE, report) &&
           SHA384((const uint8_t *)&context->own_point, sizeof(context->own_point), key) &&
           CRYPTO_memcmp(record->report_digest, report, sizeof(report)) == 0 &&
           CRYPTO_memcmp(record->key_digest, key, sizeof(key)) == 0;
}

static enum attest_error check_status(const struct release_record *record)
{
    switch (record->status) {
    case RELEASE_STATUS_OK:
        /* What is not committed to could be anybody's. */
        return record->has_cek_commit ? ATTEST_OK : ATTEST_ERR_RELEASE_MALFORMED;
    case RELEASE_STATUS_DENIED:
        return ATTEST_ERR_RELEASE_DENIED;
    case RELEASE_STATUS_UNKNOWN_VOLUME:
        return ATTEST_ERR_RELEASE_NO_VOLUME;
    case RELEASE_STATUS_BUSY:
        return ATTEST_ERR_RELEASE_BUSY;
    case RELEASE_STATUS_SUPERSEDED:
        return ATTEST_ERR_RELEASE_SUPERSEDED;
    case RELEASE_STATUS_STALE:
        return ATTEST_ERR_RELEASE_STALE;
    case RELEASE_STATUS_RETRY:
        return ATTEST_ERR_RELEASE_RETRY;
    case RELEASE_STATUS_FROZEN:
        return ATTEST_ERR_RELEASE_FROZEN;
    default:
        return ATTEST_ERR_RELEASE_NOT_NOW;
    }
}

static enum attest_error check_answer(const struct release_context *context,
                                      const struct jwe *reply, struct release_record *record)
{
    enum attest_error error = read_record(context->terms, reply, record);

    if (error)
        return error;
    if (!is_echo(context, record))
        return ATTEST_ERR_RELEASE_ECHO;
    return is_about_us(context, record) ? ATTEST_OK : ATTEST_ERR_RELEASE_EVIDENCE;
}

static enum attest_error check_commitment(const struct release_record *record,
                                          const uint8_t cek[JWE_CEK_SIZE])
{
    uint8_t commit[RELEASE_DIGEST_SIZE];

    if (!release_cek_commit(cek, commit))
        return ATTEST_ERR_INTERNAL;
    return CRYPTO_memcmp(commit, record->cek_commit, sizeof(commit)) == 0
               ? ATTEST_OK
               : ATTEST_ERR_RELEASE_COMMITMENT;
}

/* record NULL: nothing is committed to. */
static enum attest_error open_payload(const struct release_context *context,
                                      const struct jwe *reply, const struct release_record *record,
                                      uint8_t payload[JWE_PLAINTEXT_MAX])
{
    uint8_t cek[JWE_CEK_SIZE];
    enum attest_error error = error_of_jwe(jwe_unwrap(context->own, reply, cek));

    if (!error && record)
        error = check_commitment(record, cek);
    if (!error)
        error = error_of_jwe(jwe_open(cek, reply, payload));
    OPENSSL_cleanse(cek, sizeof(cek));
    return error;
}

static bool has_next_key(const struct release_record *record)
{
    return record && record->has_flags && record->flags & RELEASE_FLAG_REKEY;
}

static enum attest_error open_keys(const struct release_context *context, const struct jwe *reply,
                                   const struct release_record *record, struct released_keys *keys)
{
    size_t size = has_next_key(record) ? sizeof(*keys) : sizeof(keys->key);
    uint8_t payload[JWE_PLAINTEXT_MAX];
    enum attest_error error = open_payload(context, reply, record, payload);

    static_assert(sizeof(*keys) == 2 * STATE_KEY_SIZE, "as the KBS sends them");
    if (!error && reply->size != size)
        error = ATTEST_ERR_SECRET_SIZE;
    if (!error)
        memcpy(keys, payload, size);
    OPENSSL_cleanse(payload, sizeof(payload));
    return error;
}

enum attest_error release_reply_payload(const struct release_context *context,
                                        const struct jwe *reply,
                                        const struct release_record *record,
                                        uint8_t payload[JWE_PLAINTEXT_MAX], size_t *size)
{
    enum attest_error error = open_payload(context, reply, record, payload);

    /* One byte stands for nothing. */
    *size = !error && reply->size > 1 ? reply->size : 0;
    return error;
}

enum attest_error release_reply_read(const struct release_context *context, const struct jwe *reply,
                                     struct release_record *record, struct released_keys *keys)
{
    enum attest_error error = check_answer(context, reply, record);

    if (error) {
        *record = (struct release_record){0};
        return error;
    }
    error = check_status(record);
    if (error || context->request.op != RELEASE_OP_ACQUIRE)
        return error;
    return open_keys(context, reply, record, keys);
}

enum attest_error release_reply_open(const struct release_context *context, const struct jwe *reply,
                                     uint8_t key[STATE_KEY_SIZE])
{
    struct release_record record;
    struct released_keys keys;
    enum attest_error error = context->terms->pin_count > 0
                                  ? release_reply_read(context, reply, &record, &keys)
                                  : open_keys(context, reply, NULL, &keys);

    if (!error)
        memcpy(key, keys.key, sizeof(keys.key));
    OPENSSL_cleanse(&keys, sizeof(keys));
    return error;
}
