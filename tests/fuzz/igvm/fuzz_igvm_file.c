/* SPDX-License-Identifier: MIT */
/*
 * The input is an IGVM file. Its length and checksum fields are set right first, or nothing but
 * igvm_open() would be reached. What the reader accepts must then be fit to check, to dump and to
 * list.
 */
#include <stdlib.h>
#include <string.h>

#include "igvm/dump.h"
#include "lib/igvm/kvm_rules.h"
#include "lib/igvm/launch_pages.h"

static void fix_fixed_header(uint8_t *file, size_t size)
{
    uint64_t headers_size;

    if (size < sizeof(struct igvm_fixed_header))
        return;
    headers_size =
        igvm_fixed_header_size(get_le32(file + offsetof(struct igvm_fixed_header, format_version)));
    if (headers_size == 0 || headers_size > size)
        return;
    put_le32(file + offsetof(struct igvm_fixed_header, total_file_size), (uint32_t)size);
    headers_size += get_le32(file + offsetof(struct igvm_fixed_header, variable_header_size));
    if (headers_size <= size)
        put_le32(file + offsetof(struct igvm_fixed_header, checksum),
                 igvm_checksum(file, (size_t)headers_size));
}

static void list_pages(const struct image *image, uint32_t platform_mask)
{
    struct launch_pages pages = {0};

    if (launch_pages_add_image(&pages, image->headers, image->count, platform_mask) ==
        LAUNCH_PAGES_CRYPTO_FAILED)
        abort();
    launch_pages_free(&pages);
}

/* As the tools do. */
static void use(const uint8_t *bytes, size_t size, FILE *nowhere)
{
    struct image image = {0};
    struct igvm_file file;
    uint32_t platform_mask;

    if (igvm_open(&file, bytes, size) != IGVM_OK ||
        igvm_select_platform(&file, IGVM_PLATFORM_SEV_SNP, &platform_mask) != IGVM_OK)
        return;
    if (image_load(&image, bytes, size) != IGVM_OK)
        abort(); /* it was valid throughout */
    kvm_rule_broken(&image, platform_mask);
    dump_image(nowhere, &image, platform_mask);
    list_pages(&image, platform_mask);
    image_free(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    uint8_t *file = malloc(size + 1);

    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    if (!nowhere || !file)
        abort();
    memcpy(file, data, size);
    fix_fixed_header(file, size);
    use(file, size, nowhere);
    free(file);
    return 0;
}
