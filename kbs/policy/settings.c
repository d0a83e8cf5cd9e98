/* SPDX-License-Identifier: MIT */
/* All settings of a policy, and the readers that only one of them needs. */
#include <stdlib.h>
#include <string.h>

#include "kbs/policy/setting.h"
#include "lib/base/hex.h"

static bool read_crl(struct reading *reading, const config_setting_t *found,
                     const struct setting *setting)
{
    const char *text = config_setting_get_string(found);

    (void)setting;
    if (!text || (strcmp(text, "required") != 0 && strcmp(text, "off") != 0))
        return fail_at(reading, found, "must be \"required\" or \"off\"");
    reading->policy->requirements.crl = strcmp(text, "off") == 0 ? CRL_OFF : CRL_REQUIRED;
    return true;
}

static bool take_key(struct reading *reading, const config_setting_t *element, const char *text,
                     unsigned at)
{
    struct requirements *requirements = &reading->policy->requirements;

    (void)at;
    if (strcmp(text, "vcek") == 0)
        requirements->vcek = true;
    else if (strcmp(text, "vlek") == 0)
        requirements->vlek = true;
    else
        return fail_at(reading, element, "must be \"vcek\", \"vlek\" or both");
    return true;
}

static bool read_signing_keys(struct reading *reading, const config_setting_t *found,
                              const struct setting *setting)
{
    struct requirements *requirements = &reading->policy->requirements;

    (void)setting;
    requirements->vcek = requirements->vlek = false;
    return read_strings(reading, found, 2, take_key) &&
           (requirements->vcek || requirements->vlek ||
            fail_at(reading, found, "must have \"vcek\", \"vlek\" or both"));
}

static bool take_csp_id(struct reading *reading, const config_setting_t *element, const char *text,
                        unsigned at)
{
    struct requirements *requirements = &reading->policy->requirements;

    if (!text[0] || strlen(text) > CSP_ID_MAX)
        return fail_at(reading, element, "a CSP_ID has 1 to %d characters", CSP_ID_MAX);
    strcpy(requirements->csp_ids[at], text);
    requirements->csp_id_count = at + 1;
    return true;
}

static bool read_csp_ids(struct reading *reading, const config_setting_t *found,
                         const struct setting *setting)
{
    (void)setting;
    reading->policy->requirements.csp_id_count = 0;
    return read_strings(reading, found, CSP_IDS_MAX, take_csp_id);
}

/* "milan", as everybody but certificates writes it. */
static bool take_product(struct reading *reading, const config_setting_t *element, const char *text,
                         unsigned at)
{
    static const char *const names[PRODUCT_COUNT] = {"milan", "genoa", "turin"};

    (void)at;
    for (enum product product = 0; product < PRODUCT_COUNT; product++)
        if (strcmp(text, names[product]) == 0) {
            reading->policy->requirements.product_allowed[product] = true;
            return true;
        }
    return fail_at(reading, element, "must be of \"milan\", \"genoa\", \"turin\"");
}

static bool read_products(struct reading *reading, const config_setting_t *found,
                          const struct setting *setting)
{
    bool *allowed = reading->policy->requirements.product_allowed;

    (void)setting;
    memset(allowed, 0, sizeof(reading->policy->requirements.product_allowed));
    return read_strings(reading, found, PRODUCT_COUNT, take_product) &&
           (config_setting_length(found) > 0 ||
            fail_at(reading, found, "must have at least one of \"milan\", \"genoa\", \"turin\""));
}

/* Turin's ids have 8 bytes, which zeros follow in reports. */
static bool take_chip(struct reading *reading, const config_setting_t *element, const char *text,
                      unsigned at)
{
    struct requirements *requirements = &reading->policy->requirements;
    uint8_t *chip_id = requirements->chip_ids[at];

    memset(chip_id, 0, CHIP_ID_SIZE);
    if (!hex_bytes(text, chip_id, CHIP_ID_SIZE) &&
        !hex_bytes(text, chip_id, product_chip_id_size(PRODUCT_TURIN)))
        return fail_at(reading, element, "a chip id has %d hexadecimal digits, a Turin's %zu",
                       2 * CHIP_ID_SIZE, 2 * product_chip_id_size(PRODUCT_TURIN));
    requirements->chip_id_count = at + 1;
    return true;
}

static bool read_chips(struct reading *reading, const config_setting_t *found,
                       const struct setting *setting)
{
    struct requirements *requirements = &reading->policy->requirements;

    (void)setting;
    requirements->chip_ids = calloc(CHIP_IDS_MAX, sizeof(*requirements->chip_ids));
    if (!requirements->chip_ids)
        return fail_at(reading, found, "out of memory");
    return read_strings(reading, found, CHIP_IDS_MAX, take_chip);
}

static bool take_image(struct reading *reading, const config_setting_t *element, const char *text,
                       unsigned at)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789_.-";
    size_t length = strlen(text);

    if (length == 0 || length > STORE_NAME_MAX || strspn(text, alphabet) != length)
        return fail_at(reading, element, "an image's name has 1 to %d of A-Z a-z 0-9 _ . -",
                       STORE_NAME_MAX);
    strcpy(reading->policy->images[at], text);
    reading->policy->image_count = at + 1;
    return true;
}

static bool read_images(struct reading *reading, const config_setting_t *found,
                        const struct setting *setting)
{
    (void)setting;
    return read_strings(reading, found, POLICY_IMAGES_MAX, take_image);
}

/* All settings */

/* clang-format off */
#define GROUP(table) .read = read_group, .members = (table)
#define SET(member)  .offset = offsetof(struct policy, requirements.member)

#define TCB_SETTINGS(product)                                                                      \
    {.name = "bootloader", .read = read_byte, SET(tcb_min[product].bootloader)},                   \
    {.name = "tee", .read = read_byte, SET(tcb_min[product].tee)},                                 \
    {.name = "snp", .read = read_byte, SET(tcb_min[product].snp)},                                 \
    {.name = "microcode", .read = read_byte, SET(tcb_min[product].microcode)}

#define MASK(base, member) .offset = (base) + offsetof(struct mask64, member)

#define MASK_SETTINGS(base, names)                                                                 \
    {.name = "must-be-set", .read = read_bits, MASK(base, must_be_set), .bits = (names)},          \
    {.name = "must-be-clear", .read = read_bits, MASK(base, must_be_clear), .bits = (names)}
/* clang-format on */

static const struct setting report_settings[] = {
    {.name = "version-min", .read = read_number, SET(version_min), .max = REPORT_VERSION_MAX},
    {.name = "version-max", .read = read_number, SET(version_max), .max = REPORT_VERSION_MAX},
    {.name = NULL},
};

static const struct setting milan_settings[] = {TCB_SETTINGS(PRODUCT_MILAN), {.name = NULL}};
static const struct setting genoa_settings[] = {TCB_SETTINGS(PRODUCT_GENOA), {.name = NULL}};
static const struct setting turin_settings[] = {
    {.name = "fmc", .read = read_byte, SET(tcb_min[PRODUCT_TURIN].fmc)},
    TCB_SETTINGS(PRODUCT_TURIN),
    {.name = NULL},
};

static const struct setting tcb_settings[] = {
    {.name = "milan", GROUP(milan_settings)},
    {.name = "genoa", GROUP(genoa_settings)},
    {.name = "turin", GROUP(turin_settings)},
    {.name = "provisional", .read = read_boolean, SET(provisional_firmware)},
    {.name = NULL},
};

static const struct setting guest_policy_settings[] = {
    MASK_SETTINGS(offsetof(struct policy, requirements.guest_policy), &policy_bits),
    {.name = NULL},
};
static const struct setting platform_settings[] = {
    MASK_SETTINGS(offsetof(struct policy, requirements.platform_info), &platform_info_bits),
    {.name = NULL},
};
static const struct setting mitigation_settings[] = {
    MASK_SETTINGS(offsetof(struct policy, requirements.mitigations), NULL),
    {.name = NULL},
};

static const struct setting abi_settings[] = {
    {.name = "major", .read = read_byte, SET(abi_major_min)},
    {.name = "minor", .read = read_byte, SET(abi_minor_min)},
    {.name = NULL},
};

static const struct setting guest_settings[] = {
    {.name = "debug", .read = read_boolean, SET(debug)},
    {.name = "migration", .read = read_boolean, SET(migration)},
    {.name = "policy", GROUP(guest_policy_settings)},
    {.name = "abi-min", GROUP(abi_settings)},
    {.name = "svn-min", .read = read_number, SET(guest_svn_min), .max = UINT32_MAX},
    {.name = "host-data", .read = read_bytes, SET(host_data), .max = 32},
    {.name = "family-id", .read = read_bytes, SET(family_id), .max = 16},
    {.name = "image-id", .read = read_bytes, SET(image_id), .max = 16},
    {.name = "id-key-digest", .read = read_bytes, SET(id_key_digest), .max = 48},
    {.name = "author-key-digest", .read = read_bytes, SET(author_key_digest), .max = 48},
    {.name = NULL},
};

const struct setting policy_settings[] = {
    {.name = "images", .read = read_images},
    {.name = "guest", GROUP(guest_settings)},
    {.name = "report", GROUP(report_settings)},
    {.name = "signing-keys", .read = read_signing_keys},
    {.name = "csp-ids", .read = read_csp_ids},
    {.name = "crl", .read = read_crl},
    {.name = "products", .read = read_products},
    {.name = "chips", .read = read_chips},
    {.name = "masked-chip-ids", .read = read_boolean, SET(masked_chip_id)},
    {.name = "tcb", GROUP(tcb_settings)},
    {.name = "platform-info", GROUP(platform_settings)},
    {.name = "mitigations", GROUP(mitigation_settings)},
    {.name = NULL},
};
