/* SPDX-License-Identifier: MIT */
/*
 * Reads IGVM files of format versions 1 and 2, also those of other makers: for the loader of the
 * emulated platform and for the tools.
 *
 * The file's bytes are untrusted. They are borrowed, never copied, so they must stay unchanged
 * while the file, its cursors and the headers taken from them are in use. Freestanding: no heap,
 * no libc but memcpy, memset and memcmp.
 *
 * A loader opens the file, calls igvm_select_platform(), which walks all of it and so rejects
 * anything wrong anywhere before a single page is loaded, then walks it again with igvm_next() and
 * handles the headers for which igvm_applies() holds. Among those can be types that it does not
 * support, such as those for other hypervisors: whether that matters is its own decision.
 *
 * Whether pages of one file overlap in guest memory is not checked here: that needs memory in
 * proportion to the file.
 */
#ifndef SNPVTPM_LIB_IGVM_IGVM_READER_H
#define SNPVTPM_LIB_IGVM_IGVM_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/reader.h"
#include "lib/igvm/igvm_format.h"

/* More parameter areas than any known file has. */
#define IGVM_PARAMETER_AREAS_MAX 16
/* And larger than any of them: a loader has to fill it. */
#define IGVM_PARAMETER_AREA_SIZE_MAX 0x1000000u

#define IGVM_ALL_PLATFORMS 0xFFFFFFFFu

enum igvm_error {
    IGVM_OK = 0,
    IGVM_END, /* igvm_next(): no header is left */
    IGVM_ERROR_TRUNCATED,
    IGVM_ERROR_MAGIC,
    IGVM_ERROR_VERSION,
    IGVM_ERROR_ARCHITECTURE,
    IGVM_ERROR_PAGE_SIZE,
    IGVM_ERROR_HEADER_BOUNDS,
    IGVM_ERROR_FILE_SIZE,
    IGVM_ERROR_CHECKSUM,
    IGVM_ERROR_TYPE,
    IGVM_ERROR_LENGTH,
    IGVM_ERROR_PADDING,
    IGVM_ERROR_ORDER,
    IGVM_ERROR_RESERVED,
    IGVM_ERROR_MASK,
    IGVM_ERROR_PLATFORM,
    IGVM_ERROR_ADDRESS,
    IGVM_ERROR_SIZE,
    IGVM_ERROR_FILE_OFFSET,
    IGVM_ERROR_PAGE_TYPE,
    IGVM_ERROR_PARAMETER_AREA,
    IGVM_ERROR_PARAMETER_OFFSET,
    IGVM_ERROR_PLATFORM_ABSENT,
    /* Of whole images (image.h). */
    IGVM_ERROR_LOADED_TWICE,
    IGVM_ERROR_TOO_LARGE,
    IGVM_ERROR_NO_MEMORY,
};

struct igvm_file {
    struct reader whole;
    struct reader variable_headers;
    size_t data_offset; /* of the file data, which lasts to the end of the file */
};

/* One declared parameter area, as far as a cursor has come. */
struct igvm_area_state {
    uint64_t size;
    uint32_t index;
    bool inserted;
};

struct igvm_cursor {
    const struct igvm_file *file;
    struct reader left;
    uint32_t section; /* the part of the file the last header belonged to */
    uint32_t platform_masks[IGVM_PLATFORM_TYPES]; /* of those declared so far, by type; else 0 */
    size_t area_count;
    struct igvm_area_state areas[IGVM_PARAMETER_AREAS_MAX];
};

/* One variable header, checked. `type` tells which member of the union is set. */
struct igvm_header {
    uint32_t type; /* enum igvm_header_type, or an unknown one with IGVM_OPTIONAL */
    /*
     * IGVM_ALL_PLATFORMS for the types that have no such field. It may have bits of platforms that
     * the file does not support.
     */
    uint32_t compatibility_mask;
    /*
     * File data. PAGE_DATA: 4096 bytes; VP_CONTEXT: the same, but with VSM_ISOLATION;
     * PARAMETER_AREA and that: data_size bytes. NULL and 0 when the header has none (a page of
     * zeros) and for all other types.
     */
    const uint8_t *data;
    size_t data_size;
    uint64_t insert_size; /* PARAMETER_INSERT: bytes of the inserted area, else 0 */
    union {
        struct igvm_supported_platform supported_platform;
        struct igvm_guest_policy guest_policy;
        struct igvm_parameter_area parameter_area;
        struct igvm_parameter parameter; /* every type that igvm_is_parameter() names */
        struct igvm_parameter_insert parameter_insert;
        struct igvm_page_data page_data;
        struct igvm_vp_context vp_context;
        struct igvm_required_memory required_memory;
        struct igvm_snp_id_block snp_id_block;
        struct igvm_error_range error_range;
        uint8_t content[IGVM_CONTENT_MAX]; /* any of them, as in the file; unknown type: zeros */
    };
};

/*
 * Checks the fixed header, the file's length and the checksum of its headers. On success *file
 * refers to the bytes.
 */
MUST_CHECK enum igvm_error igvm_open(struct igvm_file *file, const void *bytes, size_t size);

/* A cursor before the first variable header of an opened file. */
struct igvm_cursor igvm_first(const struct igvm_file *file);

/*
 * Takes the next variable header: checks it by itself and against those before it. Returns IGVM_END
 * after the last one. After an error the cursor must not be used any more.
 */
MUST_CHECK enum igvm_error igvm_next(struct igvm_cursor *cursor, struct igvm_header *out);

/*
 * Walks the whole file and gives the mask bit of a platform. Succeeds only if every header is
 * valid, so that a later walk over the same bytes meets no error.
 */
MUST_CHECK enum igvm_error igvm_select_platform(const struct igvm_file *file,
                                                enum igvm_platform_type type, uint32_t *mask);

/* Whether a loader that chose a platform by its mask bit has to process this header. */
static inline bool igvm_applies(const struct igvm_header *header, uint32_t platform_mask)
{
    return (header->compatibility_mask & platform_mask) != 0;
}

/* Whether headers of this type have content struct igvm_parameter. */
bool igvm_is_parameter(uint32_t type);

/* Bytes of content of a header of this type, without padding; 0 for a type unknown here. */
size_t igvm_content_size(uint32_t type);

/* Bytes of the fixed header in that format version; 0 for a version unknown here. */
size_t igvm_fixed_header_size(uint32_t format_version);

/*
 * The checksum of a file's fixed header and the variable headers that follow it at once: CRC-32 as
 * in zlib, the checksum field counting as 0. size covers both, at least 24 bytes.
 */
uint32_t igvm_checksum(const uint8_t *headers, size_t size);

/* What an error means, for people: a phrase without capital and full stop. */
const char *igvm_error_text(enum igvm_error error);

#endif
