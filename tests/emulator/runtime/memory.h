/* SPDX-License-Identifier: MIT */
/*
 * The guest's memory. GPAs below 4 GiB are mapped twice: privately (C=1) at their own value, which
 * is what pointers hold unless said otherwise, and shared (C=0) SHARED_VIEW higher. Pages are
 * handed out once and never given back.
 */
#ifndef SNPVTPM_TESTS_EMULATOR_RUNTIME_MEMORY_H
#define SNPVTPM_TESTS_EMULATOR_RUNTIME_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/boot/boot_params.h"
#include "lib/snp/cpuid_page.h"
#include "lib/snp/page.h"
#include "lib/snp/secrets_page.h"

#define SHARED_VIEW 0x100000000ull
/* Beyond both views nothing is mapped. */
#define UNMAPPED 0x8000000000ull
/* Memory-mapped I/O that every PC has. */
#define LOCAL_APIC 0xFEE00000ull

/* What `igvm build` in meson.build is told. */
#define GUEST_BASE        0x2000000ull
#define GUEST_REGION_SIZE 0x2000000ull

/* The memory of the machine outside the guest's region, which belongs to the host at start. */
#define HOST_MEMORY 0x1800000ull

/* The guest ends with a message when its parameters are not what it was built for. */
void memory_init(const struct boot_params *params);

extern const struct boot_params *boot_params;
const struct cpuid_page *cpuid_page(void);
/* The entry of a leaf (ECX 0) in the CPUID page; the guest ends when there is none. */
const struct cpuid_entry *cpuid_find(uint32_t leaf);
const struct secrets_page *secrets_page(void);

static inline uint64_t gpa_of(const volatile void *pointer)
{
    return (uint64_t)pointer & (SHARED_VIEW - 1);
}

static inline void *shared_view(const volatile void *private_pointer)
{
    return (void *)((uint64_t)private_pointer | SHARED_VIEW);
}

static inline void *private_view(const volatile void *shared_pointer)
{
    return (void *)gpa_of(shared_pointer);
}

/* The n-th 4 KiB page of a larger range. */
static inline void *nth_page(void *range, size_t n)
{
    return (uint8_t *)range + n * PAGE_SIZE;
}

/* A page that the guest owns: 4 KiB in the RMP, not validated. */
void *fresh_page(void);
/* The same, validated and zeroed. */
void *valid_page(void);
/* 2 MiB that the guest owns as one entry of the RMP, not validated. */
void *fresh_large_page(void);
/* A page of the host's, in the shared view. */
void *host_page(void);
/* 2 MiB of the host's, in the shared view. */
void *host_large_page(void);

/* Reads and writes of one word, each as an attempt. */
uint64_t try_read(const volatile void *word);
void try_write(volatile void *word, uint64_t value);
/* Calls the code at an address, as an attempt. */
void try_call(const void *code);
#define RET_OPCODE 0xC3

#endif
