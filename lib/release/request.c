/* SPDX-License-Identifier: MIT */
#include "lib/release/record.h"

#include <string.h>

#include "lib/release/tlv.h"

#define TAG    "SVXQ"
#define FIELDS 3

static void describe(struct release_request *request, struct tlv_field fields[FIELDS])
{
    const struct tlv_field all[FIELDS] = {
        {TLV_OP, 1, true, true, &request->op, NULL},
        {TLV_VOLUME, RELEASE_VOLUME_ID_SIZE, false, false, request->volume, &request->has_volume},
        {TLV_KID, RELEASE_KID_SIZE, false, false, request->kid, &request->has_kid},
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
    /* All of it takes 109 bytes at most. */
    if (!writer_put(&w, advert, RELEASE_ADVERT_SIZE) || !tlv_write(&w, TAG, fields, FIELDS))
        return 0;
    return w.used;
}

bool release_request_parse(const uint8_t *bytes, size_t size, struct release_request *request)
{
    struct reader r = reader_over(bytes, size);
    struct tlv_field fields[FIELDS];

    *request = (struct release_request){0};
    describe(request, fields);
    if (size <= RELEASE_CHALLENGE_MAX && tlv_read(&r, TAG, fields, FIELDS) &&
        request->op <= RELEASE_OP_ACQUIRE)
        return true;
    *request = (struct release_request){0};
    return false;
}
