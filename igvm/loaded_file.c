/* SPDX-License-Identifier: MIT */
#include "igvm/loaded_file.h"

#include <stdlib.h>

/* The mask bit of the SEV-SNP platform, or 0. */
static uint32_t snp_mask(const struct image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        const struct igvm_header *header = &image->headers[i];

        if (header->type == IGVM_SUPPORTED_PLATFORM &&
            header->supported_platform.platform_type == IGVM_PLATFORM_SEV_SNP)
            return header->compatibility_mask;
    }
    return 0;
}

enum tool_status loaded_file_open(const char *path, struct loaded_file *file)
{
    enum tool_status status;
    enum igvm_error error;

    *file = (struct loaded_file){0};
    status = file_read(path, &file->content);
    if (status != TOOL_OK)
        return status;
    error = image_load(&file->image, file->content.bytes, file->content.size);
    if (error != IGVM_OK)
        return complain(TOOL_INVALID, "%s: after %zu valid headers: %s", path, file->image.count,
                        igvm_error_text(error));
    file->platform_mask = snp_mask(&file->image);
    if (file->platform_mask == 0)
        return complain(TOOL_INVALID, "%s: %s", path, igvm_error_text(IGVM_ERROR_PLATFORM_ABSENT));
    return image_check_overlaps(&file->image, file->platform_mask);
}

void loaded_file_close(struct loaded_file *file)
{
    image_free(&file->image);
    free(file->content.bytes);
}
