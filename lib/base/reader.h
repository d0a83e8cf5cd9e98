/* SPDX-License-Identifier: MIT */
/*
 * The bounded cursor through which every byte that crosses a trust boundary is read.
 *
 * A reader never owns memory: it is a window on bytes that the caller keeps alive and that nobody
 * else may change meanwhile (copy shared memory first, then read the copy). Each function either
 * succeeds and advances, or returns false and leaves the reader where it was. Usable in
 * freestanding code.
 */
#ifndef SNPVTPM_LIB_BASE_READER_H
#define SNPVTPM_LIB_BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/must_check.h"

struct reader {
    const uint8_t *next;
    size_t left; /* bytes from next on */
};

static inline struct reader reader_over(const void *bytes, size_t size)
{
    return (struct reader){.next = bytes, .left = size};
}

static inline bool reader_at_end(const struct reader *r)
{
    return r->left == 0;
}

/* Advances by size bytes. */
MUST_CHECK static inline bool reader_skip(struct reader *r, size_t size)
{
    if (size > r->left)
        return false;
    if (size != 0) /* a reader over nothing may have no place, and NULL + 0 is undefined */
        r->next += size;
    r->left -= size;
    return true;
}

/* Points *bytes at the next size bytes inside the window (no copy) and advances. */
MUST_CHECK static inline bool reader_borrow(struct reader *r, const uint8_t **bytes, size_t size)
{
    const uint8_t *start = r->next;

    if (!reader_skip(r, size))
        return false;
    *bytes = start;
    return true;
}

/* Copies the next size bytes to out and advances. */
MUST_CHECK static inline bool reader_copy(struct reader *r, void *out, size_t size)
{
    const uint8_t *start;

    if (!reader_borrow(r, &start, size))
        return false;
    if (size != 0)
        __builtin_memcpy(out, start, size);
    return true;
}

/* Advances past size bytes, all of which are zero. */
MUST_CHECK static inline bool reader_zeros(struct reader *r, size_t size)
{
    return size <= r->left && bytes_are_zero(r->next, size) && reader_skip(r, size);
}

/* Splits off a reader over the next size bytes and advances past them. */
MUST_CHECK static inline bool reader_split(struct reader *r, struct reader *sub, size_t size)
{
    const uint8_t *start;

    if (!reader_borrow(r, &start, size))
        return false;
    *sub = reader_over(start, size);
    return true;
}

/* A reader over bytes [offset, offset + size) of r's window; r stays where it is. */
MUST_CHECK static inline bool reader_window(const struct reader *r, struct reader *sub,
                                            size_t offset, size_t size)
{
    struct reader all = *r;

    return reader_skip(&all, offset) && reader_split(&all, sub, size);
}

MUST_CHECK static inline bool reader_u8(struct reader *r, uint8_t *out)
{
    return reader_copy(r, out, 1);
}

#define READER_INTEGER(name, type, get)                                                            \
    /* NOLINTNEXTLINE(bugprone-macro-parentheses): "type" is one */                                \
    MUST_CHECK static inline bool reader_##name(struct reader *r, type *out)                       \
    {                                                                                              \
        const uint8_t *start;                                                                      \
                                                                                                   \
        if (!reader_borrow(r, &start, sizeof(type)))                                               \
            return false;                                                                          \
        *out = get(start);                                                                         \
        return true;                                                                               \
    }

READER_INTEGER(le16, uint16_t, get_le16)
READER_INTEGER(le32, uint32_t, get_le32)
READER_INTEGER(le64, uint64_t, get_le64)
READER_INTEGER(be16, uint16_t, get_be16)
READER_INTEGER(be32, uint32_t, get_be32)
READER_INTEGER(be64, uint64_t, get_be64)
#undef READER_INTEGER

#endif
