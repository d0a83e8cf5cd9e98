/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/certificate_table.h"

#include <string.h>

#include "kbs/evidence/chain_cache.h"
#include "lib/base/reader.h"

#define GUID_SIZE         16
#define TABLE_ENTRIES_MAX 32

/* GUIDs in the order of their text form. */
static const uint8_t guid_ark[GUID_SIZE] = {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52,
                                            0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae};
static const uint8_t guid_ask[GUID_SIZE] = {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4,
                                            0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82};
static const uint8_t guid_vcek[GUID_SIZE] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
                                             0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};
static const uint8_t guid_vlek[GUID_SIZE] = {0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e,
                                             0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1};
static const uint8_t guid_crl[GUID_SIZE] = {0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d,
                                            0x97, 0xff, 0xd1, 0x9f, 0x88, 0xdc, 0x67, 0xea};

static X509 **slot_for(struct certificates *certificates, const uint8_t guid[GUID_SIZE])
{
    if (memcmp(guid, guid_ark, GUID_SIZE) == 0)
        return &certificates->ark;
    if (memcmp(guid, guid_ask, GUID_SIZE) == 0)
        return &certificates->ask;
    if (memcmp(guid, guid_vcek, GUID_SIZE) == 0)
        return &certificates->vcek;
    if (memcmp(guid, guid_vlek, GUID_SIZE) == 0)
        return &certificates->vlek;
    return NULL;
}

struct table_entry {
    uint8_t guid[GUID_SIZE];
    uint32_t offset, length; /* from the start of the table */
};

MUST_CHECK static bool read_entry(struct reader *r, struct table_entry *entry)
{
    return reader_copy(r, entry->guid, sizeof(entry->guid)) && reader_le32(r, &entry->offset) &&
           reader_le32(r, &entry->length);
}

/* The all-zero entry that ends the table. */
static bool is_end(const struct table_entry *entry)
{
    static const struct table_entry end;

    return memcmp(entry, &end, sizeof(end)) == 0;
}

/* Which of two certificates of a kind counts must not be open to doubt: a second one is refused. */
MUST_CHECK static bool take(const struct reader *table, const struct table_entry *entry,
                            struct chain_cache *known, struct certificates *out)
{
    struct reader bytes;
    X509 **slot = slot_for(out, entry->guid);

    if (!reader_window(table, &bytes, entry->offset, entry->length))
        return false;
    if (memcmp(entry->guid, guid_crl, GUID_SIZE) == 0) {
        if (!out->crl)
            return (out->crl = crl_parse(bytes.next, bytes.left)) != NULL;
        return false;
    }
    if (!slot)
        return true;
    if (*slot)
        return false;
    *slot = chain_cache_certificate(known, bytes.next, bytes.left);
    return *slot != NULL;
}

bool certificates_parse_table(const uint8_t *table, size_t size, struct chain_cache *known,
                              struct certificates *out)
{
    struct reader all = reader_over(table, size), entries = all;
    struct table_entry entry;

    *out = (struct certificates){0};
    for (unsigned i = 0; i < TABLE_ENTRIES_MAX && read_entry(&entries, &entry); i++) {
        if (is_end(&entry))
            return true;
        if (!take(&all, &entry, known, out))
            break;
    }
    certificates_free(out);
    return false;
}
