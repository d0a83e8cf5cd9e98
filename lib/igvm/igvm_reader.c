/* SPDX-License-Identifier: MIT */
#include "lib/igvm/igvm_reader.h"

#include "lib/snp/page.h"

/* The three parts of the variable headers, which may not be interleaved. */
enum section {
    SECTION_PLATFORM = 1,
    SECTION_INITIALIZATION,
    SECTION_DIRECTIVE,
};

static enum section section_of(uint32_t type)
{
    type &= ~IGVM_OPTIONAL;
    if (type <= 0x100)
        return SECTION_PLATFORM;
    return type <= 0x200 ? SECTION_INITIALIZATION : SECTION_DIRECTIVE;
}

static bool aligned(uint64_t value, uint64_t alignment)
{
    return value % alignment == 0;
}

/* Whole pages, at least one, that do not wrap round the end of the address space. */
static bool page_range_valid(uint64_t gpa, uint64_t size)
{
    return aligned(gpa, PAGE_SIZE) && aligned(size, PAGE_SIZE) && size != 0 &&
           size <= UINT64_MAX - gpa;
}

static bool one_bit(uint32_t mask)
{
    return mask != 0 && (mask & (mask - 1)) == 0;
}

static uint32_t crc32_update(uint32_t crc, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return crc;
}

uint32_t igvm_checksum(const uint8_t *headers, size_t size)
{
    size_t field = offsetof(struct igvm_fixed_header, checksum);
    size_t after = field + sizeof(uint32_t);
    uint32_t crc = 0xFFFFFFFFu;

    crc = crc32_update(crc, headers, field);
    crc = crc32_update(crc, (const uint8_t[sizeof(uint32_t)]){0}, sizeof(uint32_t));
    crc = crc32_update(crc, headers + after, size - after);
    return ~crc;
}

size_t igvm_fixed_header_size(uint32_t format_version)
{
    switch (format_version) {
    case IGVM_FORMAT_VERSION_1:
        return sizeof(struct igvm_fixed_header);
    case IGVM_FORMAT_VERSION_2:
        return sizeof(struct igvm_fixed_header_2);
    default:
        return 0;
    }
}

/* Takes the fixed header of either version; common.format_version tells which it was. */
static enum igvm_error take_fixed_header(struct reader *start, struct igvm_fixed_header_2 *fixed)
{
    size_t common = sizeof(fixed->common);
    size_t size;

    *fixed =
        (struct igvm_fixed_header_2){.architecture = IGVM_ARCHITECTURE_X64, .page_size = PAGE_SIZE};
    if (!reader_copy(start, &fixed->common, common))
        return IGVM_ERROR_TRUNCATED;
    if (fixed->common.magic != IGVM_MAGIC)
        return IGVM_ERROR_MAGIC;
    size = igvm_fixed_header_size(fixed->common.format_version);
    if (size == 0)
        return IGVM_ERROR_VERSION;
    return reader_copy(start, (uint8_t *)fixed + common, size - common) ? IGVM_OK
                                                                        : IGVM_ERROR_TRUNCATED;
}

enum igvm_error igvm_open(struct igvm_file *file, const void *bytes, size_t size)
{
    struct reader whole = reader_over(bytes, size);
    struct reader start = whole;
    struct reader variable_headers;
    struct igvm_fixed_header_2 fixed;
    enum igvm_error error = take_fixed_header(&start, &fixed);
    size_t headers_size;

    if (error != IGVM_OK)
        return error;
    if (fixed.architecture != IGVM_ARCHITECTURE_X64)
        return IGVM_ERROR_ARCHITECTURE;
    if (fixed.page_size != PAGE_SIZE)
        return IGVM_ERROR_PAGE_SIZE;
    if (fixed.common.total_file_size != size)
        return IGVM_ERROR_FILE_SIZE;
    headers_size = igvm_fixed_header_size(fixed.common.format_version);
    if (fixed.common.variable_header_offset != headers_size ||
        !aligned(fixed.common.variable_header_size, IGVM_HEADER_ALIGNMENT) ||
        !reader_split(&start, &variable_headers, fixed.common.variable_header_size) ||
        reader_at_end(&start))
        return IGVM_ERROR_HEADER_BOUNDS;

    headers_size += fixed.common.variable_header_size;
    if (igvm_checksum(bytes, headers_size) != fixed.common.checksum)
        return IGVM_ERROR_CHECKSUM;

    *file = (struct igvm_file){
        .whole = whole, .variable_headers = variable_headers, .data_offset = headers_size};
    return IGVM_OK;
}

struct igvm_cursor igvm_first(const struct igvm_file *file)
{
    return (struct igvm_cursor){
        .file = file, .left = file->variable_headers, .section = SECTION_PLATFORM};
}

bool igvm_is_parameter(uint32_t type)
{
    switch (type) {
    case IGVM_VP_COUNT_PARAMETER:
    case IGVM_SRAT:
    case IGVM_MADT:
    case IGVM_MMIO_RANGES:
    case IGVM_MEMORY_MAP:
    case IGVM_COMMAND_LINE:
    case IGVM_SLIT:
    case IGVM_PPTT:
    case IGVM_DEVICE_TREE:
    case IGVM_ENVIRONMENT_INFO_PARAMETER:
        return true;
    default:
        return false;
    }
}

size_t igvm_content_size(uint32_t type)
{
    switch (type) {
    case IGVM_SUPPORTED_PLATFORM:
        return sizeof(struct igvm_supported_platform);
    case IGVM_GUEST_POLICY:
        return sizeof(struct igvm_guest_policy);
    case IGVM_PARAMETER_AREA:
        return sizeof(struct igvm_parameter_area);
    case IGVM_PAGE_DATA:
        return sizeof(struct igvm_page_data);
    case IGVM_PARAMETER_INSERT:
        return sizeof(struct igvm_parameter_insert);
    case IGVM_VP_CONTEXT:
        return sizeof(struct igvm_vp_context);
    case IGVM_REQUIRED_MEMORY:
        return sizeof(struct igvm_required_memory);
    case IGVM_SNP_ID_BLOCK:
        return sizeof(struct igvm_snp_id_block);
    case IGVM_ERROR_RANGE:
        return sizeof(struct igvm_error_range);
    case IGVM_RELOCATABLE_REGION:
        return IGVM_RELOCATABLE_REGION_SIZE;
    case IGVM_PAGE_TABLE_RELOCATION_REGION:
        return IGVM_PAGE_TABLE_RELOCATION_REGION_SIZE;
    case IGVM_CORIM_DOCUMENT:
    case IGVM_CORIM_SIGNATURE:
        return IGVM_CORIM_SIZE;
    case IGVM_CCA_POLICY:
        return IGVM_CCA_POLICY_SIZE;
    case IGVM_VBS_MEASUREMENT:
        return IGVM_VBS_MEASUREMENT_SIZE;
    default:
        return igvm_is_parameter(type) ? sizeof(struct igvm_parameter) : 0;
    }
}

/* The least room that the loader needs at a parameter's byte_offset. */
static size_t parameter_size_min(uint32_t type)
{
    switch (type) {
    case IGVM_VP_COUNT_PARAMETER:
    case IGVM_ENVIRONMENT_INFO_PARAMETER:
        return sizeof(uint32_t);
    case IGVM_MEMORY_MAP:
        return sizeof(struct igvm_memory_map_entry);
    default:
        return 1;
    }
}

static struct igvm_area_state *find_area(struct igvm_cursor *cursor, uint32_t index)
{
    for (size_t i = 0; i < cursor->area_count; i++) {
        if (cursor->areas[i].index == index)
            return &cursor->areas[i];
    }
    return NULL;
}

/* An area that was declared and not yet inserted; NULL otherwise. */
static struct igvm_area_state *find_open_area(struct igvm_cursor *cursor, uint32_t index)
{
    struct igvm_area_state *area = find_area(cursor, index);

    return area && !area->inserted ? area : NULL;
}

/* Points header->data at size bytes of file data; offset 0 stands for no data. */
static enum igvm_error resolve_data(const struct igvm_file *file, uint32_t offset, uint64_t size,
                                    struct igvm_header *header)
{
    struct reader data;

    if (offset == 0)
        return IGVM_OK;
    if (offset < file->data_offset || size > SIZE_MAX ||
        !reader_window(&file->whole, &data, offset, (size_t)size))
        return IGVM_ERROR_FILE_OFFSET;
    header->data = data.next;
    header->data_size = data.left;
    return IGVM_OK;
}

/*
 * A masked header names at least one platform. Bits of platforms that the file does not support are
 * common: a part for all platforms, in an image built for some.
 */
static enum igvm_error accept_mask(uint32_t mask, struct igvm_header *header)
{
    if (mask == 0)
        return IGVM_ERROR_MASK;
    header->compatibility_mask = mask;
    return IGVM_OK;
}

/* Whether this is the mask of one platform that was declared. */
static bool is_platform(const struct igvm_cursor *cursor, uint32_t mask)
{
    for (size_t type = 0; type < IGVM_PLATFORM_TYPES; type++) {
        if (mask != 0 && cursor->platform_masks[type] == mask)
            return true;
    }
    return false;
}

static enum igvm_error check_supported_platform(struct igvm_cursor *cursor,
                                                struct igvm_header *header)
{
    const struct igvm_supported_platform *platform = &header->supported_platform;
    uint32_t mask = platform->compatibility_mask;

    if (platform->platform_type >= IGVM_PLATFORM_TYPES ||
        cursor->platform_masks[platform->platform_type] != 0 ||
        platform->platform_version != IGVM_PLATFORM_VERSION)
        return IGVM_ERROR_PLATFORM;
    if (!one_bit(mask) || is_platform(cursor, mask))
        return IGVM_ERROR_MASK;
    cursor->platform_masks[platform->platform_type] = mask;
    return accept_mask(mask, header);
}

static enum igvm_error check_guest_policy(struct igvm_header *header)
{
    if (header->guest_policy.reserved != 0)
        return IGVM_ERROR_RESERVED;
    return accept_mask(header->guest_policy.compatibility_mask, header);
}

static enum igvm_error check_parameter_area(struct igvm_cursor *cursor, struct igvm_header *header)
{
    const struct igvm_parameter_area *area = &header->parameter_area;

    if (!page_range_valid(0, area->number_of_bytes) ||
        area->number_of_bytes > IGVM_PARAMETER_AREA_SIZE_MAX)
        return IGVM_ERROR_SIZE;
    if (cursor->area_count == IGVM_PARAMETER_AREAS_MAX ||
        find_area(cursor, area->parameter_area_index))
        return IGVM_ERROR_PARAMETER_AREA;
    cursor->areas[cursor->area_count++] = (struct igvm_area_state){
        .size = area->number_of_bytes, .index = area->parameter_area_index};
    return resolve_data(cursor->file, area->file_offset, area->number_of_bytes, header);
}

static enum igvm_error check_parameter(struct igvm_cursor *cursor, const struct igvm_header *header)
{
    const struct igvm_area_state *area =
        find_open_area(cursor, header->parameter.parameter_area_index);

    if (!area)
        return IGVM_ERROR_PARAMETER_AREA;
    /* An area is at least a page, so the subtraction cannot wrap. */
    if (header->parameter.byte_offset > area->size - parameter_size_min(header->type))
        return IGVM_ERROR_PARAMETER_OFFSET;
    return IGVM_OK;
}

static enum igvm_error check_parameter_insert(struct igvm_cursor *cursor,
                                              struct igvm_header *header)
{
    const struct igvm_parameter_insert *insert = &header->parameter_insert;
    struct igvm_area_state *area = find_open_area(cursor, insert->parameter_area_index);

    if (!area)
        return IGVM_ERROR_PARAMETER_AREA;
    if (!page_range_valid(insert->gpa, area->size))
        return IGVM_ERROR_ADDRESS;
    area->inserted = true;
    header->insert_size = area->size;
    return accept_mask(insert->compatibility_mask, header);
}

static enum igvm_error check_page_data(const struct igvm_cursor *cursor, struct igvm_header *header)
{
    const struct igvm_page_data *page = &header->page_data;
    enum igvm_error error;

    if (page->reserved != 0)
        return IGVM_ERROR_RESERVED;
    if (page->data_type > IGVM_PAGE_CPUID_XF ||
        (page->flags & ~(uint32_t)(IGVM_PAGE_UNMEASURED | IGVM_PAGE_SHARED)) != 0)
        return IGVM_ERROR_PAGE_TYPE;
    if (!page_range_valid(page->gpa, PAGE_SIZE))
        return IGVM_ERROR_ADDRESS;
    error = resolve_data(cursor->file, page->file_offset, PAGE_SIZE, header);
    if (error != IGVM_OK)
        return error;
    return accept_mask(page->compatibility_mask, header);
}

/* Points header->data at a list of registers, see struct igvm_vp_context. */
static enum igvm_error resolve_registers(const struct igvm_file *file, uint32_t offset,
                                         struct igvm_header *header)
{
    enum igvm_error error = resolve_data(file, offset, sizeof(uint32_t), header);

    if (error != IGVM_OK || !header->data)
        return error;
    return resolve_data(
        file, offset, sizeof(uint32_t) + (uint64_t)get_le32(header->data) * IGVM_VSM_REGISTER_SIZE,
        header);
}

static enum igvm_error check_vp_context(const struct igvm_cursor *cursor,
                                        struct igvm_header *header)
{
    const struct igvm_vp_context *context = &header->vp_context;
    uint32_t mask = context->compatibility_mask;
    enum igvm_error error;

    if (context->reserved != 0)
        return IGVM_ERROR_RESERVED;
    if (!aligned(context->gpa, PAGE_SIZE))
        return IGVM_ERROR_ADDRESS;
    if (!is_platform(cursor, mask))
        return IGVM_ERROR_MASK;
    error = mask == cursor->platform_masks[IGVM_PLATFORM_VSM_ISOLATION]
                ? resolve_registers(cursor->file, context->file_offset, header)
                : resolve_data(cursor->file, context->file_offset, PAGE_SIZE, header);
    if (error != IGVM_OK)
        return error;
    if (!header->data)
        return IGVM_ERROR_FILE_OFFSET;
    return accept_mask(mask, header);
}

static enum igvm_error check_required_memory(struct igvm_header *header)
{
    const struct igvm_required_memory *memory = &header->required_memory;

    if (memory->reserved != 0 || (memory->flags & ~(uint32_t)IGVM_REQUIRED_VTL2_PROTECTABLE) != 0)
        return IGVM_ERROR_RESERVED;
    if (!page_range_valid(memory->gpa, memory->number_of_bytes))
        return IGVM_ERROR_ADDRESS;
    return accept_mask(memory->compatibility_mask, header);
}

static enum igvm_error check_content(struct igvm_cursor *cursor, struct igvm_header *header)
{
    switch (header->type) {
    case IGVM_SUPPORTED_PLATFORM:
        return check_supported_platform(cursor, header);
    case IGVM_GUEST_POLICY:
        return check_guest_policy(header);
    case IGVM_PARAMETER_AREA:
        return check_parameter_area(cursor, header);
    case IGVM_PARAMETER_INSERT:
        return check_parameter_insert(cursor, header);
    case IGVM_PAGE_DATA:
        return check_page_data(cursor, header);
    case IGVM_VP_CONTEXT:
        return check_vp_context(cursor, header);
    case IGVM_REQUIRED_MEMORY:
        return check_required_memory(header);
    case IGVM_SNP_ID_BLOCK:
        return accept_mask(header->snp_id_block.compatibility_mask, header);
    case IGVM_ERROR_RANGE:
        return accept_mask(header->error_range.compatibility_mask, header);
    default:
        return igvm_is_parameter(header->type) ? check_parameter(cursor, header)
                                               : accept_mask(get_le32(header->content), header);
    }
}

/* Whether a header of this type, which is unknown, may be skipped. */
static bool is_skippable(uint32_t type)
{
    /* One whose type without the bit is known would be skipped by some loaders, and not by all. */
    return (type & IGVM_OPTIONAL) != 0 && igvm_content_size(type & ~IGVM_OPTIONAL) == 0;
}

static enum igvm_error take_padding(struct reader *headers, size_t length)
{
    uint8_t padding[IGVM_HEADER_ALIGNMENT] = {0};
    size_t size = -length % IGVM_HEADER_ALIGNMENT;

    if (!reader_copy(headers, padding, size))
        return IGVM_ERROR_TRUNCATED;
    for (size_t i = 0; i < size; i++) {
        if (padding[i] != 0)
            return IGVM_ERROR_PADDING;
    }
    return IGVM_OK;
}

/* Takes the content and its padding; that of an unknown type is left out. */
static enum igvm_error take_content(struct igvm_cursor *cursor, size_t length,
                                    struct igvm_header *out)
{
    size_t size = igvm_content_size(out->type);

    if (size == 0 && !is_skippable(out->type))
        return IGVM_ERROR_TYPE;
    if (size != 0 && size != length)
        return IGVM_ERROR_LENGTH;
    if (!reader_copy(&cursor->left, out->content, size) ||
        !reader_skip(&cursor->left, length - size))
        return IGVM_ERROR_TRUNCATED;
    return take_padding(&cursor->left, length);
}

enum igvm_error igvm_next(struct igvm_cursor *cursor, struct igvm_header *out)
{
    struct igvm_variable_header frame;
    enum igvm_error error;

    if (reader_at_end(&cursor->left))
        return IGVM_END;
    if (!reader_copy(&cursor->left, &frame, sizeof(frame)))
        return IGVM_ERROR_TRUNCATED;

    *out = (struct igvm_header){.type = frame.type, .compatibility_mask = IGVM_ALL_PLATFORMS};
    error = take_content(cursor, frame.length, out);
    if (error != IGVM_OK)
        return error;
    if (section_of(frame.type) < cursor->section)
        return IGVM_ERROR_ORDER;
    cursor->section = section_of(frame.type);
    return is_skippable(frame.type) ? IGVM_OK : check_content(cursor, out);
}

enum igvm_error igvm_select_platform(const struct igvm_file *file, enum igvm_platform_type type,
                                     uint32_t *mask)
{
    struct igvm_cursor cursor = igvm_first(file);
    struct igvm_header header;
    enum igvm_error error;
    uint32_t found = 0;

    while ((error = igvm_next(&cursor, &header)) == IGVM_OK) {
        if (header.type == IGVM_SUPPORTED_PLATFORM &&
            header.supported_platform.platform_type == type)
            found = header.compatibility_mask;
    }
    if (error != IGVM_END)
        return error;
    if (found == 0)
        return IGVM_ERROR_PLATFORM_ABSENT;
    *mask = found;
    return IGVM_OK;
}

const char *igvm_error_text(enum igvm_error error)
{
    switch (error) {
    case IGVM_OK:
        return "no error";
    case IGVM_END:
        return "no more headers";
    case IGVM_ERROR_TRUNCATED:
        return "the file ends inside a header";
    case IGVM_ERROR_MAGIC:
        return "not an IGVM file";
    case IGVM_ERROR_VERSION:
        return "an IGVM format version other than 1 and 2";
    case IGVM_ERROR_ARCHITECTURE:
        return "it is for processors other than x86-64";
    case IGVM_ERROR_PAGE_SIZE:
        return "its pages are not of 4096 bytes";
    case IGVM_ERROR_HEADER_BOUNDS:
        return "the variable headers are misplaced or leave no room for file data";
    case IGVM_ERROR_FILE_SIZE:
        return "the file's length differs from the one in its header (truncated, or bytes added)";
    case IGVM_ERROR_CHECKSUM:
        return "the header checksum is wrong";
    case IGVM_ERROR_TYPE:
        return "a header of unknown or unsupported type";
    case IGVM_ERROR_LENGTH:
        return "a header whose length does not fit its type";
    case IGVM_ERROR_PADDING:
        return "the padding after a header is not zero";
    case IGVM_ERROR_ORDER:
        return "headers out of order: platforms, initialization, directives";
    case IGVM_ERROR_RESERVED:
        return "a reserved field that is not zero";
    case IGVM_ERROR_MASK:
        return "a compatibility mask of 0, or one of a platform or processor that is not exactly "
               "one "
               "platform's";
    case IGVM_ERROR_PLATFORM:
        return "an unknown or repeated platform, or platform version";
    case IGVM_ERROR_ADDRESS:
        return "a guest address that is unaligned or out of range";
    case IGVM_ERROR_SIZE:
        return "a parameter area that is empty, too large, or no multiple of 4096";
    case IGVM_ERROR_FILE_OFFSET:
        return "a file offset outside the file data";
    case IGVM_ERROR_PAGE_TYPE:
        return "page data of unknown type, of 2 MiB, or with unknown flags";
    case IGVM_ERROR_PARAMETER_AREA:
        return "a parameter area declared twice, or used before its declaration or after its "
               "insertion";
    case IGVM_ERROR_PARAMETER_OFFSET:
        return "a parameter that does not fit in its area";
    case IGVM_ERROR_PLATFORM_ABSENT:
        return "the file does not support this platform";
    case IGVM_ERROR_LOADED_TWICE:
        return "a guest page is loaded twice";
    case IGVM_ERROR_TOO_LARGE:
        return "it would exceed the 4 GiB of an IGVM file";
    case IGVM_ERROR_NO_MEMORY:
        return "out of memory";
    }
    return "unknown error";
}
