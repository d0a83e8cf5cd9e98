/* SPDX-License-Identifier: MIT */
#include "services/attest/fetch_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "lib/jose/p521.h"
#include "services/attest/attestation_protocol.h"
#include "services/attest/proxy_stream.h"
#include "services/attest/report_data.h"

/* One exchange. Tens of kilobytes, so it is not on the stack. */
struct exchange {
    struct proxy_stream proxy;
    struct guest_requester *requester;
    struct challenge challenge;
    EVP_PKEY *own;
    struct p521_point own_point;
    struct attestation_evidence evidence;
    struct jwe reply;
};

/* What is refused here is refused before the AMD-SP is asked for anything. */
static enum attest_error negotiate(struct exchange *x)
{
    char *json = NULL;
    size_t size;
    enum attest_error error = proxy_stream_drain(&x->proxy);

    if (!error)
        error = proxy_stream_send(&x->proxy, NEGOTIATION_REQUEST);
    if (!error)
        error = proxy_stream_receive(&x->proxy, &json, &size);
    if (!error)
        error = negotiation_response_parse(json, size, &x->challenge);
    free(json);
    return error;
}

static enum attest_error make_evidence(struct exchange *x)
{
    uint8_t report_data[REPORT_DATA_SIZE];
    enum attest_error error;

    x->own = p521_generate();
    if (!x->own || !p521_point_of(x->own, &x->own_point))
        return ATTEST_ERR_INTERNAL;
    error = report_data_for_key(&x->own_point, &x->challenge, report_data);
    if (error)
        return error;
    return guest_requester_get_report(x->requester, report_data, true, &x->evidence);
}

static enum attest_error present_evidence(struct exchange *x)
{
    char *json = attestation_request_format(&x->evidence, &x->challenge, &x->own_point);
    enum attest_error error = json ? proxy_stream_send(&x->proxy, json) : ATTEST_ERR_INTERNAL;

    free(json);
    return error;
}

static enum attest_error receive_reply(struct exchange *x)
{
    char *json;
    size_t size;
    enum attest_error error = proxy_stream_receive(&x->proxy, &json, &size);

    if (!error)
        error = attestation_response_parse(json, size, &x->reply);
    free(json);
    return error;
}

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

enum attest_error fetch_key_open_reply(EVP_PKEY *own, const struct jwe *reply,
                                       uint8_t key[STATE_KEY_SIZE])
{
    uint8_t secret[JWE_PLAINTEXT_MAX];
    enum attest_error error = error_of_jwe(jwe_decrypt(own, reply, secret));

    if (!error && reply->size != STATE_KEY_SIZE)
        error = ATTEST_ERR_SECRET_SIZE;
    if (!error)
        memcpy(key, secret, STATE_KEY_SIZE);
    OPENSSL_cleanse(secret, sizeof(secret));
    return error;
}

enum attest_error fetch_key(int proxy, unsigned int timeout, struct guest_requester *requester,
                            uint8_t key[STATE_KEY_SIZE])
{
    struct exchange *x = calloc(1, sizeof(*x));
    enum attest_error error;

    if (!x)
        return ATTEST_ERR_INTERNAL;
    x->proxy = proxy_stream_begin(proxy, timeout);
    x->requester = requester;
    error = negotiate(x);
    if (!error)
        error = make_evidence(x);
    if (!error)
        error = present_evidence(x);
    if (!error)
        error = receive_reply(x);
    if (!error)
        error = fetch_key_open_reply(x->own, &x->reply, key);
    EVP_PKEY_free(x->own); /* wipes the private key */
    free(x);
    return error;
}
