/* SPDX-License-Identifier: MIT */
/*
 * The reverse map table: who owns each page of the machine, and what each VMPL may do with it
 * (APM vol. 2, 15.36.3 to 15.36.12).
 *
 * The VMM changes ownership (the RMPUPDATE and PSMASH side), the guest changes validation and
 * permissions (PVALIDATE, RMPADJUST). Every change is told to the one who follows this table: the
 * nested page tables (cpu/npt.h), which are a pure function of the guest's memory map and of it.
 */
#ifndef SNPVTPM_EMULATOR_CPU_RMP_H
#define SNPVTPM_EMULATOR_CPU_RMP_H

#include "emulator/cpu/guest_memory.h"
#include "lib/snp/page.h"

enum rmp_flag {
    RMP_ASSIGNED = 1u << 0,
    RMP_VALIDATED = 1u << 1,
    RMP_VMSA = 1u << 2,
    RMP_LARGE = 1u << 3,  /* one of the 512 pages of a 2 MiB entry */
    RMP_TABLE = 1u << 4,  /* not of the architecture, as RMP_CODE: rmp_expose() */
    RMP_IN_USE = 1u << 5, /* the VMSA that a CPU runs from: RMPUPDATE gives FAIL_INUSE */
    RMP_CODE = 1u << 6,
};

struct rmp_entry {
    gpa_t gpa;
    uint8_t flags;
    uint8_t permissions[VMPL_COUNT]; /* enum rmp_permission; [0] is always RMP_ALL when assigned */
};

/* What is told of each change: the page, or the aligned 2 MiB range, that is another one now. */
typedef void rmp_changed(gpa_t page, bool large);

void rmp_init(rmp_changed *changed);

/* The entry of the page that backs a GPA, or NULL when the GPA is not RAM. Read-only. */
const struct rmp_entry *rmp_find(gpa_t address);

/* RMPUPDATE: gives the page(s) to the guest, not validated. False: the address is not aligned to
 * the size, a 2 MiB range is not backed by 2 MiB of consecutive memory, or a page is in use. */
MUST_CHECK bool rmp_assign(gpa_t address, bool large);
/* RMPUPDATE: takes the page(s) back; they become hypervisor-owned, that is, shared. */
MUST_CHECK bool rmp_unassign(gpa_t address, bool large);
/* Whether the page, or each page of the range, is assigned (or not); false where it is not RAM. */
bool rmp_all(gpa_t address, bool large, bool assigned);
/* Whether an aligned 2 MiB range has entries that say the same, each of its own page. */
bool rmp_uniform(gpa_t address);
/* PSMASH of the 2 MiB entry around address; nothing happens to 4 KiB entries. */
void rmp_psmash(gpa_t address);
/* Marks the VMSA that a CPU runs from, from VMRUN on and until that CPU runs from another one. */
void rmp_set_in_use(gpa_t vmsa, bool in_use);
/* What SNP_LAUNCH_UPDATE leaves: assigned, validated, VMSA for that type; VMPL1-3 no rights. */
void rmp_launch(gpa_t address, enum snp_page_type type);

/*
 * Lets the MMU below reach a guest-owned page through the shared view, as RMP_TABLE or RMP_CODE.
 * Hardware walks page tables and fetches instructions privately whatever the C-bits on the way say
 * (APM 15.34), and OVMF relies on both; this MMU takes them at their word. The price: a C=0 data
 * access to a page that was once used so is not caught, with RMP_CODE if it reads. Lasts until the
 * page changes hands.
 */
void rmp_expose(gpa_t page, enum rmp_flag as);

/* PVALIDATE and RMPADJUST on guest-owned pages; *unchanged is the carry flag. */
enum rmp_status rmp_pvalidate(gpa_t address, bool large, bool validate, bool *unchanged);
enum rmp_status rmp_adjust(gpa_t address, bool large, unsigned caller_vmpl, uint64_t rdx);

/* May this VMPL do this with the page, privately? Guest-owned, right GPA, validated, permitted. */
bool rmp_allows(gpa_t address, unsigned vmpl, enum rmp_permission access);

#endif
