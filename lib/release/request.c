/* SPDX-License-Identifier: MIT */
#include "lib/release/record.h"

#include <string.h>

#include "lib/release/tlv.h"

#define TAG    "SVXQ"
#define FIELDS 12

static void describe(struct release_request *request, struct tlv_field fields[FIELDS])
{
    const struct tlv_field all[FIELDS] = {
        {TLV_OP, 1, true, true, &request->op, NULL},
        {TLV_VOLUME, RELEASE_VOLUME_ID_SIZE, false, false, request->volume, &request->has_volume},
        {TLV_EPOCH, 8, true, false, &request->epoch, &request->has_epoch},
        {TLV_LEASE, RELEASE_LEASE_SIZE, false, false, request->lease, &request->has_lease},
        {TLV_COMMITTED, RELEASE_STATE_SIZE, false, false, request->from, &request->has_from},
        {TLV_TO, RELEASE_STATE_SIZE, false, false, request->to, &request->has_to},
        {TLV_EK_DIGEST, RELEASE_DIGEST_SIZE, false, false, request->ek_digest,
         &request->has_ek_digest},
        {TLV_KEY_VERSION, 4, true, false, &request->key_version, &request->has_key_version},
        {TLV_KID, RELEASE_KID_SIZE, false, false, request->kid, &request->has_kid},
        {TLV_SEQUENCE, 8, true, false, &request->sequence, &request->has_sequence},
        {TLV_EK_KEYS, RELEASE_EK_KEYS_SIZE, false, false, request->ek_keys, &request->has_ek_keys},
        {TLV_EK_CERTIFICATES, RELEASE_DIGEST_SIZE, false, false, request->ek_certificates,
         &request->has_ek_certificates},
    };

    memcpy(fields, all, sizeof(all));
}

size_t release_request_write(const uint8_t advert[RELEASE_ADVERT_SIZE],
                             const struct release_request *request, uint8_t *out)
{
    struct writer w = writer_over(out, RELEASE_CHALLENGE_MAX);
    struct release_request copy = *request;
    struct tlv_field fields[FIELDS];

    describe(&copy, fields);
    /* All of it takes 826 bytes at most. */
    if (!writer_put(&w, advert, RELEASE_ADVERT_SIZE) || !tlv_write(&w, TAG, fields, FIELDS))
        return 0;
    return w.used;
}

/* What each operation must have, and that nothing is there that it does not know. */
static bool is_whole(const struct release_request *r)
{
    bool names_lease = r->has_sequence && r->has_epoch && r->has_lease;

    /* Keys go with the digest that names their TPM, certificates with the keys. */
    if ((r->has_ek_keys && (r->op != RELEASE_OP_CONFIRM || !r->has_ek_digest)) ||
        (r->has_ek_certificates && !r->has_ek_keys))
        return false;
    switch (r->op) {
    case RELEASE_OP_PROBE:
        return !r->has_sequence && !r->has_epoch && !r->has_lease && !r->has_from && !r->has_to;
    case RELEASE_OP_ACQUIRE:
        return !r->has_epoch && !r->has_lease && !r->has_from && !r->has_to;
    case RELEASE_OP_CONFIRM:
        return names_lease && r->has_to;
    case RELEASE_OP_ANCHOR:
        return names_lease && r->has_from && r->has_to;
    case RELEASE_OP_RENEW:
        return names_lease && !r->has_from && !r->has_to;
    case RELEASE_OP_RELEASE:
        return names_lease && r->has_from;
    case RELEASE_OP_COMPLAIN:
        return names_lease && !r->has_from;
    default:
        return false;
    }
}

bool release_request_parse(const uint8_t *bytes, size_t size, struct release_request *request)
{
    struct reader r = reader_over(bytes, size);
    struct tlv_field fields[FIELDS];

    *request = (struct release_request){0};
    describe(request, fields);
    if (size <= RELEASE_CHALLENGE_MAX && tlv_read(&r, TAG, fields, FIELDS) && is_whole(request))
        return true;
    *request = (struct release_request){0};
    return false;
}
