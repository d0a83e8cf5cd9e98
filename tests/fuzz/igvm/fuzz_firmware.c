/* SPDX-License-Identifier: MIT */
/*
 * The input is the end of a firmware image, where the metadata are. What the parser accepts must
 * make an image without pages loaded twice.
 */
#include <stdlib.h>
#include <string.h>

#include "igvm/directives.h"
#include "igvm/firmware_image.h"
#include "lib/snp/page.h"

static void build(const struct firmware *firmware)
{
    uint64_t twice;
    struct image image = {0};

    firmware_image_build(&image, &(struct firmware_plan){.firmware = firmware});
    if (image_check_overlaps(&image, SNP_PLATFORM_MASK, &twice) != IGVM_OK)
        abort();
    image_free(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t image_size = (size / PAGE_SIZE + 1) * PAGE_SIZE;
    uint8_t *bytes = calloc(1, image_size);
    struct firmware firmware;

    if (!bytes)
        abort();
    memcpy(bytes + image_size - size, data, size);
    if (firmware_parse(bytes, image_size, &firmware) == FIRMWARE_OK)
        build(&firmware);
    free(bytes);
    return 0;
}
