/* SPDX-License-Identifier: MIT */
#include "services/attest/certificate_table.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/reader.h"

struct table_entry {
    uint8_t guid[CERTIFICATE_TABLE_GUID_SIZE];
    uint32_t offset, length; /* offset from the start of the table */
};

static bool read_entry(struct reader *in, struct table_entry *entry)
{
    return reader_copy(in, entry->guid, sizeof(entry->guid)) && reader_le32(in, &entry->offset) &&
           reader_le32(in, &entry->length);
}

static bool is_last(const struct table_entry *entry)
{
    return bytes_are_zero(entry, sizeof(*entry));
}

size_t certificate_table_size(const void *pages, size_t size)
{
    struct reader all = reader_over(pages, size);
    struct reader in = all, blob;
    struct table_entry entry;
    size_t blobs_end = 0;

    for (;;) {
        if (!read_entry(&in, &entry))
            return 0;
        if (is_last(&entry))
            break;
        if (!reader_window(&all, &blob, entry.offset, entry.length))
            return 0;
        if ((size_t)entry.offset + entry.length > blobs_end)
            blobs_end = (size_t)entry.offset + entry.length;
    }
    if (blobs_end == 0)
        return 0;
    return blobs_end > size - in.left ? blobs_end : size - in.left;
}
