/* SPDX-License-Identifier: MIT */
#include "lib/release/tlv.h"

#include <string.h>

static bool is_present(const struct tlv_field *field)
{
    return field->mandatory || *field->present;
}

MUST_CHECK static bool write_value(struct writer *w, const struct tlv_field *field)
{
    if (!field->integer)
        return writer_put(w, field->value, field->size);
    switch (field->size) {
    case 1:
        return writer_u8(w, *(const uint8_t *)field->value);
    case 4:
        return writer_be32(w, *(const uint32_t *)field->value);
    default:
        return writer_be64(w, *(const uint64_t *)field->value);
    }
}

bool tlv_write(struct writer *w, const char tag[TLV_TAG_SIZE], const struct tlv_field *fields,
               size_t count)
{
    uint8_t *size;
    size_t before;

    if (!writer_put(w, tag, TLV_TAG_SIZE) || !writer_reserve(w, &size, sizeof(uint16_t)))
        return false;
    before = w->used;
    for (size_t i = 0; i < count; i++)
        if (is_present(&fields[i]) &&
            (!writer_be16(w, fields[i].type) || !writer_be16(w, fields[i].size) ||
             !write_value(w, &fields[i])))
            return false;
    put_be16(size, (uint16_t)(w->used - before));
    return w->used - before <= UINT16_MAX;
}

MUST_CHECK static bool read_value(struct reader *r, const struct tlv_field *field)
{
    if (!field->integer)
        return reader_copy(r, field->value, field->size);
    switch (field->size) {
    case 1:
        return reader_u8(r, field->value);
    case 4:
        return reader_be32(r, field->value);
    default:
        return reader_be64(r, field->value);
    }
}

/* A field of that type, or NULL. */
static struct tlv_field *find(struct tlv_field *fields, size_t count, uint16_t type)
{
    for (size_t i = 0; i < count; i++)
        if (fields[i].type == type)
            return &fields[i];
    return NULL;
}

/* Types ascend strictly, so none comes twice. */
MUST_CHECK static bool read_one(struct reader *r, struct tlv_field *fields, size_t count,
                                uint32_t *next_type, size_t *mandatory)
{
    struct tlv_field *field;
    struct reader value;
    uint16_t type, size;

    if (!reader_be16(r, &type) || !reader_be16(r, &size) || type < *next_type ||
        !reader_split(r, &value, size))
        return false;
    *next_type = (uint32_t)type + 1;
    field = find(fields, count, type);
    if (!field)
        return type < TLV_CRITICAL;
    if (size != field->size || !read_value(&value, field))
        return false;
    *mandatory += field->mandatory;
    if (field->present)
        *field->present = true;
    return true;
}

bool tlv_read(struct reader *r, const char tag[TLV_TAG_SIZE], struct tlv_field *fields,
              size_t count)
{
    size_t wanted = 0, mandatory = 0;
    uint32_t next_type = 0;
    const uint8_t *found;
    uint16_t size;

    if (!reader_borrow(r, &found, TLV_TAG_SIZE) || memcmp(found, tag, TLV_TAG_SIZE) != 0 ||
        !reader_be16(r, &size) || size != r->left)
        return false;
    while (!reader_at_end(r))
        if (!read_one(r, fields, count, &next_type, &mandatory))
            return false;
    for (size_t i = 0; i < count; i++)
        wanted += fields[i].mandatory;
    return mandatory == wanted;
}
