/* SPDX-License-Identifier: MIT */
/*
 * The parameter page that the IGVM builder writes and the SVSM reads at start.
 *
 * It is a NORMAL page of the launch image, so all of it is measured: the SVSM may trust it. What
 * the host chooses (vCPU count, memory map) is in other, unmeasured pages that this one points to.
 * The SVSM finds it through RSI of its initial VMSA. All GPAs are page-aligned.
 */
#ifndef SNPVTPM_LIB_BOOT_BOOT_PARAMS_H
#define SNPVTPM_LIB_BOOT_BOOT_PARAMS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOOT_PARAMS_MAGIC   0x4D535653u /* "SVSM" */
#define BOOT_PARAMS_VERSION 3
#define BOOT_PARAMS_OLDEST  2 /* since then, each version has only added to the end */

#define BOOT_SERVICES_MAX 4
#define BOOT_SECTIONS_MAX 24
#define BOOT_SERVICE_NAME 16

/* A service: a static ELF file, stored whole and page-aligned inside the SVSM region. */
struct boot_service {
    char name[BOOT_SERVICE_NAME]; /* NUL-terminated; "attest" or "tpm" */
    uint64_t gpa;
    uint64_t size; /* bytes of the ELF file; the rest of its last page is zero */
};

/* Section types: those of OVMF's ASEV and IGVM descriptors (edk2 OvmfSevMetadata, IgvmMetadata). */
enum boot_section_type {
    BOOT_SECTION_SEC_MEM = 1,
    BOOT_SECTION_SECRETS = 2,
    BOOT_SECTION_CPUID = 3,
    BOOT_SECTION_SVSM_CAA = 4,
    BOOT_SECTION_KERNEL_HASHES = 0x10,
    BOOT_SECTION_IGVM_PARAMETER = 0x100,
    BOOT_SECTION_IGVM_MEMORY_MAP = 0x101, /* gpa already resolved by the builder */
    BOOT_SECTION_IGVM_VP_COUNT = 0x102,
    BOOT_SECTION_IGVM_HOB = 0x200,
};

struct boot_section {
    uint64_t gpa; /* byte address for 0x101 and 0x102, page-aligned otherwise */
    uint32_t size;
    uint32_t type; /* enum boot_section_type */
};

#define BOOT_KBS_PINS_MAX 4
#define BOOT_KBS_REQUIRE_SIGNED                                                                    \
    1u /* a key comes with a release record signed under a pin, or not at all */

/* A key of the KBS (lib/release/record.h): X and Y on P-384, big-endian. */
struct boot_kbs_pin {
    uint8_t kid[16];
    uint8_t point[96];
};

/* Whom the SVSM believes a state key. */
struct boot_kbs {
    uint32_t flags; /* BOOT_KBS_* */
    uint32_t pin_count;
    uint8_t volume_id[16]; /* all zeros: the volume that the KBS has for this image */
    struct boot_kbs_pin pins[BOOT_KBS_PINS_MAX];
};

static_assert(sizeof(struct boot_kbs) == 24 + 4 * 112, "KBS parameters");

/* PCR banks, as EFI_TCG2_EVENT_ALGORITHM_BITMAP of the TCG's EFI protocol specification has them.
 */
#define BOOT_PCR_BANK_SHA1   0x1u
#define BOOT_PCR_BANK_SHA256 0x2u
#define BOOT_PCR_BANK_SHA384 0x4u
#define BOOT_PCR_BANK_SHA512 0x8u
#define BOOT_PCR_BANKS_ALL   0xFu

struct boot_params {
    uint32_t magic;
    uint32_t version;
    uint64_t region_gpa; /* all memory of the SVSM */
    uint64_t region_size;
    uint64_t loaded_end_gpa; /* region pages below this are loaded and validated by the launch */
    uint64_t cpuid_gpa;
    uint64_t secrets_gpa;
    uint64_t general_params_gpa; /* host-chosen: u32 VP_COUNT, u32 ENVIRONMENT_INFO */
    uint64_t memory_map_gpa;     /* host-chosen: IGVM memory map, one page */
    uint64_t firmware_gpa;       /* 0: no guest firmware */
    uint64_t firmware_size;
    uint64_t reset_vector; /* where the guest starts, 0xFFFFFFF0 */
    uint32_t guest_vmpl;
    uint16_t console_port; /* I/O base of the log's UART */
    uint16_t proxy_port;   /* I/O base of the attestation proxy's UART */
    uint32_t service_count;
    uint32_t section_count;
    struct boot_service services[BOOT_SERVICES_MAX];
    struct boot_section sections[BOOT_SECTIONS_MAX];
    struct boot_kbs kbs;
    uint32_t pcr_banks; /* BOOT_PCR_BANK_*; 0: those that the TPM has */
    uint32_t reserved;
};

static_assert(offsetof(struct boot_params, services) == 0x68, "boot parameters");
static_assert(sizeof(struct boot_params) <= 0x1000, "boot parameters");

/* Whether a tool can read them: those of older images, too. The SVSM takes its own version only. */
static inline bool boot_params_are_readable(const struct boot_params *params)
{
    return params->magic == BOOT_PARAMS_MAGIC && params->version >= BOOT_PARAMS_OLDEST &&
           params->version <= BOOT_PARAMS_VERSION;
}

#endif
