/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/apic.h"

#include "emulator/platform/memory.h"

#define MSR_APIC_BASE   0x1Bu
#define MSR_X2APIC_ICR  0x830u
#define APIC_BASE_MASK  0xFFFFFF000ull
#define APIC_ICR        0x300u
#define APIC_ICR_HIGH   0x310u
#define BROADCAST       0xFFu
#define X2APIC_EVERYONE 0xFFFFFFFFu
#define APIC_ID         0u

/* The interrupt command register (APM vol. 2, 16.5). */
#define ICR_MODE(icr)      ((icr) >> 8 & 7)
#define ICR_ASSERT         (1u << 14)
#define ICR_LEVEL          (1u << 15)
#define ICR_SHORTHAND(icr) ((icr) >> 18 & 3)

enum { MODE_SMI = 2, MODE_INIT = 5 };
enum { TO_DESTINATION = 0, TO_OTHERS = 3 };

static enum apic_command command(uint32_t icr, bool to_this_one)
{
    if (ICR_MODE(icr) == MODE_SMI)
        return APIC_DROPPED;
    if (ICR_MODE(icr) != MODE_INIT || ((icr & ICR_LEVEL) && !(icr & ICR_ASSERT)))
        return APIC_DEVICE;
    if (ICR_SHORTHAND(icr) == TO_OTHERS || (ICR_SHORTHAND(icr) == TO_DESTINATION && !to_this_one))
        return APIC_DROPPED;
    return APIC_INIT;
}

enum apic_command apic_mmio_command(uint64_t address, uint64_t value)
{
    volatile uint32_t *high;
    uint64_t base;
    uint32_t destination;

    if (!host_rdmsr(MSR_APIC_BASE, &base) || address != (base & APIC_BASE_MASK) + APIC_ICR)
        return APIC_DEVICE;
    high = memory_mmio((base & APIC_BASE_MASK) + APIC_ICR_HIGH);
    destination = *high >> 24;
    return command((uint32_t)value, destination == APIC_ID || destination == BROADCAST);
}

enum apic_command apic_msr_command(uint32_t msr, uint64_t value)
{
    uint32_t destination = (uint32_t)(value >> 32);

    if (msr != MSR_X2APIC_ICR)
        return APIC_DEVICE;
    return command((uint32_t)value, destination == APIC_ID || destination == X2APIC_EVERYONE);
}
