/* SPDX-License-Identifier: MIT */
#include "lib/release/record.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "lib/ecdsa/der.h"
#include "lib/release/pin.h"
#include "lib/release/record_body.h"
#include "lib/release/tlv.h"

#define TAG         "SVXR"
#define FIELDS      18
#define SCALAR_SIZE (RELEASE_SIGNATURE_SIZE / 2)

/* In front of what is signed, with its NUL, so that the key's signatures cannot pass for others. */
static const char record_domain[] = "SVSM-KBS-RELEASE-V1";
static const char cek_domain[] = "SVSM-KBS-CEK-V1";

static void describe(struct release_record *r, struct tlv_field fields[FIELDS])
{
    const struct tlv_field all[FIELDS] = {
        {TLV_OP, 1, true, true, &r->op, NULL},
        {TLV_VOLUME, RELEASE_VOLUME_ID_SIZE, false, false, r->volume, &r->has_volume},
        {TLV_STATUS, 1, true, true, &r->status, NULL},
        {TLV_EPOCH, 8, true, false, &r->epoch, &r->has_epoch},
        {TLV_LEASE, sizeof(r->lease), false, false, r->lease, &r->has_lease},
        {TLV_TTL, 4, true, false, &r->ttl, &r->has_ttl},
        {TLV_COMMITTED, RELEASE_STATE_SIZE, false, false, r->committed, &r->has_committed},
        {TLV_RANDOM, RELEASE_RANDOM_SIZE, false, true, r->random, NULL},
        {TLV_REPORT_DIGEST, RELEASE_DIGEST_SIZE, false, true, r->report_digest, NULL},
        {TLV_KEY_DIGEST, RELEASE_DIGEST_SIZE, false, true, r->key_digest, NULL},
        {TLV_CEK_COMMIT, RELEASE_DIGEST_SIZE, false, false, r->cek_commit, &r->has_cek_commit},
        {TLV_KEY_VERSION, 4, true, false, &r->key_version, &r->has_key_version},
        {TLV_FLAGS, 4, true, false, &r->flags, &r->has_flags},
        {TLV_RETRY_AFTER, 4, true, false, &r->retry_after, &r->has_retry_after},
        {TLV_GENERATION, 8, true, false, &r->generation, &r->has_generation},
        {TLV_COMMITTED_EPOCH, 8, true, false, &r->committed_epoch, &r->has_committed_epoch},
        {TLV_HOLDER, RELEASE_REPORT_ID_SIZE, false, false, r->holder, &r->has_holder},
        {TLV_HELD_FOR, 4, true, false, &r->held_for, &r->has_held_for},
    };

    memcpy(fields, all, sizeof(all));
}

/* Signing */

static bool to_scalars(const uint8_t *der, size_t size, uint8_t out[RELEASE_SIGNATURE_SIZE])
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)size);
    bool done =
        signature && BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, SCALAR_SIZE) == SCALAR_SIZE &&
        BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + SCALAR_SIZE, SCALAR_SIZE) == SCALAR_SIZE;

    ECDSA_SIG_free(signature);
    return done;
}

static bool sign(EVP_PKEY *key, const uint8_t *bytes, size_t size,
                 uint8_t out[RELEASE_SIGNATURE_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t der[ECDSA_DER_MAX];
    size_t der_size = sizeof(der);
    bool done = context && EVP_DigestSignInit(context, NULL, EVP_sha384(), NULL, key) == 1 &&
                EVP_DigestSignUpdate(context, record_domain, sizeof(record_domain)) == 1 &&
                EVP_DigestSignUpdate(context, bytes, size) == 1 &&
                EVP_DigestSignFinal(context, der, &der_size) == 1 && to_scalars(der, der_size, out);

    EVP_MD_CTX_free(context);
    return done;
}

bool release_record_sign(EVP_PKEY *key, const struct release_record *record, uint8_t *out,
                         size_t *size)
{
    struct writer w = writer_over(out, RELEASE_RECORD_MAX);
    struct release_record copy = *record;
    struct tlv_field fields[FIELDS];
    size_t signed_size;
    uint8_t *signature;

    describe(&copy, fields);
    if (!release_is_p384(key) || !tlv_write(&w, TAG, fields, FIELDS))
        return false;
    signed_size = w.used;
    if (!writer_reserve(&w, &signature, RELEASE_SIGNATURE_SIZE) ||
        !sign(key, out, signed_size, signature))
        return false;
    *size = w.used;
    return true;
}

/* Opening */

static bool verify(const struct release_pin *pin, const uint8_t *bytes, size_t size,
                   const uint8_t *der, size_t der_size)
{
    EVP_PKEY *key = release_pin_key(pin);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool valid = key && context &&
                 EVP_DigestVerifyInit(context, NULL, EVP_sha384(), NULL, key) == 1 &&
                 EVP_DigestVerifyUpdate(context, record_domain, sizeof(record_domain)) == 1 &&
                 EVP_DigestVerifyUpdate(context, bytes, size) == 1 &&
                 EVP_DigestVerifyFinal(context, der, der_size) == 1;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return valid;
}

static enum release_open_status check_signature(const struct release_pin *pins, size_t count,
                                                const uint8_t *bytes, size_t signed_size)
{
    const uint8_t *scalars = bytes + signed_size;
    uint8_t der[ECDSA_DER_MAX];
    size_t der_size = ecdsa_der(BN_bin2bn(scalars, SCALAR_SIZE, NULL),
                                BN_bin2bn(scalars + SCALAR_SIZE, SCALAR_SIZE, NULL), der);

    if (der_size == 0)
        return RELEASE_OPEN_FAILED;
    for (size_t i = 0; i < count; i++)
        if (verify(&pins[i], bytes, signed_size, der, der_size))
            return RELEASE_OPEN_OK;
    return RELEASE_OPEN_UNTRUSTED;
}

bool release_body_parse(const uint8_t *bytes, size_t size, struct release_record *record)
{
    struct reader r = reader_over(bytes, size);
    struct tlv_field fields[FIELDS];

    *record = (struct release_record){0};
    describe(record, fields);
    if (tlv_read(&r, TAG, fields, FIELDS))
        return true;
    *record = (struct release_record){0};
    return false;
}

enum release_open_status release_record_open(const struct release_pin *pins, size_t count,
                                             const uint8_t *bytes, size_t size,
                                             struct release_record *record)
{
    enum release_open_status status;

    *record = (struct release_record){0};
    if (size < TLV_HEADER_SIZE + RELEASE_SIGNATURE_SIZE || size > RELEASE_RECORD_MAX)
        return RELEASE_OPEN_MALFORMED;
    status = check_signature(pins, count, bytes, size - RELEASE_SIGNATURE_SIZE);
    if (status == RELEASE_OPEN_OK &&
        !release_body_parse(bytes, size - RELEASE_SIGNATURE_SIZE, record))
        status = RELEASE_OPEN_MALFORMED;
    return status;
}

bool release_cek_commit(const uint8_t cek[32], uint8_t commit[RELEASE_DIGEST_SIZE])
{
    uint8_t both[sizeof(cek_domain) + 32];
    bool done;

    memcpy(both, cek_domain, sizeof(cek_domain));
    memcpy(both + sizeof(cek_domain), cek, 32);
    done = SHA384(both, sizeof(both), commit) != NULL;
    OPENSSL_cleanse(both, sizeof(both));
    return done;
}
