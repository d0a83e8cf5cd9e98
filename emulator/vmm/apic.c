/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/apic.h"

#include "emulator/platform/cpus.h"
#include "emulator/platform/memory.h"

#define MSR_APIC_BASE   0x1Bu
#define MSR_X2APIC_ICR  0x830u
#define APIC_BASE_MASK  0xFFFFFF000ull
#define APIC_ID         0x020u
#define APIC_LDR        0x0D0u
#define APIC_ICR        0x300u
#define APIC_ICR_HIGH   0x310u
#define BROADCAST       0xFFu
#define X2APIC_EVERYONE 0xFFFFFFFFu

/* The interrupt command register (APM vol. 2, 16.5). */
#define ICR_MODE(icr)      ((icr) >> 8 & 7)
#define ICR_LOGICAL        (1u << 11)
#define ICR_ASSERT         (1u << 14)
#define ICR_LEVEL          (1u << 15)
#define ICR_SHORTHAND(icr) ((icr) >> 18 & 3)

enum { MODE_SMI = 2, MODE_NMI = 4, MODE_INIT = 5, MODE_STARTUP = 6 };
enum { TO_DESTINATION = 0, TO_SELF = 1, TO_ALL = 2, TO_OTHERS = 3 };

/* The logical destinations of xAPIC mode, flat model, as each CPU's guest wrote them. */
static uint8_t flat_destinations[HOST_CPUS_MAX];

static uint32_t every_processor(void)
{
    return (1u << host_cpu_count()) - 1;
}

static uint32_t self(void)
{
    return 1u << host_cpu_index();
}

static enum apic_kind kind_of(uint32_t icr)
{
    switch (ICR_MODE(icr)) {
    case MODE_SMI:
        return APIC_DROPPED;
    case MODE_NMI:
        return APIC_NMI;
    case MODE_INIT:
        return (icr & ICR_LEVEL) && !(icr & ICR_ASSERT) ? APIC_DEVICE : APIC_INIT;
    case MODE_STARTUP:
        return APIC_STARTUP;
    default:
        return APIC_DEVICE;
    }
}

static struct apic_command command(uint32_t icr, uint32_t destinations)
{
    const uint32_t targets[] = {[TO_DESTINATION] = destinations,
                                [TO_SELF] = self(),
                                [TO_ALL] = every_processor(),
                                [TO_OTHERS] = every_processor() & ~self()};

    return (struct apic_command){kind_of(icr), targets[ICR_SHORTHAND(icr)]};
}

static uint32_t with_id(uint32_t id)
{
    return id < host_cpu_count() ? 1u << id : 0;
}

static uint32_t with_flat_destination(uint8_t bits)
{
    uint32_t found = 0;

    for (unsigned i = 0; i < host_cpu_count(); i++)
        if (flat_destinations[i] & bits)
            found |= 1u << i;
    return found;
}

/* xAPIC mode: the destination is in the other half of the register. */
static struct apic_command xapic_command(uint64_t base, uint32_t icr)
{
    const volatile uint32_t *high = memory_mmio(base + APIC_ICR_HIGH);
    uint32_t destination = *high >> 24;

    if (icr & ICR_LOGICAL)
        return command(icr, with_flat_destination((uint8_t)destination));
    return command(icr, destination == BROADCAST ? every_processor() : with_id(destination));
}

struct apic_command apic_mmio_command(uint64_t address, uint64_t value)
{
    struct apic_command device = {APIC_DEVICE, 0};
    uint64_t base;

    if (!host_rdmsr(MSR_APIC_BASE, &base))
        return device;
    base &= APIC_BASE_MASK;
    if (address == base + APIC_ICR)
        return xapic_command(base, (uint32_t)value);
    if (address == base + APIC_ID)
        return (struct apic_command){APIC_DROPPED, 0};
    if (address == base + APIC_LDR)
        flat_destinations[host_cpu_index()] = (uint8_t)(value >> 24);
    return device;
}

/* x2APIC mode: logical destinations are a cluster of 16, and bits for its members (16.14). */
struct apic_command apic_msr_command(uint32_t msr, uint64_t value)
{
    uint32_t destination = (uint32_t)(value >> 32);

    if (msr != MSR_X2APIC_ICR)
        return (struct apic_command){APIC_DEVICE, 0};
    if (destination == X2APIC_EVERYONE)
        return command((uint32_t)value, every_processor());
    if (value & ICR_LOGICAL)
        return command((uint32_t)value, destination >> 16 ? 0 : destination & every_processor());
    return command((uint32_t)value, with_id(destination));
}
