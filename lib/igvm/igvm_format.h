/* SPDX-License-Identifier: MIT */
/*
 * The IGVM file format, versions 1 and 2: constants and on-disk layouts.
 *
 * A file is the fixed header, then the variable headers, then file data. All integers are
 * little-endian and every file offset counts from byte 0 of the file. The structs match the bytes
 * on disk (x86-64 only); the field comments carry what the loaders demand. Usable in freestanding
 * code.
 */
#ifndef SNPVTPM_LIB_IGVM_IGVM_FORMAT_H
#define SNPVTPM_LIB_IGVM_IGVM_FORMAT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define IGVM_MAGIC            0x4D564749u /* "IGVM" */
#define IGVM_FORMAT_VERSION_1 1u
#define IGVM_FORMAT_VERSION_2 2u
#define IGVM_HEADER_ALIGNMENT 8u

struct igvm_fixed_header {
    uint32_t magic;
    uint32_t format_version;
    uint32_t variable_header_offset;
    uint32_t variable_header_size; /* includes the padding of the last header */
    uint32_t total_file_size;
    uint32_t checksum; /* CRC-32 of fixed (this field 0) and variable headers, not of file data */
};

static_assert(sizeof(struct igvm_fixed_header) == 24, "IGVM fixed header");

enum igvm_architecture {
    IGVM_ARCHITECTURE_X64 = 0,
    IGVM_ARCHITECTURE_AARCH64 = 1,
};

/* Version 2 says what version 1 implies: x86-64 and pages of 4096 bytes. */
struct igvm_fixed_header_2 {
    struct igvm_fixed_header common;
    uint32_t architecture; /* enum igvm_architecture */
    uint32_t page_size;    /* in bytes, of every structure that counts pages */
};

static_assert(sizeof(struct igvm_fixed_header_2) == 32, "IGVM fixed header, version 2");

/* Precedes the content of each variable header; zero padding follows to a multiple of 8. */
struct igvm_variable_header {
    uint32_t type;
    uint32_t length; /* of the content, without padding */
};

static_assert(sizeof(struct igvm_variable_header) == 8, "IGVM variable header");

/* Set in a type: who does not know the rest of it may skip the header. No known file has one. */
#define IGVM_OPTIONAL (1u << 31)

/* Three sections in this order: platforms, initialization, directives. */
enum igvm_header_type {
    IGVM_SUPPORTED_PLATFORM = 0x001,

    IGVM_GUEST_POLICY = 0x101,
    IGVM_RELOCATABLE_REGION = 0x102,
    IGVM_PAGE_TABLE_RELOCATION_REGION = 0x103,
    IGVM_CORIM_DOCUMENT = 0x104,
    IGVM_CORIM_SIGNATURE = 0x105,
    IGVM_CCA_POLICY = 0x106,

    IGVM_PARAMETER_AREA = 0x301,
    IGVM_PAGE_DATA = 0x302,
    IGVM_PARAMETER_INSERT = 0x303,
    IGVM_VP_CONTEXT = 0x304,
    IGVM_REQUIRED_MEMORY = 0x305,
    IGVM_VP_COUNT_PARAMETER = 0x307,
    IGVM_SRAT = 0x308,
    IGVM_MADT = 0x309,
    IGVM_MMIO_RANGES = 0x30A,
    IGVM_SNP_ID_BLOCK = 0x30B,
    IGVM_MEMORY_MAP = 0x30C,
    IGVM_ERROR_RANGE = 0x30D,
    IGVM_COMMAND_LINE = 0x30E,
    IGVM_SLIT = 0x30F,
    IGVM_PPTT = 0x310,
    IGVM_VBS_MEASUREMENT = 0x311,
    IGVM_DEVICE_TREE = 0x312,
    IGVM_ENVIRONMENT_INFO_PARAMETER = 0x313,
};

enum igvm_platform_type {
    IGVM_PLATFORM_NATIVE = 0,
    IGVM_PLATFORM_VSM_ISOLATION = 1,
    IGVM_PLATFORM_SEV_SNP = 2,
    IGVM_PLATFORM_TDX = 3,
    IGVM_PLATFORM_SEV = 4,
    IGVM_PLATFORM_SEV_ES = 5,
    IGVM_PLATFORM_CCA = 6,
    IGVM_PLATFORM_TYPES,
};

#define IGVM_PLATFORM_VERSION 1

struct igvm_supported_platform {
    uint32_t compatibility_mask; /* one bit, its own */
    uint8_t highest_vtl;
    uint8_t platform_type; /* enum igvm_platform_type, each at most once */
    uint16_t platform_version;
    uint64_t shared_gpa_boundary; /* SNP without vTOM: 0 */
};

static_assert(sizeof(struct igvm_supported_platform) == 16, "SUPPORTED_PLATFORM");

struct igvm_guest_policy {
    uint64_t policy; /* SNP guest policy */
    uint32_t compatibility_mask;
    uint32_t reserved;
};

static_assert(sizeof(struct igvm_guest_policy) == 16, "GUEST_POLICY");

/* Declares host-filled memory; it exists in the guest once a PARAMETER_INSERT deposits it. */
struct igvm_parameter_area {
    uint64_t number_of_bytes; /* multiple of 4096 */
    uint32_t parameter_area_index;
    uint32_t file_offset; /* initial contents; 0: zeros. QEMU always takes zeros */
};

static_assert(sizeof(struct igvm_parameter_area) == 16, "PARAMETER_AREA");

/* VP_COUNT, MEMORY_MAP, ENVIRONMENT_INFO and the others: what the loader writes, and where. */
struct igvm_parameter {
    uint32_t parameter_area_index;
    uint32_t byte_offset; /* QEMU ignores it for MEMORY_MAP: always the area's start */
};

static_assert(sizeof(struct igvm_parameter) == 8, "parameter usage");

struct igvm_parameter_insert {
    uint64_t gpa;
    uint32_t compatibility_mask;
    uint32_t parameter_area_index;
};

static_assert(sizeof(struct igvm_parameter_insert) == 16, "PARAMETER_INSERT");

enum igvm_page_flag {
    IGVM_PAGE_2MB = 1u << 0, /* no library supports it */
    IGVM_PAGE_UNMEASURED = 1u << 1,
    IGVM_PAGE_SHARED = 1u << 2, /* loaders disagree on it; Hyper-V's files have it */
};

enum igvm_page_data_type {
    IGVM_PAGE_NORMAL = 0,
    IGVM_PAGE_SECRETS = 1,
    IGVM_PAGE_CPUID_DATA = 2,
    IGVM_PAGE_CPUID_XF = 3,
};

struct igvm_page_data {
    uint64_t gpa;
    uint32_t compatibility_mask;
    uint32_t file_offset; /* of 4096 bytes; 0: a page of zeros */
    uint32_t flags;       /* enum igvm_page_flag */
    uint16_t data_type;   /* enum igvm_page_data_type */
    uint16_t reserved;
};

static_assert(sizeof(struct igvm_page_data) == 24, "PAGE_DATA");

/*
 * The file data depend on the platform. SNP: a VMSA page (lib/snp/vmsa.h); VSM_ISOLATION: the
 * number of registers, a u32, and so many of IGVM_VSM_REGISTER_SIZE; others: 4096 bytes.
 */
struct igvm_vp_context {
    uint64_t gpa;                /* SNP: VMSA_LAUNCH_GPA */
    uint32_t compatibility_mask; /* of one platform */
    uint32_t file_offset;        /* never 0 */
    uint16_t vp_index;           /* 0: the boot processor */
    uint16_t reserved;
} __attribute__((packed, aligned(4)));

static_assert(sizeof(struct igvm_vp_context) == 20, "VP_CONTEXT");

#define IGVM_VSM_REGISTER_SIZE 32u

enum igvm_required_memory_flag {
    IGVM_REQUIRED_VTL2_PROTECTABLE = 1u << 0, /* of no effect with SNP */
};

/* The range must exist and be private; neither measured nor validated. */
struct igvm_required_memory {
    uint64_t gpa;
    uint32_t compatibility_mask;
    uint32_t number_of_bytes; /* multiple of 4096 */
    uint32_t flags;           /* enum igvm_required_memory_flag */
    uint32_t reserved;
};

static_assert(sizeof(struct igvm_required_memory) == 24, "REQUIRED_MEMORY");

/* Where a guest that cannot start tells why; the host may read it. */
struct igvm_error_range {
    uint64_t gpa;
    uint32_t compatibility_mask;
    uint32_t number_of_bytes;
};

static_assert(sizeof(struct igvm_error_range) == 16, "ERROR_RANGE");

/* The types whose content nothing here needs but for its mask, which comes first. */
#define IGVM_RELOCATABLE_REGION_SIZE           48
#define IGVM_PAGE_TABLE_RELOCATION_REGION_SIZE 32
#define IGVM_CORIM_SIZE                        16
#define IGVM_CCA_POLICY_SIZE                   32
#define IGVM_VBS_MEASUREMENT_SIZE              864

/* The largest content of a known type. */
#define IGVM_CONTENT_MAX IGVM_VBS_MEASUREMENT_SIZE

struct igvm_ecdsa_p384_signature {
    uint8_t r[72]; /* little-endian, zero-extended */
    uint8_t s[72];
};

struct igvm_ecdsa_p384_public_key {
    uint32_t curve;    /* 2: P-384 */
    uint32_t reserved; /* not part of what is signed or hashed */
    uint8_t qx[72];    /* little-endian, zero-extended */
    uint8_t qy[72];
};

struct igvm_snp_id_block {
    uint32_t compatibility_mask;
    uint8_t author_key_enabled;
    uint8_t reserved[3];
    uint8_t ld[48];
    uint8_t family_id[16];
    uint8_t image_id[16];
    uint32_t version;
    uint32_t guest_svn;
    uint32_t id_key_algorithm; /* 1: ECDSA P-384 with SHA-384 */
    uint32_t author_key_algorithm;
    struct igvm_ecdsa_p384_signature id_key_signature;
    struct igvm_ecdsa_p384_public_key id_public_key;
    struct igvm_ecdsa_p384_signature author_key_signature;
    struct igvm_ecdsa_p384_public_key author_public_key;
};

static_assert(offsetof(struct igvm_snp_id_block, id_key_signature) == 0x068, "SNP_ID_BLOCK");
static_assert(offsetof(struct igvm_snp_id_block, author_public_key) == 0x220, "SNP_ID_BLOCK");
static_assert(sizeof(struct igvm_snp_id_block) == 696, "SNP_ID_BLOCK");

/* What the loader writes for a MEMORY_MAP parameter: sorted, ended by number_of_pages 0 or by the
   end of the area. */
struct igvm_memory_map_entry {
    uint64_t starting_gpa_page_number;
    uint64_t number_of_pages;
    uint16_t entry_type; /* enum igvm_memory_map_type */
    uint16_t flags;
    uint32_t reserved;
};

static_assert(sizeof(struct igvm_memory_map_entry) == 24, "memory map entry");

enum igvm_memory_map_type {
    IGVM_MEMORY = 0,
    IGVM_MEMORY_PLATFORM_RESERVED = 1,
    IGVM_MEMORY_PERSISTENT = 2,
};

/* What the loader writes for an ENVIRONMENT_INFO parameter. */
#define IGVM_ENVIRONMENT_MEMORY_IS_SHARED (1u << 0)

#endif
