/* SPDX-License-Identifier: MIT */
/* What the assembly and the C of the guest runtime both know. */
#ifndef SNPVTPM_TESTS_EMULATOR_RUNTIME_SEGMENTS_H
#define SNPVTPM_TESTS_EMULATOR_RUNTIME_SEGMENTS_H

#define SELECTOR_CODE      0x08
#define SELECTOR_DATA      0x10
#define SELECTOR_USER_DATA 0x1B
#define SELECTOR_USER_CODE 0x23
#define SELECTOR_TSS       0x28

/* What the entry code writes to unpaged_word before it turns paging on. */
#define UNPAGED_WORD 0x600D1DEA

#endif
