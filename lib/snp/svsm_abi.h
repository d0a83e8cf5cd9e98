/* SPDX-License-Identifier: MIT */
/* The calls an SVSM serves to its guest (SVSM specification 58019 rev. 1.00). */
#ifndef SNPVTPM_LIB_SNP_SVSM_ABI_H
#define SNPVTPM_LIB_SNP_SVSM_ABI_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* The calling area, one page of guest memory for each vCPU (section 5). */
struct svsm_caa {
    uint8_t call_pending;
    uint8_t mem_available;
    uint8_t reserved[6];
    uint8_t buffer[4088];
};

static_assert(sizeof(struct svsm_caa) == 0x1000, "CAA");

/* RAX of a call: protocol in [63:32], call in [31:0]. */
enum svsm_protocol {
    SVSM_PROTOCOL_CORE = 0,
    SVSM_PROTOCOL_ATTEST = 1,
    SVSM_PROTOCOL_VTPM = 2,
};

enum svsm_core_call {
    SVSM_CORE_REMAP_CA = 0,
    SVSM_CORE_PVALIDATE = 1,
    SVSM_CORE_CREATE_VCPU = 2,
    SVSM_CORE_DELETE_VCPU = 3,
    SVSM_CORE_DEPOSIT_MEM = 4,
    SVSM_CORE_WITHDRAW_MEM = 5,
    SVSM_CORE_QUERY_PROTOCOL = 6,
    SVSM_CORE_CONFIGURE_VTOM = 7,
};

enum svsm_attest_call {
    SVSM_ATTEST_SERVICES = 0,
    SVSM_ATTEST_SINGLE_SERVICE = 1,
};

enum svsm_vtpm_call {
    SVSM_VTPM_QUERY = 0,
    SVSM_VTPM_CMD = 1,
};

/* Result codes in RAX (section 6). */
enum svsm_result {
    SVSM_SUCCESS = 0,
    SVSM_ERR_INCOMPLETE = 0x80000000u,
    SVSM_ERR_UNSUPPORTED_PROTOCOL = 0x80000001u,
    SVSM_ERR_UNSUPPORTED_CALL = 0x80000002u,
    SVSM_ERR_INVALID_ADDRESS = 0x80000003u,
    SVSM_ERR_INVALID_FORMAT = 0x80000004u,
    SVSM_ERR_INVALID_PARAMETER = 0x80000005u,
    SVSM_ERR_INVALID_REQUEST = 0x80000006u,
    SVSM_ERR_BUSY = 0x80000007u,
    SVSM_ERR_PROTOCOL = 0x80001000u, /* + protocol-specific code */
};

/* Protocol-specific part of a PVALIDATE result when the page already was in the asked state. */
#define SVSM_PVALIDATE_UNCHANGED 0x10u

/* PVALIDATE list (section 7.2). */
struct svsm_pvalidate_list {
    uint16_t entries;
    uint16_t next;
    uint32_t reserved;
};

#define SVSM_PVALIDATE_SIZE_MASK 0x3ull /* 0: 4 KiB, 1: 2 MiB */
#define SVSM_PVALIDATE_ACTION    (1ull << 2)
#define SVSM_PVALIDATE_IGNORE_CF (1ull << 3)
#define SVSM_PVALIDATE_RESERVED  0xFF0ull

/* vTPM protocol (chapter 8). */
#define SVSM_VTPM_SEND_COMMAND    8
#define SVSM_VTPM_REQUEST_HEADER  9 /* u32 platform command, u8 locality, u32 size */
#define SVSM_VTPM_RESPONSE_HEADER 4 /* u32 size */
#define SVSM_VTPM_BUFFER_SIZE     0x1000

#endif
