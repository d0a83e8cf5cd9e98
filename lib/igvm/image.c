/* SPDX-License-Identifier: MIT */
#include "lib/igvm/image.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/writer.h"
#include "lib/snp/page.h"

struct image_page {
    struct image_page *next;
    uint8_t bytes[PAGE_SIZE];
};

void image_free(struct image *image)
{
    while (image->pages) {
        struct image_page *page = image->pages;

        image->pages = page->next;
        free(page);
    }
    free(image->headers);
    *image = (struct image){0};
}

void image_add(struct image *image, const struct igvm_header *header)
{
    if (image->count == image->capacity) {
        size_t capacity = image->capacity == 0 ? 64 : image->capacity * 2;
        struct igvm_header *headers =
            reallocarray(image->headers, capacity, sizeof(*image->headers));

        if (!headers) {
            image->out_of_memory = true;
            return;
        }
        image->headers = headers;
        image->capacity = capacity;
    }
    image->headers[image->count++] = *header;
}

const uint8_t *image_keep_page(struct image *image, const void *bytes, size_t size)
{
    struct image_page *page = calloc(1, sizeof(*page));

    if (!page) {
        image->out_of_memory = true;
        return NULL;
    }
    memcpy(page->bytes, bytes, size);
    page->next = image->pages;
    image->pages = page;
    return page->bytes;
}

enum igvm_error image_load(struct image *image, const void *bytes, size_t size)
{
    struct igvm_file file;
    struct igvm_cursor cursor;
    struct igvm_header header;
    enum igvm_error error = igvm_open(&file, bytes, size);

    if (error != IGVM_OK)
        return error;
    cursor = igvm_first(&file);
    while ((error = igvm_next(&cursor, &header)) == IGVM_OK)
        image_add(image, &header);
    return error == IGVM_END ? IGVM_OK : error;
}

/* A piece of guest memory that one header fills. */
struct range {
    uint64_t gpa;
    uint64_t size;
};

/* Size 0: the header fills nothing. */
static struct range filled_range(const struct igvm_header *header)
{
    switch (header->type) {
    case IGVM_PAGE_DATA:
        return (struct range){.gpa = header->page_data.gpa, .size = PAGE_SIZE};
    case IGVM_PARAMETER_INSERT:
        return (struct range){.gpa = header->parameter_insert.gpa, .size = header->insert_size};
    default:
        return (struct range){0};
    }
}

static int compare_gpas(const void *a, const void *b)
{
    const struct range *left = a, *right = b;

    return (left->gpa > right->gpa) - (left->gpa < right->gpa);
}

enum igvm_error image_check_overlaps(const struct image *image, uint32_t platform_mask,
                                     uint64_t *twice)
{
    enum igvm_error error = IGVM_OK;
    struct range *ranges;
    size_t count = 0;

    if (image->out_of_memory)
        return IGVM_ERROR_NO_MEMORY;
    ranges = calloc(image->count + 1, sizeof(*ranges));
    if (!ranges)
        return IGVM_ERROR_NO_MEMORY;

    for (size_t i = 0; i < image->count; i++) {
        struct range range = filled_range(&image->headers[i]);

        if (range.size != 0 && igvm_applies(&image->headers[i], platform_mask))
            ranges[count++] = range;
    }
    qsort(ranges, count, sizeof(*ranges), compare_gpas);
    for (size_t i = 1; i < count && error == IGVM_OK; i++) {
        if (ranges[i].gpa - ranges[i - 1].gpa < ranges[i - 1].size) {
            error = IGVM_ERROR_LOADED_TWICE;
            *twice = ranges[i].gpa;
        }
    }
    free(ranges);
    return error;
}

/* The place of a type in an encoded file, see image_encode(). */
static int rank(uint32_t type)
{
    switch (type) {
    case IGVM_SUPPORTED_PLATFORM:
        return 0;
    case IGVM_GUEST_POLICY:
        return 1;
    case IGVM_REQUIRED_MEMORY:
        return 2;
    case IGVM_PARAMETER_AREA:
        return 3;
    case IGVM_PARAMETER_INSERT:
        return 5;
    case IGVM_PAGE_DATA:
        return 6;
    case IGVM_VP_CONTEXT:
        return 7;
    case IGVM_SNP_ID_BLOCK:
        return 8;
    default: /* parameter usages */
        return 4;
    }
}

static int compare_places(const void *a, const void *b)
{
    const struct igvm_header *left = *(const struct igvm_header *const *)a;
    const struct igvm_header *right = *(const struct igvm_header *const *)b;

    if (rank(left->type) != rank(right->type))
        return rank(left->type) - rank(right->type);
    if (left->type == IGVM_PAGE_DATA && left->page_data.gpa != right->page_data.gpa)
        return left->page_data.gpa < right->page_data.gpa ? -1 : 1;
    /* Otherwise as they were added: both are elements of image->headers. */
    return (left > right) - (left < right);
}

static const struct igvm_header **sorted_headers(const struct image *image)
{
    const struct igvm_header **sorted = calloc(image->count + 1, sizeof(struct igvm_header *));

    if (!sorted)
        return NULL;
    for (size_t i = 0; i < image->count; i++)
        sorted[i] = &image->headers[i];
    qsort(sorted, image->count, sizeof(struct igvm_header *), compare_places);
    return sorted;
}

static size_t padded(size_t size)
{
    return (size + IGVM_HEADER_ALIGNMENT - 1) / IGVM_HEADER_ALIGNMENT * IGVM_HEADER_ALIGNMENT;
}

/* The content of a header with its file_offset field, if it has one, set to where its data goes. */
static struct igvm_header with_file_offset(const struct igvm_header *header, size_t offset)
{
    struct igvm_header placed = *header;
    uint32_t file_offset = header->data ? (uint32_t)offset : 0;

    switch (header->type) {
    case IGVM_PARAMETER_AREA:
        placed.parameter_area.file_offset = file_offset;
        break;
    case IGVM_PAGE_DATA:
        placed.page_data.file_offset = file_offset;
        break;
    case IGVM_VP_CONTEXT:
        placed.vp_context.file_offset = file_offset;
        break;
    default:
        break;
    }
    return placed;
}

static bool put_header(struct writer *headers, struct writer *data,
                       const struct igvm_header *header)
{
    size_t length = igvm_content_size(header->type);
    struct igvm_header placed =
        with_file_offset(header, (size_t)(data->start + data->used - headers->start));

    return writer_le32(headers, header->type) && writer_le32(headers, (uint32_t)length) &&
           writer_put(headers, placed.content, length) &&
           writer_zeros(headers, padded(length) - length) &&
           (!header->data || writer_put(data, header->data, header->data_size));
}

/* Fills in the file, whose size and that of its headers (fixed one included) are known. */
static bool put_file(struct file_bytes *file, size_t headers_size,
                     const struct igvm_header **sorted, size_t count)
{
    struct writer headers = writer_over(file->bytes, headers_size);
    struct writer data = writer_over(file->bytes + headers_size, file->size - headers_size);
    struct igvm_fixed_header fixed = {
        .magic = IGVM_MAGIC,
        .format_version = IGVM_FORMAT_VERSION_1,
        .variable_header_offset = sizeof(fixed),
        .variable_header_size = (uint32_t)(headers_size - sizeof(fixed)),
        .total_file_size = (uint32_t)file->size,
    };

    if (!writer_put(&headers, &fixed, sizeof(fixed)))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!put_header(&headers, &data, sorted[i]))
            return false;
    }
    put_le32(file->bytes + offsetof(struct igvm_fixed_header, checksum),
             igvm_checksum(file->bytes, headers_size));
    return true;
}

enum igvm_error image_encode(const struct image *image, struct file_bytes *file)
{
    size_t headers_size = sizeof(struct igvm_fixed_header);
    size_t data_size = 0;
    const struct igvm_header **sorted;
    bool done;

    if (image->out_of_memory)
        return IGVM_ERROR_NO_MEMORY;
    for (size_t i = 0; i < image->count; i++) {
        headers_size +=
            sizeof(struct igvm_variable_header) + padded(igvm_content_size(image->headers[i].type));
        data_size += image->headers[i].data_size;
    }
    if (headers_size + data_size > UINT32_MAX)
        return IGVM_ERROR_TOO_LARGE;

    *file = (struct file_bytes){.size = headers_size + data_size};
    file->bytes = malloc(file->size);
    sorted = sorted_headers(image);
    done = file->bytes && sorted && put_file(file, headers_size, sorted, image->count);
    free(sorted);
    if (!done) {
        free(file->bytes);
        *file = (struct file_bytes){0};
        return IGVM_ERROR_NO_MEMORY;
    }
    return IGVM_OK;
}
