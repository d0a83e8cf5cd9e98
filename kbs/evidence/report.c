/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/report.h"

#include <inttypes.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "lib/base/bytes.h"

#define VERSION_MIN 3 /* version 2 does not tell the processor, so its TCB bytes are ambiguous */
#define VERSION_MAX 5

#define SIGNATURE_ECDSA_P384_SHA384 1
#define P384_SCALAR_SIZE            48

#define KEY_INFO_MASK_CHIP_KEY     (1u << 1)
#define KEY_INFO_SIGNING_KEY(info) ((info) >> 2 & 7)
#define SIGNING_KEY_VCEK           0

static bool all_bytes_are(const uint8_t *bytes, size_t size, uint8_t value)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

/* 0 < scalar < order of P-384 */
static bool in_range(const uint8_t little_endian[P384_SCALAR_SIZE], const BIGNUM *order)
{
    BIGNUM *scalar = BN_lebin2bn(little_endian, P384_SCALAR_SIZE, NULL);
    bool inside = scalar && !BN_is_zero(scalar) && BN_cmp(scalar, order) < 0;

    BN_free(scalar);
    return inside;
}

static bool check_scalars(const struct snp_report *report, struct finding *finding)
{
    EC_GROUP *p384 = EC_GROUP_new_by_curve_name(NID_secp384r1);
    bool r_inside = p384 && in_range(report->signature_r, EC_GROUP_get0_order(p384));
    bool s_inside = p384 && in_range(report->signature_s, EC_GROUP_get0_order(p384));

    EC_GROUP_free(p384);
    return (r_inside && s_inside) ||
           finding_fail(finding, VERDICT_SIGNATURE_RANGE,
                        "%s is not between 1 and the order of P-384", r_inside ? "s" : "r");
}

bool report_check_form(const uint8_t *bytes, size_t size, struct snp_report *report,
                       struct finding *finding)
{
    struct reader r = reader_over(bytes, size);

    if (!reader_copy(&r, report, sizeof(*report)) || !reader_at_end(&r))
        return finding_fail(finding, VERDICT_REPORT_SIZE, "expected %zu bytes, found %zu",
                            sizeof(*report), size);
    if (report->signature_algo != SIGNATURE_ECDSA_P384_SHA384)
        return finding_fail(finding, VERDICT_SIGNATURE_ALGORITHM, "expected 1, found %" PRIu32,
                            report->signature_algo);
    if (!all_bytes_are(report->reserved_330, sizeof(report->reserved_330), 0))
        return finding_fail(finding, VERDICT_UNSIGNED_BYTES, "in the bytes after the signature");
    if (!all_bytes_are(report->signature_r + P384_SCALAR_SIZE,
                       sizeof(report->signature_r) - P384_SCALAR_SIZE, 0) ||
        !all_bytes_are(report->signature_s + P384_SCALAR_SIZE,
                       sizeof(report->signature_s) - P384_SCALAR_SIZE, 0))
        return finding_fail(finding, VERDICT_UNSIGNED_BYTES, "in the padding of r or s");
    return check_scalars(report, finding);
}

bool report_check_version(const struct snp_report *report, enum product *product,
                          struct finding *finding)
{
    if (report->version < VERSION_MIN || report->version > VERSION_MAX)
        return finding_fail(
            finding, VERDICT_REPORT_VERSION, "expected %d to %d, found %" PRIu32 "%s", VERSION_MIN,
            VERSION_MAX, report->version,
            report->version == 2 ? " (the host's SNP firmware needs an update)" : "");
    if (!product_of_cpuid(report->cpuid_fam_id, report->cpuid_mod_id, product))
        return finding_fail(finding, VERDICT_PRODUCT_UNKNOWN, "CPU family %02x, model %02x",
                            report->cpuid_fam_id, report->cpuid_mod_id);
    return true;
}

bool report_check_signing_key(const struct snp_report *report, struct finding *finding)
{
    if (report->key_info & KEY_INFO_MASK_CHIP_KEY)
        return finding_fail(finding, VERDICT_CHIP_KEY_MASKED, "key_info %08" PRIx32,
                            report->key_info);
    if (KEY_INFO_SIGNING_KEY(report->key_info) != SIGNING_KEY_VCEK)
        return finding_fail(finding, VERDICT_SIGNING_KEY, "expected key 0, found %" PRIu32,
                            KEY_INFO_SIGNING_KEY(report->key_info));
    return true;
}

bool report_check_guest(const struct snp_report *report, struct finding *finding)
{
    /* FFFFFFFF here marks a report that the host asked for itself. */
    if (report->vmpl != 0)
        return finding_fail(finding, VERDICT_VMPL, "expected 0, found %" PRIx32, report->vmpl);
    if (!(report->policy & SNP_POLICY_RESERVED_ONE))
        return finding_fail(finding, VERDICT_POLICY_RESERVED, "policy %" PRIx64, report->policy);
    if (report->policy & SNP_POLICY_DEBUG)
        return finding_fail(finding, VERDICT_POLICY_DEBUG, "policy %" PRIx64, report->policy);
    if (report->policy & SNP_POLICY_MIGRATE_MA)
        return finding_fail(finding, VERDICT_POLICY_MIGRATION, "policy %" PRIx64, report->policy);
    if (!all_bytes_are(report->report_id_ma, sizeof(report->report_id_ma), 0xff))
        return finding_fail(finding, VERDICT_POLICY_MIGRATION, "a migration agent is attached");
    return true;
}

bool report_check_data(const struct snp_report *report, const uint8_t expected[REPORT_DATA_SIZE],
                       struct finding *finding)
{
    if (CRYPTO_memcmp(report->report_data, expected, REPORT_DATA_SIZE) != 0)
        return finding_fail(finding, VERDICT_REPORT_DATA,
                            "expected %016" PRIx64 "..., found %016" PRIx64 "...",
                            get_be64(expected), get_be64(report->report_data));
    return true;
}
