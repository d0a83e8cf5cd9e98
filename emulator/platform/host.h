/* SPDX-License-Identifier: MIT */
/*
 * The machine below the hypervisor: physical memory, ports, MSRs, and how it is ended.
 *
 * The hypervisor runs with interrupts off, on each CPU (platform/cpus.h). All physical memory up to
 * 512 GiB is mapped at DIRECT_MAP; MMIO above that is reached through memory_mmio().
 */
#ifndef SNPVTPM_EMULATOR_PLATFORM_HOST_H
#define SNPVTPM_EMULATOR_PLATFORM_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "lib/freestanding/string.h"
#include "lib/snp/page.h"

#define DIRECT_MAP      0xffff800000000000ull
#define DIRECT_MAP_SIZE (512ull << 30)

/* A host-physical address ("SPA"), never to be mixed up with a guest's. */
typedef struct {
    uint64_t pa;
} hpa_t;

static inline hpa_t hpa(uint64_t pa)
{
    return (hpa_t){pa};
}

static inline void *host_ptr(hpa_t address)
{
    return (void *)(DIRECT_MAP + address.pa);
}

static inline hpa_t host_pa_of_direct(const void *p)
{
    return hpa((uint64_t)p - DIRECT_MAP);
}

static inline void out8(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline void out16(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline void out32(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline uint16_t in16(uint16_t port)
{
    uint16_t v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline uint32_t in32(uint16_t port)
{
    uint32_t v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

/* size is 1, 2 or 4 bytes */
static inline uint32_t host_in(uint16_t port, unsigned size)
{
    return size == 1 ? in8(port) : size == 2 ? in16(port) : in32(port);
}

static inline void host_out(uint16_t port, unsigned size, uint32_t value)
{
    if (size == 1)
        out8(port, (uint8_t)value);
    else if (size == 2)
        out16(port, (uint16_t)value);
    else
        out32(port, value);
}

struct cpuid_result {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid_result host_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_result r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t host_read_cr4(void)
{
    uint64_t v;
    __asm__ volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}

static inline void host_write_cr4(uint64_t v)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}

/* Orders memory accesses with what other processors see of them. */
static inline void host_memory_barrier(void)
{
    __asm__ volatile("mfence" : : : "memory");
}

/* Both return false when the CPU raised #GP. */
MUST_CHECK bool host_rdmsr(uint32_t msr, uint64_t *value);
MUST_CHECK bool host_wrmsr(uint32_t msr, uint64_t value);

/* Whether XSAVEC raises #UD. */
bool host_xsavec_traps(void);

/* From here on NMIs stay pending, but in the next one and in the guest. */
void host_hold_nmis(void);
/* Waits for an NMI, and takes it. */
void host_wait_nmi(void);

/* Installs the exception table: after relocation, before anything that may fault. */
void host_exceptions_init(void);

/* How the machine ends; start-cvm.sh reads these as QEMU's exit status (n << 1 | 1). */
enum host_exit {
    HOST_EXIT_GUEST_TERMINATED = 16, /* the guest asked for it (GHCB termination) */
    HOST_EXIT_GUEST_SHUTDOWN = 17,   /* triple fault */
    HOST_EXIT_GUEST_INVALID = 18,    /* a VMSA that cannot run, or an access nobody can serve */
    HOST_EXIT_LAUNCH_FAILED = 19,    /* bad IGVM file, launch refused by the AMD-SP */
    HOST_EXIT_INTERNAL = 20,         /* a fault or a limit of the hypervisor itself */
};

_Noreturn void host_exit(enum host_exit why);

/* Logs to the debug console (port 0x403). Knows %s %c %u %d %x %lx %lu and field
 * widths for hex. */
__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);
/* The same, only with trace=1 on the command line: each #VC and each VMGEXIT. */
extern bool host_trace;
#define trace_line(...)                                                                            \
    do {                                                                                           \
        if (host_trace)                                                                            \
            log_line(__VA_ARGS__);                                                                 \
    } while (0)

__attribute__((format(printf, 2, 3))) _Noreturn void die(enum host_exit why, const char *format,
                                                         ...);

#endif
