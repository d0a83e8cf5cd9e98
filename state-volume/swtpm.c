/* SPDX-License-Identifier: MIT */
#include "state-volume/swtpm.h"

#define VERSION     2
#define MIN_VERSION 1
#define BLOB_SIZE   10 /* of the header up to the tag */
#define TAG_DATA    1

enum swtpm_verdict swtpm_parse(struct reader file, struct reader *state)
{
    size_t file_size = file.left;
    uint8_t version, min_version;
    uint16_t header_size, flags, tag;
    uint32_t size, state_size;

    /* Without the size it could be anything; libtpms' own state begins with 0. */
    if (!reader_u8(&file, &version) || !reader_u8(&file, &min_version) ||
        !reader_be16(&file, &header_size) || !reader_be16(&file, &flags) ||
        !reader_be32(&file, &size) || version == 0 || header_size != BLOB_SIZE || size != file_size)
        return SWTPM_NONE;
    if (flags != 0)
        return SWTPM_ENCRYPTED;
    if (min_version > VERSION || !reader_be16(&file, &tag) || tag != TAG_DATA ||
        !reader_be32(&file, &state_size) || !reader_split(&file, state, state_size) ||
        !reader_at_end(&file))
        return SWTPM_UNKNOWN;
    return SWTPM_STATE;
}

bool swtpm_put_header(struct writer *to, size_t state_size)
{
    return state_size <= UINT32_MAX - SWTPM_HEADER_SIZE && writer_u8(to, VERSION) &&
           writer_u8(to, MIN_VERSION) && writer_be16(to, BLOB_SIZE) && writer_be16(to, 0) &&
           writer_be32(to, (uint32_t)(SWTPM_HEADER_SIZE + state_size)) &&
           writer_be16(to, TAG_DATA) && writer_be32(to, (uint32_t)state_size);
}
