/* SPDX-License-Identifier: MIT */
/* The attestation report (SNP firmware ABI 56860, table "ATTESTATION_REPORT"). */
#ifndef SNPVTPM_LIB_SNP_REPORT_H
#define SNPVTPM_LIB_SNP_REPORT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/snp/guest_message.h"

#define LAUNCH_DIGEST_SIZE 48
#define REPORT_SIGNED_SIZE 0x2A0
#define CHIP_ID_SIZE       64

struct snp_report {
    uint32_t version;
    uint32_t guest_svn;
    uint64_t policy;
    uint8_t family_id[16];
    uint8_t image_id[16];
    uint32_t vmpl;
    uint32_t signature_algo; /* 1: ECDSA P-384 with SHA-384 */
    uint64_t current_tcb;
    uint64_t platform_info;
    uint32_t key_info; /* 0 AUTHOR_KEY_EN, 1 MASK_CHIP_KEY, [4:2] SIGNING_KEY */
    uint32_t reserved_04c;
    uint8_t report_data[REPORT_DATA_SIZE];
    uint8_t measurement[LAUNCH_DIGEST_SIZE];
    uint8_t host_data[32];
    uint8_t id_key_digest[48];
    uint8_t author_key_digest[48];
    uint8_t report_id[32];
    uint8_t report_id_ma[32];
    uint64_t reported_tcb;
    uint8_t cpuid_fam_id, cpuid_mod_id, cpuid_step; /* version 3 on */
    uint8_t reserved_18b[21];
    uint8_t chip_id[CHIP_ID_SIZE];
    uint64_t committed_tcb;
    uint8_t current_build, current_minor, current_major, reserved_1eb;
    uint8_t committed_build, committed_minor, committed_major, reserved_1ef;
    uint64_t launch_tcb;
    uint64_t launch_mit_vector, current_mit_vector; /* version 5 on */
    uint8_t reserved_208[152];
    uint8_t signature_r[72]; /* little-endian, 48 significant bytes */
    uint8_t signature_s[72];
    uint8_t reserved_330[368];
};

static_assert(offsetof(struct snp_report, report_data) == 0x050, "report");
static_assert(offsetof(struct snp_report, measurement) == 0x090, "report");
static_assert(offsetof(struct snp_report, report_id) == 0x140, "report");
static_assert(offsetof(struct snp_report, reported_tcb) == 0x180, "report");
static_assert(offsetof(struct snp_report, chip_id) == 0x1A0, "report");
static_assert(offsetof(struct snp_report, launch_tcb) == 0x1F0, "report");
static_assert(offsetof(struct snp_report, signature_r) == REPORT_SIGNED_SIZE, "report");
static_assert(sizeof(struct snp_report) == REPORT_SIZE, "report");

#define SNP_POLICY_SMT          (1ull << 16)
#define SNP_POLICY_RESERVED_ONE (1ull << 17)
#define SNP_POLICY_MIGRATE_MA   (1ull << 18)
#define SNP_POLICY_DEBUG        (1ull << 19)
#define SNP_POLICY_DEFAULT      (SNP_POLICY_SMT | SNP_POLICY_RESERVED_ONE)

#endif
