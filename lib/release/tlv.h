/* SPDX-License-Identifier: MIT */
/* The TLVs of release requests and records. Private to lib/release. */
#ifndef SNPVTPM_LIB_RELEASE_TLV_H
#define SNPVTPM_LIB_RELEASE_TLV_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/reader.h"
#include "lib/base/writer.h"

#define TLV_TAG_SIZE 4
/* "SVXQ" or "SVXR", then the size of the TLVs as u16be */
#define TLV_HEADER_SIZE (TLV_TAG_SIZE + 2)

enum tlv_type {
    TLV_OP = 0x0001,
    TLV_VOLUME = 0x0002,
    TLV_STATUS = 0x0003,
    TLV_EPOCH = 0x0004,
    TLV_LEASE = 0x0005,
    TLV_TTL = 0x0006,
    TLV_COMMITTED = 0x0007, /* in a request: from */
    TLV_TO = 0x0008,
    TLV_EK_DIGEST = 0x0009,
    TLV_RANDOM = 0x0010,
    TLV_REPORT_DIGEST = 0x0011,
    TLV_KEY_DIGEST = 0x0012,
    TLV_CEK_COMMIT = 0x0013,
    TLV_KEY_VERSION = 0x0014,
    TLV_FLAGS = 0x0015,
    TLV_RETRY_AFTER = 0x0016,
    TLV_GENERATION = 0x0017,
    TLV_COMMITTED_EPOCH = 0x0019,
    TLV_KID = 0x0020,
    TLV_SEQUENCE = 0x0021,
    TLV_HOLDER = 0x0022,
    TLV_HELD_FOR = 0x0023,
    TLV_EK_KEYS = 0x0024,
    TLV_EK_CERTIFICATES = 0x0025,
    TLV_CRITICAL = 0x8000, /* from here on an unknown type is refused */
};

/* Where a value of a known type goes: as big-endian integer of its size, or as bytes. */
struct tlv_field {
    uint16_t type;
    uint16_t size;
    bool integer;
    bool mandatory;
    void *value;   /* uint8_t, uint32_t or uint64_t by size when integer is set, else bytes */
    bool *present; /* NULL when mandatory */
};

/*
 * Writes tag, size and the fields that are present, in the given order, which is ascending. False
 * when they do not fit.
 */
MUST_CHECK bool tlv_write(struct writer *w, const char tag[TLV_TAG_SIZE],
                          const struct tlv_field *fields, size_t count);

/* Reads tag, size and TLVs, which must be all that is left in r. */
MUST_CHECK bool tlv_read(struct reader *r, const char tag[TLV_TAG_SIZE], struct tlv_field *fields,
                         size_t count);

#endif
