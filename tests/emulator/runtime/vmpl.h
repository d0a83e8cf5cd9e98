/* SPDX-License-Identifier: MIT */
/* Code in other VMPLs: made at VMPL0, where its memory and tables are this image's. */
#ifndef SNPVTPM_TESTS_EMULATOR_RUNTIME_VMPL_H
#define SNPVTPM_TESTS_EMULATOR_RUNTIME_VMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/snp/page.h"
#include "lib/snp/vmsa.h"

/* RUN_VMPL by the MSR protocol: the whole response, seen when the caller runs again. */
uint64_t run_vmpl(unsigned vmpl);

/* SW_EXITINFO1 of AP_CREATION. */
enum ap_creation { AP_CREATE_ON_INIT = 0, AP_CREATE = 1, AP_DESTROY = 2 };
uint64_t ap_request(enum ap_creation kind, unsigned vmpl, uint32_t apic_id);

/* AP_CREATION of a VMSA for this CPU; true when the host took it. */
bool ap_create(unsigned vmpl, const struct vmsa *vmsa);

/* A page with the state in which code in another VMPL starts, not a VMSA page yet. */
struct vmsa *vmpl_new_vmsa(unsigned vmpl);

/* Marks or unmarks a page as VMSA, without rights for any VMPL but 0. */
void vmpl_mark_vmsa(struct vmsa *vmsa, bool is_vmsa);

/* The VMSA that vmpl_call() uses. The first time it makes one and opens this image to the VMPL. */
struct vmsa *vmpl_vmsa(unsigned vmpl);

/* Runs a function in another VMPL and returns when it does. From VMPL0. */
void vmpl_call(unsigned vmpl, void (*function)(void));

/* Inside such a function: stops here and goes on with the next vmpl_resume(). */
void vmpl_pause(void);
void vmpl_resume(unsigned vmpl);

#endif
