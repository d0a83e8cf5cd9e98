/* SPDX-License-Identifier: MIT */
/* Guest messages between a VMPL and the AMD-SP (SNP firmware ABI 56860, chapter 7). */
#ifndef SNPVTPM_LIB_SNP_GUEST_MESSAGE_H
#define SNPVTPM_LIB_SNP_GUEST_MESSAGE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_MESSAGE_SIZE    0x1000
#define GUEST_MESSAGE_HEADER  0x60
#define GUEST_MESSAGE_PAYLOAD (GUEST_MESSAGE_SIZE - GUEST_MESSAGE_HEADER)
/* Bytes 0x30 to 0x5F of the header are the additional authenticated data. */
#define GUEST_MESSAGE_AAD_OFFSET 0x30
#define GUEST_MESSAGE_AAD_SIZE   0x30
#define GUEST_MESSAGE_TAG_SIZE   16
#define GUEST_MESSAGE_IV_SIZE    12 /* MSG_SEQNO as LE64, then four zero bytes */

#define GUEST_MESSAGE_ALGO_AES_256_GCM 1
#define GUEST_MESSAGE_HEADER_VERSION   1
#define GUEST_MESSAGE_VERSION          1

struct guest_message_header {
    uint8_t authtag[32];
    uint64_t msg_seqno;
    uint64_t reserved_28;
    uint8_t algo;
    uint8_t hdr_version;
    uint16_t hdr_size;
    uint8_t msg_type;
    uint8_t msg_version;
    uint16_t msg_size; /* bytes of payload */
    uint32_t reserved_38;
    uint8_t msg_vmpck;
    uint8_t reserved_3d[35];
};

static_assert(offsetof(struct guest_message_header, algo) == 0x30, "guest message");
static_assert(offsetof(struct guest_message_header, msg_vmpck) == 0x3C, "guest message");
static_assert(sizeof(struct guest_message_header) == GUEST_MESSAGE_HEADER, "guest message");

enum guest_message_type {
    MSG_CPUID_REQ = 1,
    MSG_CPUID_RSP = 2,
    MSG_KEY_REQ = 3,
    MSG_KEY_RSP = 4,
    MSG_REPORT_REQ = 5,
    MSG_REPORT_RSP = 6,
    MSG_TSC_INFO_REQ = 17,
    MSG_TSC_INFO_RSP = 18,
};

#define REPORT_DATA_SIZE 64

struct msg_report_req {
    uint8_t report_data[REPORT_DATA_SIZE];
    uint32_t vmpl;
    uint32_t key_sel; /* 0 VLEK if installed else VCEK, 1 VCEK, 2 VLEK */
    uint8_t reserved[24];
};

#define REPORT_SIZE 0x4A0

struct msg_report_rsp {
    uint32_t status;
    uint32_t report_size;
    uint8_t reserved[24];
    uint8_t report[REPORT_SIZE];
};

struct msg_key_req {
    uint32_t root_key_select; /* bit 0: 0 VCEK/VLEK, 1 VMRK; [2:1] KEY_SEL */
    uint32_t reserved;
    uint64_t guest_field_select;
    uint32_t vmpl;
    uint32_t guest_svn;
    uint64_t tcb_version;
};

struct msg_key_rsp {
    uint32_t status;
    uint8_t reserved[28];
    uint8_t key[32];
};

static_assert(sizeof(struct msg_report_req) == 0x60, "MSG_REPORT_REQ");
static_assert(sizeof(struct msg_report_rsp) == 0x4C0, "MSG_REPORT_RSP");
static_assert(sizeof(struct msg_key_req) == 0x20, "MSG_KEY_REQ");
static_assert(sizeof(struct msg_key_rsp) == 0x40, "MSG_KEY_RSP");

/* SW_EXITINFO2 of a guest request: firmware status [31:0], VMM error [63:32] (56421, 4.1.7). */
#define GUEST_REQUEST_VMM_ERROR_SHIFT 32
#define GUEST_REQUEST_INVALID_LEN     1u
#define GUEST_REQUEST_BUSY            2u
#define GUEST_REQUEST_GENERIC         0xFFFFFFFFu

/* Status codes of the SNP firmware (56860, "Status codes"). */
enum snp_status {
    SNP_SUCCESS = 0x00,
    SNP_INVALID_PLATFORM_STATE = 0x01,
    SNP_INVALID_GUEST_STATE = 0x02,
    SNP_POLICY_FAILURE = 0x07,
    SNP_INVALID_ADDRESS = 0x09,
    SNP_BAD_SIGNATURE = 0x0A,
    SNP_BAD_MEASUREMENT = 0x0B,
    SNP_INVALID_GUEST = 0x10,
    SNP_INVALID_COMMAND = 0x11,
    SNP_UNSUPPORTED = 0x15,
    SNP_INVALID_PARAM = 0x16,
    SNP_RESOURCE_LIMIT = 0x17,
    SNP_INVALID_PAGE_STATE = 0x1A,
    SNP_AEAD_OFLOW = 0x1D,
    SNP_INVALID_KEY = 0x27,
};

#endif
