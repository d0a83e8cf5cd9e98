/* SPDX-License-Identifier: MIT */
#include "igvm/firmware.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/reader.h"
#include "lib/snp/page.h"

#define GUID_SIZE 16

/* Where the GUIDed table ends, counted from the image's end. */
#define TABLE_END_OFFSET 0x20

/* What follows the data of each table entry; the footer, too, is such an entry, without data. */
#define ENTRY_TRAILER_SIZE (sizeof(uint16_t) + GUID_SIZE)

/* 96b582de-1fb2-45f7-baea-a366c55a082d */
static const uint8_t FOOTER_GUID[GUID_SIZE] = {0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
                                               0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d};
/* dc886566-984a-4798-a75e-5585a7bf67cc */
static const uint8_t SEV_METADATA_GUID[GUID_SIZE] = {
    0x66, 0x65, 0x88, 0xdc, 0x4a, 0x98, 0x98, 0x47, 0xa7, 0x5e, 0x55, 0x85, 0xa7, 0xbf, 0x67, 0xcc};
/* 784fa70e-3176-4677-8a20-04b68699e374 */
static const uint8_t IGVM_METADATA_GUID[GUID_SIZE] = {
    0x0e, 0xa7, 0x4f, 0x78, 0x76, 0x31, 0x77, 0x46, 0x8a, 0x20, 0x04, 0xb6, 0x86, 0x99, 0xe3, 0x74};

#define DESCRIPTOR_VERSION 1

struct descriptor_header {
    char signature[4];
    uint32_t length; /* of header and sections */
    uint32_t version;
    uint32_t section_count;
};

static_assert(sizeof(struct descriptor_header) == 16, "firmware metadata");

struct descriptor_section {
    uint32_t base;
    uint32_t size;
    uint32_t type;
};

static_assert(sizeof(struct descriptor_section) == 12, "firmware metadata");

/* Takes the length and GUID that end the bytes of *table; *length counts them and the data. */
static bool read_trailer(const struct reader *table, size_t *length, const uint8_t **guid)
{
    struct reader trailer;
    uint16_t length16;

    if (table->left < ENTRY_TRAILER_SIZE ||
        !reader_window(table, &trailer, table->left - ENTRY_TRAILER_SIZE, ENTRY_TRAILER_SIZE) ||
        !reader_le16(&trailer, &length16) || !reader_borrow(&trailer, guid, GUID_SIZE))
        return false;
    *length = length16;
    return *length >= ENTRY_TRAILER_SIZE && *length <= table->left;
}

/* The table's entries, without the footer. */
static enum firmware_error find_table(const struct reader *image, struct reader *entries)
{
    struct reader above;
    const uint8_t *guid;
    size_t length;

    if (!reader_window(image, &above, 0, image->left - TABLE_END_OFFSET) ||
        !read_trailer(&above, &length, &guid) || memcmp(guid, FOOTER_GUID, GUID_SIZE) != 0)
        return FIRMWARE_ERROR_NO_TABLE;
    if (!reader_window(&above, entries, above.left - length, length - ENTRY_TRAILER_SIZE))
        return FIRMWARE_ERROR_TABLE;
    return FIRMWARE_OK;
}

/* The data of the entry with this GUID, searched from the table's end; *found tells if there. */
static enum firmware_error find_entry(struct reader entries, const uint8_t *wanted,
                                      struct reader *data, bool *found)
{
    const uint8_t *guid;
    size_t length;

    *found = false;
    while (!reader_at_end(&entries) && !*found) {
        if (!read_trailer(&entries, &length, &guid) ||
            !reader_window(&entries, data, entries.left - length, length - ENTRY_TRAILER_SIZE) ||
            !reader_window(&entries, &entries, 0, entries.left - length))
            return FIRMWARE_ERROR_TABLE;
        *found = memcmp(guid, wanted, GUID_SIZE) == 0;
    }
    return FIRMWARE_OK;
}

/* The sections of the descriptor to which a table entry's data point. */
static enum firmware_error open_descriptor(const struct reader *image, struct reader entry,
                                           const char *signature, struct reader *sections)
{
    struct descriptor_header header;
    struct reader descriptor;
    uint32_t from_end;

    if (!reader_le32(&entry, &from_end) || !reader_at_end(&entry) || from_end > image->left ||
        !reader_window(image, &descriptor, image->left - from_end, from_end) ||
        !reader_copy(&descriptor, &header, sizeof(header)) ||
        memcmp(header.signature, signature, sizeof(header.signature)) != 0 ||
        header.version != DESCRIPTOR_VERSION || header.length < sizeof(header) ||
        (header.length - sizeof(header)) / sizeof(struct descriptor_section) !=
            header.section_count ||
        (header.length - sizeof(header)) % sizeof(struct descriptor_section) != 0 ||
        !reader_split(&descriptor, sections, header.length - sizeof(header)))
        return FIRMWARE_ERROR_DESCRIPTOR;
    return FIRMWARE_OK;
}

/* A piece of memory below the firmware, made of whole pages. */
static enum firmware_error resolve_pages(const struct firmware *firmware,
                                         const struct descriptor_section *section, uint64_t *gpa)
{
    if (section->base % PAGE_SIZE != 0 || section->size % PAGE_SIZE != 0 || section->size == 0 ||
        section->size > FIRMWARE_SECTION_SIZE_MAX ||
        (uint64_t)section->base + section->size > firmware->gpa)
        return FIRMWARE_ERROR_SECTION_RANGE;
    *gpa = section->base;
    return FIRMWARE_OK;
}

/* A piece of the parameter area, which a section before this one described. */
static enum firmware_error resolve_parameter(const struct firmware *firmware,
                                             const struct descriptor_section *section,
                                             uint64_t *gpa)
{
    const struct boot_section *area = firmware_section(firmware, BOOT_SECTION_IGVM_PARAMETER);

    if (!area)
        return FIRMWARE_ERROR_NO_PARAMETER_AREA;
    if (section->size < sizeof(uint32_t) || section->size > area->size ||
        section->base > area->size - section->size)
        return FIRMWARE_ERROR_SECTION_RANGE;
    *gpa = area->gpa + section->base;
    return FIRMWARE_OK;
}

static enum firmware_error resolve_sev_section(const struct firmware *firmware,
                                               const struct descriptor_section *section,
                                               uint64_t *gpa)
{
    switch (section->type) {
    case BOOT_SECTION_SEC_MEM:
    case BOOT_SECTION_SECRETS:
    case BOOT_SECTION_CPUID:
    case BOOT_SECTION_SVSM_CAA:
    case BOOT_SECTION_KERNEL_HASHES:
        return resolve_pages(firmware, section, gpa);
    default:
        return FIRMWARE_ERROR_SECTION_TYPE;
    }
}

static enum firmware_error resolve_igvm_section(const struct firmware *firmware,
                                                const struct descriptor_section *section,
                                                uint64_t *gpa)
{
    switch (section->type) {
    case BOOT_SECTION_IGVM_PARAMETER:
    case BOOT_SECTION_IGVM_HOB:
        return resolve_pages(firmware, section, gpa);
    case BOOT_SECTION_IGVM_MEMORY_MAP:
    case BOOT_SECTION_IGVM_VP_COUNT:
        return resolve_parameter(firmware, section, gpa);
    default:
        return FIRMWARE_ERROR_SECTION_TYPE;
    }
}

/* One of the two kinds of metadata, and how its sections give guest addresses. */
struct metadata_kind {
    const uint8_t *guid;
    const char *signature;
    enum firmware_error (*resolve)(const struct firmware *firmware,
                                   const struct descriptor_section *section, uint64_t *gpa);
};

static const struct metadata_kind SEV_METADATA = {SEV_METADATA_GUID, "ASEV", resolve_sev_section};
static const struct metadata_kind IGVM_METADATA = {IGVM_METADATA_GUID, "IGVM",
                                                   resolve_igvm_section};

static enum firmware_error add_sections(struct firmware *firmware, const struct metadata_kind *kind,
                                        struct reader sections)
{
    struct descriptor_section section;

    while (reader_copy(&sections, &section, sizeof(section))) {
        enum firmware_error error;
        uint64_t gpa;

        if (firmware->section_count == BOOT_SECTIONS_MAX)
            return FIRMWARE_ERROR_SECTION_COUNT;
        error = kind->resolve(firmware, &section, &gpa);
        if (error != FIRMWARE_OK)
            return error;
        firmware->sections[firmware->section_count++] =
            (struct boot_section){.gpa = gpa, .size = section.size, .type = section.type};
    }
    return FIRMWARE_OK;
}

/* Adds the sections of one kind of metadata, if the table has it. */
static enum firmware_error add_metadata(struct firmware *firmware, const struct reader *image,
                                        const struct reader *table,
                                        const struct metadata_kind *kind, bool *found)
{
    struct reader entry, sections;
    enum firmware_error error = find_entry(*table, kind->guid, &entry, found);

    if (error != FIRMWARE_OK || !*found)
        return error;
    error = open_descriptor(image, entry, kind->signature, &sections);
    if (error != FIRMWARE_OK)
        return error;
    return add_sections(firmware, kind, sections);
}

enum firmware_error firmware_parse(const void *bytes, size_t size, struct firmware *firmware)
{
    struct reader image = reader_over(bytes, size);
    struct reader table;
    enum firmware_error error;
    bool found;

    if (size == 0 || size % PAGE_SIZE != 0 || size > FIRMWARE_SIZE_MAX)
        return FIRMWARE_ERROR_SIZE;
    *firmware = (struct firmware){.bytes = bytes, .size = size, .gpa = FIRMWARE_END_GPA - size};
    error = find_table(&image, &table);
    if (error != FIRMWARE_OK)
        return error;
    error = add_metadata(firmware, &image, &table, &SEV_METADATA, &found);
    if (error != FIRMWARE_OK)
        return error;
    if (!found)
        return FIRMWARE_ERROR_NO_SEV_METADATA;
    return add_metadata(firmware, &image, &table, &IGVM_METADATA, &found);
}

const struct boot_section *firmware_section(const struct firmware *firmware,
                                            enum boot_section_type type)
{
    for (uint32_t i = 0; i < firmware->section_count; i++) {
        if (firmware->sections[i].type == type)
            return &firmware->sections[i];
    }
    return NULL;
}

const char *firmware_error_text(enum firmware_error error)
{
    switch (error) {
    case FIRMWARE_OK:
        return "no error";
    case FIRMWARE_ERROR_SIZE:
        return "its size is no multiple of 4096, or above 16 MiB";
    case FIRMWARE_ERROR_NO_TABLE:
        return "there is no GUIDed table at its end; take a whole OVMF.fd, or VARS then CODE";
    case FIRMWARE_ERROR_TABLE:
        return "the GUIDed table at its end is damaged";
    case FIRMWARE_ERROR_NO_SEV_METADATA:
        return "it has no SEV metadata; take an OVMF that is built for SEV-SNP";
    case FIRMWARE_ERROR_DESCRIPTOR:
        return "a metadata descriptor is damaged";
    case FIRMWARE_ERROR_SECTION_TYPE:
        return "a metadata section has a type that is not known here";
    case FIRMWARE_ERROR_SECTION_RANGE:
        return "a metadata section is empty, misaligned, or out of range";
    case FIRMWARE_ERROR_SECTION_COUNT:
        return "it has more metadata sections than the boot parameters can hold";
    case FIRMWARE_ERROR_NO_PARAMETER_AREA:
        return "its IGVM metadata place a parameter before the parameter area";
    }
    return "unknown error";
}
