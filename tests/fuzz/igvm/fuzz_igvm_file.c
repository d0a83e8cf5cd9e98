/* SPDX-License-Identifier: MIT */
/*
 * The input is an IGVM file. Its length and checksum fields are set right first, or nothing but
 * igvm_open() would be reached. What the reader accepts must then be fit to check, to dump and to
 * list.
 */
#include <stdlib.h>
#include <string.h>

#include "igvm/dump.h"
#include "igvm/kvm_rules.h"
#include "lib/igvm/launch_pages.h"

static void fix_fixed_header(uint8_t *file, size_t size)
{
    uint64_t headers_size = sizeof(struct igvm_fixed_header);

    if (size < headers_size)
        return;
    put_le32(file + offsetof(struct igvm_fixed_header, total_file_size), (uint32_t)size);
    headers_size += get_le32(file + offsetof(struct igvm_fixed_header, variable_header_size));
    if (headers_size <= size)
        put_le32(file + offsetof(struct igvm_fixed_header, checksum),
                 igvm_checksum(file, (size_t)headers_size));
}

static void list_pages(const struct image *image)
{
    struct launch_pages pages = {0};

    if (launch_pages_add_image(&pages, image->headers, image->count, 1) ==
        LAUNCH_PAGES_CRYPTO_FAILED)
        abort();
    launch_pages_free(&pages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    struct image image = {0};
    uint8_t *file = malloc(size + 1);

    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    if (nowhere == NULL || file == NULL)
        abort();
    memcpy(file, data, size);
    fix_fixed_header(file, size);
    if (image_load(&image, file, size) == IGVM_OK) {
        kvm_rule_broken(&image, 1);
        dump_image(nowhere, &image, 1);
        list_pages(&image);
    }
    image_free(&image);
    free(file);
    return 0;
}
