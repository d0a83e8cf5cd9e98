/* SPDX-License-Identifier: MIT */
#include "services/attest/fetch_key.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "lib/jose/p521.h"
#include "services/attest/attestation_protocol.h"
#include "services/attest/proxy_stream.h"
#include "services/attest/report_data.h"

/* What an exchange waits for. */
enum stage {
    STAGE_BEGIN,
    STAGE_CHALLENGE,
    STAGE_REPLY,
};

/* Tens of kilobytes, so it is not on the stack. */
struct exchange {
    enum stage stage;
    struct proxy_stream proxy;
    struct guest_requester *requester;
    struct challenge challenge;
    struct release_context release;
    struct attestation_evidence evidence;
    struct jwe reply;
};

static enum attest_error negotiate(struct exchange *x)
{
    enum attest_error error = proxy_stream_drain(&x->proxy);

    if (!error)
        error = proxy_stream_send(&x->proxy, NEGOTIATION_REQUEST);
    return error;
}

/* What is refused here is refused before the AMD-SP is asked for anything. */
static enum attest_error receive_challenge(struct exchange *x)
{
    char *json;
    size_t size;
    enum attest_error error = proxy_stream_receive(&x->proxy, &json, &size);

    if (!error)
        error = negotiation_response_parse(json, size, &x->challenge);
    if (!error && x->release.terms->pin_count > 0)
        error = release_terms_apply(x->release.terms, &x->challenge, &x->release.advert,
                                    &x->release.request);
    free(json);
    return error;
}

static enum attest_error make_evidence(struct exchange *x)
{
    uint8_t report_data[REPORT_DATA_SIZE];
    enum attest_error error;

    x->release.own = p521_generate();
    if (!x->release.own || !p521_point_of(x->release.own, &x->release.own_point))
        return ATTEST_ERR_INTERNAL;
    error = report_data_for_key(&x->release.own_point, &x->challenge, report_data);
    if (error)
        return error;
    return guest_requester_get_report(x->requester, report_data, true, &x->evidence);
}

static enum attest_error present_evidence(struct exchange *x)
{
    char *json = attestation_request_format(&x->evidence, &x->challenge, &x->release.own_point);
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

static enum attest_error prove(struct exchange *x)
{
    enum attest_error error = make_evidence(x);

    return error ? error : present_evidence(x);
}

/* All but the opening of the reply; ATTEST_ERR_PENDING: the next call goes on. */
static enum attest_error converse(struct exchange *x)
{
    enum attest_error error = ATTEST_OK;

    if (x->stage == STAGE_BEGIN) {
        error = negotiate(x);
        x->stage = STAGE_CHALLENGE;
    }
    if (!error && x->stage == STAGE_CHALLENGE) {
        error = receive_challenge(x);
        if (!error)
            error = prove(x);
        if (!error)
            x->stage = STAGE_REPLY;
    }
    return error ? error : receive_reply(x);
}

struct exchange *exchange_begin(const struct kbs_access *access,
                                const struct release_request *request)
{
    struct exchange *x = calloc(1, sizeof(*x));

    if (!x)
        return NULL;
    x->proxy = proxy_stream_begin(access->proxy, access->timeout);
    x->requester = access->requester;
    x->release.terms = access->terms;
    x->release.report = x->evidence.report;
    x->release.request = *request;
    return x;
}

void exchange_end(struct exchange *x)
{
    if (!x)
        return;
    proxy_stream_end(&x->proxy);
    EVP_PKEY_free(x->release.own); /* wipes the private key */
    free(x);
}

enum attest_error exchange_go_on(struct exchange *x, unsigned int milliseconds, unsigned int gap,
                                 struct release_record *record, struct released_keys *keys)
{
    enum attest_error error;

    *record = (struct release_record){0};
    proxy_stream_be_patient(&x->proxy, milliseconds, gap);
    error = converse(x);
    return error ? error : release_reply_read(&x->release, &x->reply, record, keys);
}

/* A whole exchange. certificates: where what the answer brings goes, NULL when nothing is due. */
static enum attest_error ask(const struct kbs_access *access, const struct release_request *request,
                             struct release_record *record, struct released_keys *keys,
                             struct ek_certificates *certificates)
{
    struct exchange *x = exchange_begin(access, request);
    enum attest_error error;

    *record = (struct release_record){0};
    if (!x)
        return ATTEST_ERR_INTERNAL;
    error = exchange_go_on(x, access->timeout, access->timeout, record, keys);
    if (!error && certificates)
        error = release_reply_payload(&x->release, &x->reply, record, certificates->bytes,
                                      &certificates->size);
    exchange_end(x);
    return error;
}

enum attest_error kbs_ask(const struct kbs_access *access, const struct release_request *request,
                          struct release_record *record, struct released_keys *keys)
{
    return ask(access, request, record, keys, NULL);
}

enum attest_error kbs_confirm(const struct kbs_access *access,
                              const struct release_request *request, struct release_record *record,
                              struct ek_certificates *certificates)
{
    struct released_keys none;

    certificates->size = 0;
    return ask(access, request, record, &none, certificates);
}

enum attest_error fetch_key(int proxy, unsigned int timeout, struct guest_requester *requester,
                            const struct release_terms *terms, uint8_t key[STATE_KEY_SIZE])
{
    struct kbs_access access = {
        .proxy = proxy, .timeout = timeout, .requester = requester, .terms = terms};
    struct release_request request = {.op = RELEASE_OP_ACQUIRE};
    struct exchange *x = exchange_begin(&access, &request);
    enum attest_error error;

    if (!x)
        return ATTEST_ERR_INTERNAL;
    error = converse(x);
    if (!error)
        error = release_reply_open(&x->release, &x->reply, key);
    exchange_end(x);
    return error;
}
