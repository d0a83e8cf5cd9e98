/* SPDX-License-Identifier: MIT */
/*
 * Rewrites an IGVM file as another maker's: format 2, and masks that name all platforms; on demand
 * with a device tree and a MADT for the guest, or with a parameter that the platform does not know.
 * It must mean the same to the emulated platform, or be refused.
 */
#include <stdlib.h>
#include <string.h>

#include "igvm/directives.h"
#include "igvm/files.h"
#include "tests/unit/igvm/expect.h"
#include "tests/unit/igvm/samples.h"

/* Indices that no image has; the addresses are known to machine_tables.c and launch.c. */
#define DEVICE_TREE_AREA 9
#define DEVICE_TREE_GPA  0x30000
#define MADT_AREA        10
#define MADT_GPA         0x31000

static void name_all_platforms(struct igvm_header *header)
{
    switch (header->type) {
    case IGVM_PAGE_DATA:
        header->page_data.compatibility_mask = SAMPLE_EVERYONE;
        break;
    case IGVM_REQUIRED_MEMORY:
        header->required_memory.compatibility_mask = SAMPLE_EVERYONE;
        break;
    case IGVM_PARAMETER_INSERT:
        header->parameter_insert.compatibility_mask = SAMPLE_EVERYONE;
        break;
    default:
        break;
    }
}

int main(int argc, char **argv)
{
    struct file_bytes in, out;
    struct image image = {0};

    if (argc != 3 &&
        !(argc == 4 && (strcmp(argv[3], "tables") == 0 || strcmp(argv[3], "slit") == 0))) {
        fprintf(stderr, "usage: foreign_image IN OUT [tables | slit]\n");
        return TOOL_USAGE;
    }
    if (files_read(argv[1], &in) != TOOL_OK)
        return TOOL_FILE;
    if (image_load(&image, in.bytes, in.size) != IGVM_OK)
        return TOOL_INVALID;
    if (argc == 4) {
        add_parameter_area(&image, DEVICE_TREE_AREA, DEVICE_TREE_GPA, PAGE_SIZE);
        add_parameter(&image, strcmp(argv[3], "slit") == 0 ? IGVM_SLIT : IGVM_DEVICE_TREE,
                      DEVICE_TREE_AREA, 0);
        add_parameter_area(&image, MADT_AREA, MADT_GPA, PAGE_SIZE);
        add_parameter(&image, IGVM_MADT, MADT_AREA, 0);
    }
    for (size_t i = 0; i < image.count; i++)
        name_all_platforms(&image.headers[i]);
    if (image_encode(&image, &out) != IGVM_OK)
        return TOOL_INVALID;
    sample_to_format_2(&out);
    return files_write(argv[2], &out);
}
