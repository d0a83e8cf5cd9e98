/* SPDX-License-Identifier: MIT */
#include "services/attest/attest_service.h"

#include <openssl/crypto.h>

#include "lib/file/io.h"
#include "services/attest/report_data.h"
#include "services/common/log.h"

struct report_arguments {
    const uint8_t *nonce, *manifest;
    uint32_t manifest_size, want_certificates;
};

static struct kbs_access access_of(struct attest_service *service)
{
    return (struct kbs_access){.proxy = service->proxy,
                               .timeout = service->timeout,
                               .requester = &service->requester,
                               .terms = &service->terms};
}

static enum attest_error handle_fetch_key(struct attest_service *service, struct reader *arguments)
{
    struct kbs_access access = access_of(service);
    struct state_grant grant;
    enum attest_error error;

    if (!reader_at_end(arguments))
        return ATTEST_ERR_REQUEST;
    error = lease_acquire(&service->lease, &access, &grant);
    if (!error && !io_write_all(service->state_key, &grant, sizeof(grant)))
        error = ATTEST_ERR_KEY_NOT_TAKEN;
    if (!error && grant.flags & STATE_GRANT_REKEY)
        log_info("attestation: the KBS released the state key, with the volume's lease, and a key "
                 "that the volume is to change over to");
    else if (!error && grant.flags & STATE_GRANT_LEASED)
        log_info("attestation: the KBS released the state key, with the volume's lease");
    else if (!error)
        log_info("attestation: the KBS released the state key");
    OPENSSL_cleanse(&grant, sizeof(grant));
    return error;
}

static enum attest_error handle_confirm(struct attest_service *service, struct reader *arguments,
                                        struct writer *body)
{
    struct kbs_access access = access_of(service);
    struct ek_certificates *certificates = &service->certificates;
    struct state_name state;
    struct ek_request ek;
    uint32_t time;
    enum attest_error error;
    bool has_ek;

    if (!reader_copy(arguments, &state, sizeof(state)))
        return ATTEST_ERR_REQUEST;
    has_ek = arguments->left > 0;
    if ((has_ek && !reader_copy(arguments, &ek, sizeof(ek))) || !reader_at_end(arguments))
        return ATTEST_ERR_REQUEST;
    error =
        lease_confirm(&service->lease, &access, &state, has_ek ? &ek : NULL, &time, certificates);
    if (error)
        return error;
    log_info("attestation: the KBS confirmed state number %llu of the volume%s",
             (unsigned long long)state.counter,
             certificates->size > 0 ? ", and certified the endorsement keys" : "");
    return writer_le32(body, time) && writer_put(body, certificates->bytes, certificates->size)
               ? ATTEST_OK
               : ATTEST_ERR_INTERNAL;
}

static enum attest_error handle_complain(struct attest_service *service, struct reader *arguments)
{
    struct kbs_access access = access_of(service);
    bool found = !reader_at_end(arguments);
    struct state_name state;
    enum attest_error error;

    if (found && (!reader_copy(arguments, &state, sizeof(state)) || !reader_at_end(arguments)))
        return ATTEST_ERR_REQUEST;
    error = lease_complain(&service->lease, &access, found ? &state : NULL);
    if (!error)
        log_warning("attestation: the KBS has taken down what the state volume shows, for its "
                    "owner: kbsctl volume lease show");
    return error;
}

/* Says on the log why an exchange failed, once for as long as it fails for that reason. */
static void say_failure(struct attest_service *service, enum attest_error error)
{
    if (error == ATTEST_ERR_PENDING || error == service->said)
        return;
    if (error)
        log_warning("attestation: the KBS is not told of the volume's lease: %s",
                    attest_error_words(error));
    else if (service->said)
        log_info("attestation: the KBS answers about the volume's lease again");
    service->said = error;
}

static enum attest_error handle_keep(struct attest_service *service, enum release_op op,
                                     struct reader *arguments, struct writer *body)
{
    struct kbs_access access = access_of(service);
    bool has_state = op != RELEASE_OP_RENEW;
    struct state_name state;
    uint32_t time = 0;
    enum attest_error error;

    if ((has_state && !reader_copy(arguments, &state, sizeof(state))) || !reader_at_end(arguments))
        return ATTEST_ERR_REQUEST;
    error = lease_keep(&service->lease, &access, op, has_state ? &state : NULL, &time);
    say_failure(service, error);
    if (!error && !writer_le32(body, time))
        error = ATTEST_ERR_INTERNAL;
    return error;
}

/* The manifest is never empty: it is what tells this REPORT_DATA from a key release's. */
static bool read_report_arguments(struct reader *in, struct report_arguments *out)
{
    return reader_borrow(in, &out->nonce, REPORT_NONCE_SIZE) &&
           reader_le32(in, &out->manifest_size) && out->manifest_size > 0 &&
           reader_borrow(in, &out->manifest, out->manifest_size) &&
           reader_le32(in, &out->want_certificates) && out->want_certificates <= 1 &&
           reader_at_end(in);
}

static bool write_sized(struct writer *out, const void *bytes, size_t size)
{
    return writer_le32(out, (uint32_t)size) && writer_put(out, bytes, size);
}

static enum attest_error write_report(struct writer *body,
                                      const struct attestation_evidence *evidence)
{
    size_t size = evidence->certificates_size;

    if (!write_sized(body, evidence->report, sizeof(evidence->report)))
        return ATTEST_ERR_INTERNAL;
    if (size > body->room - sizeof(uint32_t)) {
        log_warning("attestation: the host's certificates (%zu bytes) do not fit in a response "
                    "and are left out",
                    size);
        size = 0;
    }
    return write_sized(body, evidence->certificates, size) ? ATTEST_OK : ATTEST_ERR_INTERNAL;
}

static enum attest_error handle_report(struct attest_service *service, struct reader *arguments,
                                       struct writer *body)
{
    struct report_arguments args;
    uint8_t report_data[REPORT_DATA_SIZE];
    enum attest_error error;

    if (!read_report_arguments(arguments, &args))
        return ATTEST_ERR_REQUEST;
    error = report_data_for_manifest(args.nonce, args.manifest, args.manifest_size, report_data);
    if (!error)
        error = guest_requester_get_report(&service->requester, report_data, args.want_certificates,
                                           &service->evidence);
    if (!error)
        error = write_report(body, &service->evidence);
    return error;
}

/* ATTEST_OK, or what is to be said on the log. */
static enum attest_error handle_once(struct attest_service *service, uint32_t operation,
                                     struct reader *arguments, struct writer *body)
{
    switch (operation) {
    case ATTEST_FETCH_KEY:
        return handle_fetch_key(service, arguments);
    case ATTEST_CONFIRM:
        return handle_confirm(service, arguments, body);
    case ATTEST_COMPLAIN:
        return handle_complain(service, arguments);
    case ATTEST_REPORT:
        return handle_report(service, arguments, body);
    default:
        return ATTEST_ERR_REQUEST;
    }
}

uint32_t attest_service_handle(void *context, uint32_t operation, struct reader *arguments,
                               struct writer *body)
{
    struct attest_service *service = context;
    enum attest_error error;

    switch (operation) {
    case ATTEST_ANCHOR:
        return attest_error_status(handle_keep(service, RELEASE_OP_ANCHOR, arguments, body));
    case ATTEST_RENEW:
        return attest_error_status(handle_keep(service, RELEASE_OP_RENEW, arguments, body));
    case ATTEST_RELEASE:
        return attest_error_status(handle_keep(service, RELEASE_OP_RELEASE, arguments, body));
    }
    error = handle_once(service, operation, arguments, body);
    if (error)
        log_error("attestation: %s", attest_error_words(error));
    return attest_error_status(error);
}
