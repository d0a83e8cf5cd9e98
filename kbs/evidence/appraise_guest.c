/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/appraise.h"

#include <inttypes.h>
#include <string.h>

#include "kbs/evidence/bits.h"
#include "kbs/evidence/report.h"
#include "lib/base/bytes.h"
#include "lib/base/hex.h"

#define KEY_INFO_AUTHOR_KEY_EN (1u << 0)

#define POLICY_ABI_MINOR(policy) ((uint8_t)(policy))
#define POLICY_ABI_MAJOR(policy) ((uint8_t)((policy) >> 8))

static bool check_migration(const struct snp_report *report,
                            const struct requirements *requirements, struct finding *finding)
{
    if (requirements->migration)
        return true;
    if (report->policy & SNP_POLICY_MIGRATE_MA)
        return finding_fail(finding, VERDICT_POLICY_MIGRATION, "POLICY %" PRIx64, report->policy);
    return bytes_are(report->report_id_ma, sizeof(report->report_id_ma), 0xff) ||
           finding_fail(finding, VERDICT_POLICY_MIGRATION, "a migration agent is attached");
}

static bool check_bits(uint64_t policy, const struct mask64 *mask, struct finding *finding)
{
    uint64_t clear = mask->must_be_set & ~policy, set = mask->must_be_clear & policy;
    char text[BITS_TEXT_MAX];

    if (clear)
        return finding_fail(finding, VERDICT_POLICY_BITS, "must be set: %s",
                            bits_text(&policy_bits, clear, text));
    if (set)
        return finding_fail(finding, VERDICT_POLICY_BITS, "must be clear: %s",
                            bits_text(&policy_bits, set, text));
    return true;
}

/* A guest's policy has the lowest version of the ABI that its host may have had. */
static bool check_abi(uint64_t policy, const struct requirements *requirements,
                      struct finding *finding)
{
    uint8_t major = POLICY_ABI_MAJOR(policy), minor = POLICY_ABI_MINOR(policy);

    return major > requirements->abi_major_min ||
           (major == requirements->abi_major_min && minor >= requirements->abi_minor_min) ||
           finding_fail(finding, VERDICT_POLICY_ABI, "at least %u.%u, found %u.%u",
                        requirements->abi_major_min, requirements->abi_minor_min, major, minor);
}

bool appraise_guest(const struct snp_report *report, const struct requirements *requirements,
                    struct finding *finding)
{
    /* FFFFFFFF here marks a report that the host asked for itself. */
    if (report->vmpl != 0)
        return finding_fail(finding, VERDICT_VMPL, "expected 0, found %" PRIx32, report->vmpl);
    if (!(report->policy & SNP_POLICY_RESERVED_ONE))
        return finding_fail(finding, VERDICT_POLICY_RESERVED, "POLICY %" PRIx64, report->policy);
    if ((report->policy & SNP_POLICY_DEBUG) && !requirements->debug)
        return finding_fail(finding, VERDICT_POLICY_DEBUG, "POLICY %" PRIx64, report->policy);
    return check_migration(report, requirements, finding) &&
           check_bits(report->policy, &requirements->guest_policy, finding) &&
           check_abi(report->policy, requirements, finding);
}

static bool check_bytes(const uint8_t *found, size_t size, const struct wanted_bytes *wanted,
                        enum verdict verdict, struct finding *finding)
{
    char wanted_text[2 * sizeof(wanted->bytes) + 1], found_text[2 * sizeof(wanted->bytes) + 1];

    return !wanted->set || memcmp(found, wanted->bytes, size) == 0 ||
           finding_fail(finding, verdict, "expected %s, found %s",
                        hex_text(wanted->bytes, size, wanted_text),
                        hex_text(found, size, found_text));
}

#define CHECK_BYTES(member, verdict)                                                               \
    check_bytes(report->member, sizeof(report->member), &requirements->member, verdict, finding)

/* Without an author's key the firmware leaves its digest to the host. */
static bool check_author(const struct snp_report *report, const struct requirements *requirements,
                         struct finding *finding)
{
    if (requirements->author_key_digest.set && !(report->key_info & KEY_INFO_AUTHOR_KEY_EN))
        return finding_fail(finding, VERDICT_AUTHOR_KEY_DIGEST,
                            "the guest was launched without an author's key");
    return CHECK_BYTES(author_key_digest, VERDICT_AUTHOR_KEY_DIGEST);
}

bool appraise_identity(const struct snp_report *report, const struct requirements *requirements,
                       struct finding *finding)
{
    if (report->guest_svn < requirements->guest_svn_min)
        return finding_fail(finding, VERDICT_GUEST_SVN, "at least %" PRIu32 ", found %" PRIu32,
                            requirements->guest_svn_min, report->guest_svn);
    return CHECK_BYTES(host_data, VERDICT_HOST_DATA) && CHECK_BYTES(family_id, VERDICT_FAMILY_ID) &&
           CHECK_BYTES(image_id, VERDICT_IMAGE_ID) &&
           CHECK_BYTES(id_key_digest, VERDICT_ID_KEY_DIGEST) &&
           check_author(report, requirements, finding);
}
