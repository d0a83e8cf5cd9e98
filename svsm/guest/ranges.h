/* SPDX-License-Identifier: MIT */
/*
 * Which guest-physical memory belongs to the guest. Every address that a request names passes here
 * before anything else happens with it (58019, section 4; threats: a guest that makes the SVSM
 * touch its own memory, a VMSA, or another vCPU's calling area).
 */
#ifndef SNPVTPM_SVSM_GUEST_RANGES_H
#define SNPVTPM_SVSM_GUEST_RANGES_H

#include "svsm/base/address.h"
#include "svsm/mm/lock.h"
#include "svsm/params/memory_map.h"

/* Records of vCPUs: of each processor, what the firmware made and what kernels made after it. */
#define GUEST_VCPUS_MAX 32

#define GUEST_PAGE_LOCKS 16

/*
 * A vCPU that the SVSM let the guest have: its save area and its calling area. The calling area of
 * the secrets page stays one after the guest has moved on: a kernel that is started by another
 * (kexec) knows no other.
 */
struct guest_vcpu {
    gpa_t vmsa, caa, launch_caa;
    uint32_t apic_id;
    bool in_use;
    bool current; /* the newest of its APIC ID: the one that is served */
    bool served;  /* a call of it is being served; its registers hold still, it cannot be deleted */
};

struct guest_ranges {
    struct memory_map memory; /* the guest's: without the SVSM's region, with the firmware */
    struct guest_vcpu vcpus[GUEST_VCPUS_MAX];
    bool several; /* there is, or was, more than one vCPU */
    /*
     * Over the vCPUs. Whoever relies on what a page is holds it: to read for an access or a change
     * of the page's state, to write for making a VMSA or a calling area of it.
     */
    struct shared_lock lock;
    struct lock page_locks[GUEST_PAGE_LOCKS]; /* by 2 MiB, for changes of a page's state */
};

/* Sets the locks up; the rest is for the caller to fill in. */
void guest_ranges_init(struct guest_ranges *guest);

/* The lock of a page's 2 MiB. */
struct lock *guest_page_lock(struct guest_ranges *guest, gpa_t page);

/* The vCPU of this APIC ID that is served, or NULL. Under the lock. */
struct guest_vcpu *guest_current_vcpu(struct guest_ranges *guest, uint32_t apic_id);

/* The bytes of a calling area that only the vCPU and the SVSM may change. */
#define CAA_PROTECTED_SIZE 8

/* Under the lock, both. For reading and writing: guest memory, no VMSA, no protected bytes of a
 * calling area. */
MUST_CHECK bool guest_range_ok(const struct guest_ranges *guest, gpa_t start, uint64_t size);

/*
 * For changing the state of whole pages, or making them a VMSA or calling area: guest memory,
 * aligned to size (4 KiB or 2 MiB), no VMSA and no calling area in it.
 */
MUST_CHECK bool guest_pages_ok(const struct guest_ranges *guest, gpa_t start, uint64_t size);

#endif
