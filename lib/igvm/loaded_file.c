/* SPDX-License-Identifier: MIT */
#include "lib/igvm/loaded_file.h"

#include <stdio.h>
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

/* Says what is wrong with the headers; IGVM_OK and no text when nothing is. */
static enum igvm_error load(struct loaded_file *file)
{
    enum igvm_error error = image_load(&file->image, file->content.bytes, file->content.size);
    uint64_t twice;

    if (error != IGVM_OK) {
        snprintf(file->problem, sizeof(file->problem), "after %zu valid headers: %s",
                 file->image.count, igvm_error_text(error));
        return error;
    }
    file->platform_mask = snp_mask(&file->image);
    error = file->platform_mask == 0
                ? IGVM_ERROR_PLATFORM_ABSENT
                : image_check_overlaps(&file->image, file->platform_mask, &twice);
    if (error == IGVM_ERROR_LOADED_TWICE)
        snprintf(file->problem, sizeof(file->problem), "%s: 0x%llx", igvm_error_text(error),
                 (unsigned long long)twice);
    else if (error != IGVM_OK)
        snprintf(file->problem, sizeof(file->problem), "%s", igvm_error_text(error));
    return error;
}

enum loaded_file_status loaded_file_open(const char *path, struct loaded_file *file)
{
    enum file_error read;

    *file = (struct loaded_file){0};
    read = file_read(path, FILE_PUBLIC, LOADED_FILE_MAX, &file->content);
    if (read == FILE_OK)
        return load(file) == IGVM_OK ? LOADED_FILE_OK : LOADED_FILE_INVALID;
    snprintf(file->problem, sizeof(file->problem), "%s", file_error_text(read));
    return LOADED_FILE_UNREADABLE;
}

void loaded_file_close(struct loaded_file *file)
{
    image_free(&file->image);
    free(file->content.bytes);
}
