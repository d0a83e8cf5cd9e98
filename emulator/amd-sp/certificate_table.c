/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/certificate_table.h"

#include <string.h>

#include "lib/base/writer.h"
#include "lib/snp/page.h"

#define CERTIFICATES 3
#define GUID_SIZE    16
#define ENTRY_SIZE   (GUID_SIZE + 2 * sizeof(uint32_t))
#define TABLE_SIZE   ((CERTIFICATES + 1) * ENTRY_SIZE) /* a zero entry ends it */

struct table_entry {
    uint8_t guid[GUID_SIZE]; /* in the order of the text form, unlike UEFI's */
    const struct chip_certificate *certificate;
};

static void list_entries(const struct chip *chip, struct table_entry entries[CERTIFICATES])
{
    const struct table_entry all[CERTIFICATES] = {
        {{0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac,
          0xcd},
         &chip->vcek_certificate},
        {{0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7,
          0x82},
         &chip->ask_certificate},
        {{0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0,
          0xae},
         &chip->ark_certificate},
    };

    memcpy(entries, all, sizeof(all));
}

size_t certificate_table_pages(const struct chip *chip)
{
    size_t size = TABLE_SIZE + chip->vcek_certificate.size + chip->ask_certificate.size +
                  chip->ark_certificate.size;

    return (size + PAGE_SIZE - 1) / PAGE_SIZE;
}

bool certificate_table_write(const struct chip *chip, uint8_t *buffer, size_t pages)
{
    struct table_entry entries[CERTIFICATES];
    struct writer table, blobs;

    if (pages < certificate_table_pages(chip))
        return false;
    table = writer_over(buffer, TABLE_SIZE);
    blobs = writer_over(buffer + TABLE_SIZE, pages * PAGE_SIZE - TABLE_SIZE);
    memset(buffer, 0, pages * PAGE_SIZE);
    list_entries(chip, entries);
    for (size_t i = 0; i < CERTIFICATES; i++) {
        const struct chip_certificate *certificate = entries[i].certificate;
        uint32_t offset = (uint32_t)(TABLE_SIZE + blobs.used);

        if (!writer_put(&table, entries[i].guid, GUID_SIZE) || !writer_le32(&table, offset) ||
            !writer_le32(&table, (uint32_t)certificate->size) ||
            !writer_put(&blobs, certificate->der, certificate->size))
            return false;
    }
    return true;
}
