/* SPDX-License-Identifier: MIT */
#include "igvm/kbs_options.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/uuid.h"
#include "lib/release/record.h"

static_assert(sizeof(struct release_pin) == sizeof(struct boot_kbs_pin), "a pin is a pin");

enum tool_status kbs_option_key(const char *path, struct boot_kbs *kbs)
{
    struct release_pin pin;
    enum release_key_status key;

    if (kbs->pin_count == BOOT_KBS_PINS_MAX)
        return complain(TOOL_USAGE, "more than %d --kbs-key", BOOT_KBS_PINS_MAX);
    key = release_pin_read(path, &pin);
    if (key != RELEASE_KEY_OK)
        return complain(key == RELEASE_KEY_UNREADABLE ? TOOL_FILE : TOOL_INVALID,
                        "--kbs-key: %s %s", path, release_key_text(key));
    memcpy(&kbs->pins[kbs->pin_count++], &pin, sizeof(pin));
    kbs->flags = BOOT_KBS_REQUIRE_SIGNED;
    return TOOL_OK;
}

enum tool_status kbs_option_volume(const char *uuid, struct boot_kbs *kbs)
{
    if (!uuid_bytes(uuid, kbs->volume_id) || bytes_are_zero(kbs->volume_id, sizeof(kbs->volume_id)))
        return complain(TOOL_USAGE, "--volume %s: not a UUID of 36 characters, or all zeros", uuid);
    return TOOL_OK;
}
