/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/report.h"

#include <inttypes.h>
#include <string.h>

#include <openssl/crypto.h>

#include "lib/base/bytes.h"
#include "lib/base/hex.h"
#include "lib/base/reader.h"

#define VERSION_WITH_CPUID 3 /* the first one */

#define SIGNATURE_ECDSA_P384_SHA384 1
#define P384_SCALAR_SIZE            48

#define KEY_INFO_MASK_CHIP_KEY     (1u << 1)
#define KEY_INFO_SIGNING_KEY(info) ((info) >> 2 & 7)
#define SIGNING_KEY_VCEK           0
#define SIGNING_KEY_VLEK           1

/* The order of P-384 (SEC 2), big-endian. Kept here because to ask OpenSSL for it each time takes
 * as long as hashing the whole report several times over. */
static const uint8_t p384_order[P384_SCALAR_SIZE] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73};

/* 0 < scalar < order of P-384 */
static bool in_range(const uint8_t little_endian[P384_SCALAR_SIZE])
{
    for (unsigned i = 0; i < P384_SCALAR_SIZE; i++) {
        uint8_t digit = little_endian[P384_SCALAR_SIZE - 1 - i];

        if (digit != p384_order[i])
            return digit < p384_order[i] && !bytes_are_zero(little_endian, P384_SCALAR_SIZE);
    }
    return false;
}

bool report_check_form(const uint8_t *bytes, size_t size, struct snp_report *report,
                       struct finding *finding)
{
    struct reader r = reader_over(bytes, size);

    if (!reader_copy(&r, report, sizeof(*report)) || !reader_at_end(&r))
        return finding_fail(finding, VERDICT_REPORT_SIZE, "expected %zu bytes, found %zu",
                            sizeof(*report), size);
    if (report->signature_algo != SIGNATURE_ECDSA_P384_SHA384)
        return finding_fail(finding, VERDICT_SIGNATURE_ALGORITHM, "expected %d, found %" PRIu32,
                            SIGNATURE_ECDSA_P384_SHA384, report->signature_algo);
    if (!bytes_are_zero(report->reserved_330, sizeof(report->reserved_330)))
        return finding_fail(finding, VERDICT_UNSIGNED_BYTES, "in the bytes after the signature");
    if (!bytes_are_zero(report->signature_r + P384_SCALAR_SIZE,
                        sizeof(report->signature_r) - P384_SCALAR_SIZE) ||
        !bytes_are_zero(report->signature_s + P384_SCALAR_SIZE,
                        sizeof(report->signature_s) - P384_SCALAR_SIZE))
        return finding_fail(finding, VERDICT_UNSIGNED_BYTES, "in the padding of r or s");
    if (!in_range(report->signature_r) || !in_range(report->signature_s))
        return finding_fail(finding, VERDICT_SIGNATURE_RANGE,
                            "%s is not between 1 and the order of P-384",
                            in_range(report->signature_r) ? "s" : "r");
    return true;
}

bool report_tells_product(const struct snp_report *report)
{
    return report->version >= VERSION_WITH_CPUID;
}

bool report_check_version(const struct snp_report *report, const struct requirements *requirements,
                          struct finding *finding)
{
    return (report->version >= requirements->version_min &&
            report->version <= requirements->version_max) ||
           finding_fail(finding, VERDICT_REPORT_VERSION,
                        "expected %" PRIu32 " to %" PRIu32 ", found %" PRIu32 "%s",
                        requirements->version_min, requirements->version_max, report->version,
                        report->version == 2 ? " (the host's SNP firmware needs an update)" : "");
}

bool report_product(const struct snp_report *report, enum product *product, struct finding *finding)
{
    return product_of_cpuid(report->cpuid_fam_id, report->cpuid_mod_id, product) ||
           finding_fail(finding, VERDICT_PRODUCT_UNKNOWN, "CPU family %02x, model %02x",
                        report->cpuid_fam_id, report->cpuid_mod_id);
}

bool report_check_product(enum product product, const struct requirements *requirements,
                          struct finding *finding)
{
    return requirements->product_allowed[product] ||
           finding_fail(finding, VERDICT_PRODUCT_REFUSED, "found %s", product_name(product));
}

bool report_check_signing_key(const struct snp_report *report,
                              const struct requirements *requirements, bool *vlek,
                              struct finding *finding)
{
    uint32_t key = KEY_INFO_SIGNING_KEY(report->key_info);

    if (report->key_info & KEY_INFO_MASK_CHIP_KEY)
        return finding_fail(finding, VERDICT_CHIP_KEY_MASKED, "KEY_INFO %08" PRIx32,
                            report->key_info);
    if (key != SIGNING_KEY_VCEK && key != SIGNING_KEY_VLEK)
        return finding_fail(finding, VERDICT_SIGNING_KEY, "expected key %d or %d, found %" PRIu32,
                            SIGNING_KEY_VCEK, SIGNING_KEY_VLEK, key);
    *vlek = key == SIGNING_KEY_VLEK;
    if (*vlek ? !requirements->vlek : !requirements->vcek)
        return finding_fail(finding, *vlek ? VERDICT_VLEK_REFUSED : VERDICT_VCEK_REFUSED,
                            "the requirements admit %s only", *vlek ? "VCEKs" : "VLEKs");
    return true;
}

bool report_masks_chip(const struct snp_report *report)
{
    return bytes_are_zero(report->chip_id, sizeof(report->chip_id));
}

bool report_check_masked(const struct snp_report *report, const struct requirements *requirements,
                         struct finding *finding)
{
    return requirements->masked_chip_id || !report_masks_chip(report) ||
           finding_fail(finding, VERDICT_CHIP_ID_MASKED, "CHIP_ID is all zero");
}

bool report_check_chip(const struct snp_report *report, const struct requirements *requirements,
                       struct finding *finding)
{
    char found[2 * CHIP_ID_SIZE + 1];

    if (requirements->chip_id_count == 0)
        return true;
    for (size_t i = 0; i < requirements->chip_id_count; i++)
        if (memcmp(requirements->chip_ids[i], report->chip_id, CHIP_ID_SIZE) == 0)
            return true;
    return finding_fail(finding, VERDICT_CHIP_REFUSED, "none of %zu listed chips, but %s",
                        requirements->chip_id_count,
                        hex_text(report->chip_id, CHIP_ID_SIZE, found));
}

bool report_is_bound(const struct snp_report *report, const uint8_t expected[REPORT_DATA_SIZE])
{
    return CRYPTO_memcmp(report->report_data, expected, REPORT_DATA_SIZE) == 0;
}
