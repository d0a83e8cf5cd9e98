/* SPDX-License-Identifier: MIT */
/*
 * The bounded counterpart of the reader: appends to a buffer of fixed size.
 *
 * Each function either appends or returns false and writes nothing. Usable in freestanding code.
 */
#ifndef SNPVTPM_LIB_BASE_WRITER_H
#define SNPVTPM_LIB_BASE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/reader.h"

struct writer {
    uint8_t *start;
    size_t used;
    size_t room; /* bytes that still fit */
};

static inline struct writer writer_over(void *buffer, size_t size)
{
    return (struct writer){.start = buffer, .used = 0, .room = size};
}

/* Sets aside size bytes, to be filled in later through *bytes. */
MUST_CHECK static inline bool writer_reserve(struct writer *w, uint8_t **bytes, size_t size)
{
    if (size > w->room)
        return false;
    *bytes = w->used == 0 ? w->start : w->start + w->used; /* NULL + 0 is undefined */
    w->used += size;
    w->room -= size;
    return true;
}

/* No bytes may come from nowhere, and go there: start and bytes may be NULL with a size of 0. */
MUST_CHECK static inline bool writer_put(struct writer *w, const void *bytes, size_t size)
{
    uint8_t *to;

    if (!writer_reserve(w, &to, size))
        return false;
    if (size != 0)
        __builtin_memcpy(to, bytes, size);
    return true;
}

MUST_CHECK static inline bool writer_zeros(struct writer *w, size_t size)
{
    uint8_t *to;

    if (!writer_reserve(w, &to, size))
        return false;
    if (size != 0)
        __builtin_memset(to, 0, size);
    return true;
}

MUST_CHECK static inline bool writer_u8(struct writer *w, uint8_t v)
{
    return writer_put(w, &v, 1);
}

#define WRITER_INTEGER(name, type, put)                                                            \
    MUST_CHECK static inline bool writer_##name(struct writer *w, type v)                          \
    {                                                                                              \
        uint8_t *to;                                                                               \
                                                                                                   \
        if (!writer_reserve(w, &to, sizeof(type)))                                                 \
            return false;                                                                          \
        put(to, v);                                                                                \
        return true;                                                                               \
    }

WRITER_INTEGER(le16, uint16_t, put_le16)
WRITER_INTEGER(le32, uint32_t, put_le32)
WRITER_INTEGER(le64, uint64_t, put_le64)
WRITER_INTEGER(be16, uint16_t, put_be16)
WRITER_INTEGER(be32, uint32_t, put_be32)
WRITER_INTEGER(be64, uint64_t, put_be64)
#undef WRITER_INTEGER

#endif
