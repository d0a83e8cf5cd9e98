/* SPDX-License-Identifier: MIT */
/* The VMM's side of the AMD-SP's mailbox (amd-sp/mailbox.h). */
#ifndef SNPVTPM_EMULATOR_VMM_SP_CLIENT_H
#define SNPVTPM_EMULATOR_VMM_SP_CLIENT_H

#include "emulator/platform/host.h"
#include "lib/snp/guest_message.h"

/* Tells the AMD-SP where the mailbox is. */
void sp_init(void);

enum snp_status sp_launch_start(uint64_t policy);

/* Queues one range of pages, consecutive in GPA and in the machine's memory. A queue that is full
 * is sent first; sp_flush sends the rest. Ends the machine when the AMD-SP refuses a page. */
void sp_launch_update(enum snp_page_type type, uint64_t gpa, hpa_t first, size_t pages);
void sp_flush(void);

/* id_block: a page with the ID block, the next with the ID authentication information; or none. */
enum snp_status sp_launch_finish(const hpa_t *id_block, bool author_key);

enum snp_status sp_guest_request(hpa_t request, hpa_t response);

/* The host's certificates for the extended guest request, to pages of the machine's memory.
 * *pages: room on entry, need on return. */
enum snp_status sp_certificates(hpa_t buffer, size_t *pages);

#endif
