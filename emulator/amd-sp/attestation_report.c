/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/attestation_report.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include "emulator/amd-sp/platform.h"

#define REPORT_VERSION               3
#define SIGNATURE_ALGO_ECDSA_P384    1
#define KEY_INFO_AUTHOR_KEY_EN       (1u << 0)
#define KEY_INFO_SIGNING_KEY_VCEK    (0u << 2)
#define REPORT_ID_NO_MIGRATION_AGENT 0xFF
#define EXTENDED_FAMILY              0xFu

/* CPUID_FAM_ID, _MOD_ID and _STEP: extended and base parts combined (APM vol. 3, CPUID Fn1). */
static void put_cpuid(struct snp_report *report, uint32_t fms)
{
    uint32_t family = fms >> 8 & 0xF;

    if (family == EXTENDED_FAMILY)
        family += fms >> 20 & 0xFF;
    report->cpuid_fam_id = (uint8_t)family;
    report->cpuid_mod_id = (uint8_t)((fms >> 12 & 0xF0) | (fms >> 4 & 0xF));
    report->cpuid_step = (uint8_t)(fms & 0xF);
}

static void put_platform(struct snp_report *report, const struct chip *chip)
{
    report->current_tcb = report->committed_tcb = chip->tcb;
    report->reported_tcb = report->launch_tcb = chip->tcb;
    report->platform_info = EMULATED_PLATFORM_INFO;
    report->current_major = report->committed_major = PLATFORM_API_MAJOR;
    report->current_minor = report->committed_minor = PLATFORM_API_MINOR;
    report->current_build = report->committed_build = PLATFORM_BUILD;
    memcpy(report->chip_id, chip->chip_id, sizeof(report->chip_id));
}

static void put_identity(struct snp_report *report, const struct guest_identity *identity)
{
    report->guest_svn = identity->guest_svn;
    report->key_info = KEY_INFO_SIGNING_KEY_VCEK;
    if (identity->signer == IDENTITY_AUTHOR_KEY)
        report->key_info |= KEY_INFO_AUTHOR_KEY_EN;
    memcpy(report->family_id, identity->family_id, sizeof(report->family_id));
    memcpy(report->image_id, identity->image_id, sizeof(report->image_id));
    memcpy(report->id_key_digest, identity->id_key_digest, sizeof(report->id_key_digest));
    memcpy(report->author_key_digest, identity->author_key_digest,
           sizeof(report->author_key_digest));
}

static void put_guest(struct snp_report *report, const struct guest_context *guest)
{
    report->policy = guest->policy;
    put_cpuid(report, guest->fms);
    memcpy(report->measurement, guest->digest.ld, sizeof(report->measurement));
    memcpy(report->host_data, guest->host_data, sizeof(report->host_data));
    memcpy(report->report_id, guest->report_id, sizeof(report->report_id));
    memset(report->report_id_ma, REPORT_ID_NO_MIGRATION_AGENT, sizeof(report->report_id_ma));
    put_identity(report, &guest->identity);
}

/* DER to the report's form: R and S little-endian and zero-extended. */
MUST_CHECK static bool put_signature(struct snp_report *report, const uint8_t *der, size_t size)
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)size);
    bool fits;

    fits = signature &&
           BN_bn2lebinpad(ECDSA_SIG_get0_r(signature), report->signature_r,
                          sizeof(report->signature_r)) > 0 &&
           BN_bn2lebinpad(ECDSA_SIG_get0_s(signature), report->signature_s,
                          sizeof(report->signature_s)) > 0;
    ECDSA_SIG_free(signature);
    return fits;
}

MUST_CHECK static bool sign(struct snp_report *report, EVP_PKEY *vcek)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t der[128]; /* a P-384 signature is at most 104 bytes */
    size_t size = sizeof(der);
    bool is_signed;

    is_signed =
        context && EVP_DigestSignInit(context, NULL, EVP_sha384(), NULL, vcek) == 1 &&
        EVP_DigestSign(context, der, &size, (const uint8_t *)report, REPORT_SIGNED_SIZE) == 1 &&
        put_signature(report, der, size);
    EVP_MD_CTX_free(context);
    return is_signed;
}

bool attestation_report_make(const struct chip *chip, const struct guest_context *guest,
                             const struct msg_report_req *request, struct snp_report *report)
{
    *report = (struct snp_report){
        .version = REPORT_VERSION,
        .vmpl = request->vmpl,
        .signature_algo = SIGNATURE_ALGO_ECDSA_P384,
    };
    memcpy(report->report_data, request->report_data, sizeof(report->report_data));
    put_guest(report, guest);
    put_platform(report, chip);
    return sign(report, chip->vcek);
}
