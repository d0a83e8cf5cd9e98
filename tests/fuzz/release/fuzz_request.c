/* SPDX-License-Identifier: MIT */
/* The input is a challenge that came back: advert, then request. What parses is written the same.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/release/record.h"

/* Types that a later version adds are passed over, so that only what is known need come back. */
static void check(const uint8_t *advert, const struct release_request *request)
{
    uint8_t challenge[RELEASE_CHALLENGE_MAX];
    size_t size = release_request_write(advert, request, challenge);
    struct release_request again;
    uint8_t once_more[RELEASE_CHALLENGE_MAX];

    if (size <= RELEASE_ADVERT_SIZE ||
        !release_request_parse(challenge + RELEASE_ADVERT_SIZE, size - RELEASE_ADVERT_SIZE,
                               &again) ||
        release_request_write(advert, &again, once_more) != size ||
        memcmp(once_more, challenge, size) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct release_advert advert;
    struct release_request request;

    if (size < RELEASE_ADVERT_SIZE || !release_advert_parse(data, size, &advert))
        return 0;
    if (release_request_parse(data + RELEASE_ADVERT_SIZE, size - RELEASE_ADVERT_SIZE, &request))
        check(data, &request);
    return 0;
}
