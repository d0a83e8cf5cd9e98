/* SPDX-License-Identifier: MIT */
#include "lib/release/advert.h"

#include <string.h>

#include "lib/base/reader.h"

#define MAGIC      "SVSMKBS1"
#define MAGIC_SIZE 8

void release_advert_write(const struct release_advert *advert, uint8_t out[RELEASE_ADVERT_SIZE])
{
    memcpy(out, MAGIC, MAGIC_SIZE);
    out[8] = advert->minor;
    out[9] = advert->capabilities;
    memcpy(out + 10, advert->kid, RELEASE_KID_SIZE);
    memcpy(out + 10 + RELEASE_KID_SIZE, advert->random, RELEASE_RANDOM_SIZE);
}

bool release_advert_parse(const uint8_t *bytes, size_t size, struct release_advert *advert)
{
    struct reader r = reader_over(bytes, size);
    const uint8_t *magic;

    return reader_borrow(&r, &magic, MAGIC_SIZE) && memcmp(magic, MAGIC, MAGIC_SIZE) == 0 &&
           reader_u8(&r, &advert->minor) && reader_u8(&r, &advert->capabilities) &&
           reader_copy(&r, advert->kid, sizeof(advert->kid)) &&
           reader_copy(&r, advert->random, sizeof(advert->random));
}
