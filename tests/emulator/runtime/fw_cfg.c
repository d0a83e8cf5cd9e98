/* SPDX-License-Identifier: MIT */
#include "tests/emulator/runtime/fw_cfg.h"

#include "lib/base/bytes.h"
#include "lib/freestanding/string.h"
#include "tests/emulator/runtime/port.h"

#define FW_CFG_DIRECTORY 0x19

struct directory_entry {
    uint8_t size[4], select[2]; /* big-endian */
    uint8_t reserved[2];
    char name[56];
};

static void read_item(void *to, size_t size)
{
    for (uint8_t *byte = to; size > 0; size--)
        *byte++ = (uint8_t)port_in(FW_CFG_DATA, 1);
}

bool fw_cfg_read(const char *name, void *to, size_t size)
{
    struct directory_entry entry;
    uint8_t count[4];

    port_out(FW_CFG_SELECT, 2, FW_CFG_DIRECTORY);
    read_item(count, sizeof(count));
    for (uint32_t i = get_be32(count); i > 0; i--) {
        read_item(&entry, sizeof(entry));
        if (memcmp(entry.name, name, strlen(name) + 1) != 0)
            continue;
        port_out(FW_CFG_SELECT, 2, get_be16(entry.select));
        read_item(to, get_be32(entry.size) < size ? get_be32(entry.size) : size);
        return true;
    }
    return false;
}
