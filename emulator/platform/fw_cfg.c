/* SPDX-License-Identifier: MIT */
#include "emulator/platform/fw_cfg.h"

#include "lib/base/bytes.h"

#define SELECTOR_PORT      0x510
#define DATA_PORT          0x511
#define SELECTOR_CPUS      0x05
#define SELECTOR_DIRECTORY 0x19
#define NAME_SIZE          56

struct directory_entry {
    uint8_t size[4], selector[2], reserved[2]; /* big-endian */
    char name[NAME_SIZE];
};

static void read_bytes(void *to, size_t size)
{
    uint8_t *bytes = to;

    for (size_t i = 0; i < size; i++)
        bytes[i] = in8(DATA_PORT);
}

void fw_cfg_read(const char *name, char *to, size_t size)
{
    struct directory_entry entry;
    uint8_t count[4];

    out16(SELECTOR_PORT, SELECTOR_DIRECTORY);
    read_bytes(count, sizeof(count));
    for (uint32_t i = 0; i < get_be32(count); i++) {
        read_bytes(&entry, sizeof(entry));
        if (memcmp(entry.name, name, strlen(name) + 1) != 0)
            continue;
        out16(SELECTOR_PORT, get_be16(entry.selector));
        read_bytes(to, get_be32(entry.size) < size ? get_be32(entry.size) : size);
        return;
    }
}

unsigned fw_cfg_cpus(void)
{
    uint8_t count[2];

    out16(SELECTOR_PORT, SELECTOR_CPUS);
    read_bytes(count, sizeof(count));
    return get_le16(count);
}
