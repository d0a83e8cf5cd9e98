/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/attest_request.h"

#include <stdlib.h>
#include <string.h>

#include "kbs/protocol/snp_json.h"
#include "lib/jose/strict_json.h"

static const struct {
    const char *code, *text;
} statuses[] = {
#define S(name, code, words) [ATTEST_REQUEST_##name] = {code, words},
    ATTEST_REQUEST_STATUSES(S)
#undef S
};

const char *attest_request_code(enum attest_request_status status)
{
    return statuses[status].code;
}

const char *attest_request_text(enum attest_request_status status)
{
    return statuses[status].text;
}

static enum attest_request_status parse_key(const json_t *jwk, struct attest_request *out)
{
    switch (jwk_parse(jwk, &out->key)) {
    case JWK_OK:
        break;
    case JWK_MALFORMED:
        return ATTEST_REQUEST_MALFORMED;
    case JWK_MIXED:
        return ATTEST_REQUEST_KEY_MIXED;
    case JWK_UNSUPPORTED:
        return ATTEST_REQUEST_KEY_UNSUPPORTED;
    case JWK_WEAK:
        return ATTEST_REQUEST_KEY_WEAK;
    case JWK_INVALID:
        return ATTEST_REQUEST_KEY_INVALID;
    }
    if (out->form == ATTEST_FORM_COCONUT)
        return out->key.kind == JWK_P521 ? ATTEST_REQUEST_OK : ATTEST_REQUEST_KEY_UNSUPPORTED;
    return jwk_is_key(&out->key) ? ATTEST_REQUEST_OK : ATTEST_REQUEST_KEY_INVALID;
}

static enum attest_request_status parse_runtime_data(const json_t *runtime,
                                                     struct attest_request *out)
{
    const json_t *nonce = json_object_get(runtime, "nonce");

    if (!strict_json_decode(BASE64_STANDARD, nonce, out->nonce, sizeof(out->nonce),
                            &out->nonce_size))
        return ATTEST_REQUEST_MALFORMED;
    out->nonce_text = json_string_value(nonce);
    return parse_key(json_object_get(runtime, "tee-pubkey"), out);
}

static bool parse_coconut(const json_t *primary, struct attest_request *out)
{
    const json_t *table = json_object_get(primary, "certs-buf");

    out->form = ATTEST_FORM_COCONUT;
    return strict_json_decode_new(BASE64_STANDARD, json_object_get(primary, "snp-report"),
                                  &out->report, &out->report_size) &&
           (!table || json_is_null(table) ||
            strict_json_decode_new(BASE64_STANDARD, table, &out->certificate_table,
                                   &out->certificate_table_size));
}

static bool parse_coco(const json_t *primary, struct chain_cache *known, struct attest_request *out)
{
    struct snp_report *report = malloc(sizeof(*report));

    out->form = ATTEST_FORM_COCO;
    out->report = (uint8_t *)report;
    out->report_size = sizeof(*report);
    return report && snp_json_report(json_object_get(primary, "attestation_report"), report) &&
           snp_json_certificates(json_object_get(primary, "cert_chain"), known, &out->certificates);
}

static enum attest_request_status parse_evidence(const json_t *evidence, struct chain_cache *known,
                                                 struct attest_request *out)
{
    const json_t *primary = json_object_get(evidence, "primary_evidence");
    const json_t *additional = json_object_get(evidence, "additional_evidence");
    bool coconut = json_object_get(primary, "snp-report") || json_object_get(primary, "certs-buf");
    bool coco =
        json_object_get(primary, "attestation_report") || json_object_get(primary, "cert_chain");

    if (!json_is_string(additional))
        return ATTEST_REQUEST_MALFORMED;
    /* "{}" is a list of devices, with none on it. */
    if (!strict_json_is(additional, "") && !strict_json_is(additional, "{}"))
        return ATTEST_REQUEST_ADDITIONAL;
    out->additional_evidence = json_string_value(additional);
    if (coconut && coco)
        return ATTEST_REQUEST_EVIDENCE_MIXED;
    if (!(coco ? parse_coco(primary, known, out) : parse_coconut(primary, out)))
        return ATTEST_REQUEST_MALFORMED;
    return ATTEST_REQUEST_OK;
}

static enum attest_request_status parse_init_data(const json_t *init, struct attest_request *out)
{
    const json_t *body = json_object_get(init, "body");

    if (!init || json_is_null(init))
        return ATTEST_REQUEST_OK;
    if (!json_is_string(body))
        return ATTEST_REQUEST_MALFORMED;
    out->has_init_data = true;
    return strict_json_is(json_object_get(init, "format"), "toml") &&
                   init_data_digest(json_string_value(body), json_string_length(body),
                                    out->host_data)
               ? ATTEST_REQUEST_OK
               : ATTEST_REQUEST_INIT_DATA;
}

static enum attest_request_status parse_root(const json_t *root, struct chain_cache *known,
                                             struct attest_request *out)
{
    enum attest_request_status status =
        parse_evidence(json_object_get(root, "tee-evidence"), known, out);

    if (status == ATTEST_REQUEST_OK)
        status = parse_runtime_data(json_object_get(root, "runtime-data"), out);
    if (status == ATTEST_REQUEST_OK)
        status = parse_init_data(json_object_get(root, "init-data"), out);
    return status;
}

enum attest_request_status attest_request_parse(const void *body, size_t size,
                                                struct chain_cache *known,
                                                struct attest_request *out)
{
    enum attest_request_status status = ATTEST_REQUEST_MALFORMED;
    const json_t *root;

    *out = (struct attest_request){0};
    root = strict_json_load_region(&out->body, body, size);
    if (root)
        status = parse_root(root, known, out);
    if (status != ATTEST_REQUEST_OK)
        attest_request_free(out);
    return status;
}

void attest_request_free(struct attest_request *request)
{
    free(request->report);
    free(request->certificate_table);
    certificates_free(&request->certificates);
    json_region_free(&request->body);
    *request = (struct attest_request){0};
}
