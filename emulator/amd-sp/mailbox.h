/* SPDX-License-Identifier: MIT */
/*
 * How the emulated machine and its AMD-SP talk.
 *
 * The AMD-SP is a process of the host that maps the machine's RAM file, as the real one is a
 * separate processor with DMA. Commands stand in one page of that RAM; a byte stream (a serial port
 * of the machine, a unix socket on the host) rings the doorbell. All integers are little-endian;
 * every address is an offset into the RAM file ("SPA" of this platform).
 *
 * Stream, machine to AMD-SP: 'M' then u64 offset of the mailbox page (once, first); 'G': run the
 * commands. AMD-SP to machine: 'D' when all of them are done ('E' on a malformed mailbox). The end
 * of the stream ends the process.
 *
 * Command identifiers, order of checks and status codes are the SNP firmware's (56860, chapter 8).
 * Memory ownership is not checked here: the RMP belongs to the CPU part of the emulator.
 */
#ifndef SNPVTPM_EMULATOR_AMD_SP_MAILBOX_H
#define SNPVTPM_EMULATOR_AMD_SP_MAILBOX_H

#include <assert.h>
#include <stdint.h>

#define SP_MAILBOX_MAGIC    0x424D5053u /* "SPMB" */
#define SP_MAILBOX_COMMANDS 63

enum sp_command_id {
    SP_SNP_DECOMMISSION = 0x90,    /* arg0 gctx */
    SP_SNP_GCTX_CREATE = 0x93,     /* out: arg0 gctx (a small handle) */
    SP_SNP_GUEST_REQUEST = 0x94,   /* arg0 gctx, arg1 request page, arg2 response page */
    SP_SNP_LAUNCH_START = 0xA0,    /* arg0 gctx, arg1 policy, arg2 CPUID Fn1 EAX of the machine */
    SP_SNP_LAUNCH_UPDATE = 0xA1,   /* arg0 gctx, arg1 page type (enum snp_page_type), arg2 GPA,
                                      arg3 first page, arg4 number of 4 KiB pages (consecutive in
                                      GPA and SPA), arg5 VMPL1 | VMPL2 << 8 | VMPL3 << 16
                                      permission masks. SECRETS: the page is written. CPUID: the
                                      page is checked */
    SP_SNP_LAUNCH_FINISH = 0xA2,   /* arg0 gctx, arg1 ID block page or ~0 (96 bytes at 0, ID auth
                                      information in the following page), arg2 HOST_DATA (32 bytes
                                      at this offset) or ~0, arg3 bit 0 AUTHOR_KEY_EN. Out: nothing;
                                      the digest is in reports */
    SP_HOST_CERTIFICATES = 0x1000, /* not of the firmware, but of the host's certificate store:
                                      arg0 buffer, arg1 its pages. Out: arg1 pages needed; status
                                      SNP_RESOURCE_LIMIT when they did not fit. The certificate
                                      table of the extended guest request */
};

struct sp_command {
    uint32_t id;
    uint32_t status; /* out: enum snp_status */
    uint64_t arg[7];
};

struct sp_mailbox {
    uint32_t magic;
    uint32_t count; /* commands to run, in order; the first failure stops the run */
    uint32_t done;  /* out: commands run, the failed one included */
    uint32_t cbit;  /* C-bit position that CPUID pages must state */
    uint8_t reserved[0x30];
    struct sp_command commands[SP_MAILBOX_COMMANDS];
};

static_assert(sizeof(struct sp_command) == 0x40, "mailbox");
static_assert(sizeof(struct sp_mailbox) == 0x1000, "mailbox");

#define SP_DOORBELL_MAILBOX   'M'
#define SP_DOORBELL_GO        'G'
#define SP_DOORBELL_DONE      'D'
#define SP_DOORBELL_MALFORMED 'E'

#endif
