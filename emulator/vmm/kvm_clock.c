/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/kvm_clock.h"

#include "emulator/vmm/vmm.h"

#define MSR_KVM_WALL_CLOCK_NEW  0x4b564d00u
#define MSR_KVM_SYSTEM_TIME_NEW 0x4b564d01u
#define SYSTEM_TIME_ENABLED     (1ull << 0)

#define FEATURE_CLOCKSOURCE2           (1u << 3)
#define FEATURE_CLOCKSOURCE_STABLE_BIT (1u << 24)
#define FLAG_TSC_STABLE                (1u << 0)

#define NANOSECONDS 1000000000ull

struct wall_clock {
    uint32_t version;              /* even: complete */
    uint32_t seconds, nanoseconds; /* since 1970, when system time was 0 */
};

struct system_time {
    uint32_t version, reserved;
    uint64_t tsc_timestamp;
    uint64_t system_time; /* nanoseconds at that TSC value */
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift; /* nanoseconds = (TSC << shift) * mul >> 32 */
    uint8_t flags;
    uint8_t reserved_1e[2];
};

static_assert(sizeof(struct system_time) == 32, "pvclock");

static uint64_t tsc_frequency, boot_tsc, boot_seconds;

static uint64_t read_tsc(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (uint64_t)high << 32;
}

/* The PIT's channel 2, counting down once: its output shows in port 0x61. */
#define PIT_FREQUENCY    1193182u
#define PIT_CHANNEL_2    0x42
#define PIT_COMMAND      0x43
#define PIT_MODE_0       0xB0 /* channel 2, both bytes, interrupt on terminal count */
#define GATE_PORT        0x61
#define GATE_ENABLE      0x01
#define GATE_SPEAKER     0x02
#define GATE_OUTPUT      0x20
#define MEASURE_FRACTION 50 /* of a second */
#define MEASURE_TRIES    10

/* What the TSC counted in one measurement, and how much of it may lie outside of the PIT's time. */
struct count {
    uint64_t ticks, doubt;
};

static struct count count_ticks(void)
{
    uint32_t pit = PIT_FREQUENCY / MEASURE_FRACTION;
    uint64_t before, asked, last, now, seen;

    out8(GATE_PORT, (uint8_t)((in8(GATE_PORT) & ~GATE_SPEAKER) | GATE_ENABLE));
    out8(PIT_COMMAND, PIT_MODE_0);
    out8(PIT_CHANNEL_2, (uint8_t)pit);
    before = read_tsc();
    out8(PIT_CHANNEL_2, (uint8_t)(pit >> 8));
    asked = last = now = read_tsc();
    while (!(in8(GATE_PORT) & GATE_OUTPUT)) {
        last = now;
        now = read_tsc();
    }
    seen = read_tsc();
    return (struct count){seen - before, asked - before + (seen - last)};
}

/* A busy host lets QEMU wait while the PIT runs, which shows as doubt: then it is tried again, and
 * the best one counts. */
static uint64_t measure_tsc(void)
{
    struct count best = {0, UINT64_MAX};

    for (unsigned tries = 0; tries < MEASURE_TRIES && best.doubt > best.ticks / 16; tries++) {
        struct count count = count_ticks();

        if (count.doubt < best.doubt)
            best = count;
    }
    return (best.ticks - best.doubt / 2) * MEASURE_FRACTION;
}

#define RTC_INDEX 0x70
#define RTC_DATA  0x71

/* A field of the real-time clock, which counts in BCD. */
static uint32_t rtc_field(uint8_t index)
{
    uint8_t bcd;

    out8(RTC_INDEX, index);
    bcd = in8(RTC_DATA);
    return (bcd >> 4) * 10u + (bcd & 0xF);
}

/* Seconds since 1970 of a date between 2000 and 2099. */
static uint64_t rtc_seconds(void)
{
    static const uint16_t days_before_month[] = {0,   31,  59,  90,  120, 151,
                                                 181, 212, 243, 273, 304, 334};
    uint32_t year = rtc_field(9), month = rtc_field(8), day = rtc_field(7);
    uint64_t days = 10957 + 365ull * year + (year + 3) / 4; /* 10957: 2000-01-01 */

    if (month < 1 || month > 12)
        return 0;
    days += days_before_month[month - 1] + day - 1 + (month > 2 && year % 4 == 0);
    return ((days * 24 + rtc_field(4)) * 60 + rtc_field(2)) * 60 + rtc_field(0);
}

void kvm_clock_init(void)
{
    tsc_frequency = measure_tsc();
    boot_seconds = rtc_seconds();
    boot_tsc = read_tsc();
}

struct cpuid_result kvm_clock_cpuid(uint32_t leaf)
{
    if (leaf == KVM_CPUID_SIGNATURE) /* "KVMKVMKVM" */
        return (struct cpuid_result){KVM_CPUID_FEATURES, 0x4b4d564b, 0x564b4d56, 0x4d};
    return (struct cpuid_result){.eax = FEATURE_CLOCKSOURCE2 | FEATURE_CLOCKSOURCE_STABLE_BIT};
}

/* The guest's structure, if all of it is in one shared page. */
static void *shared_structure(uint64_t address, size_t size)
{
    uint8_t *page = vmm_shared_page(gpa(address & PAGE_MASK));

    if (!page || (address & ~PAGE_MASK) + size > PAGE_SIZE)
        return NULL;
    return page + (address & ~PAGE_MASK);
}

static bool write_wall_clock(uint64_t address)
{
    struct wall_clock *to = shared_structure(address, sizeof(*to));

    if (to)
        *to = (struct wall_clock){.version = 2, .seconds = (uint32_t)boot_seconds};
    return to;
}

static bool write_system_time(uint64_t value)
{
    struct system_time *to = shared_structure(value & ~SYSTEM_TIME_ENABLED, sizeof(*to));
    struct system_time now = {.version = 2, .tsc_timestamp = boot_tsc, .flags = FLAG_TSC_STABLE};
    uint64_t mul;

    if (!(value & SYSTEM_TIME_ENABLED))
        return true;
    if (!to)
        return false;
    do
        mul = (NANOSECONDS << (32 - ++now.tsc_shift)) / tsc_frequency;
    while (mul > UINT32_MAX);
    now.tsc_to_system_mul = (uint32_t)mul;
    *to = now;
    return true;
}

bool kvm_clock_wrmsr(uint32_t msr, uint64_t value)
{
    switch (msr) {
    case MSR_KVM_WALL_CLOCK_NEW:
        return write_wall_clock(value);
    case MSR_KVM_SYSTEM_TIME_NEW:
        return write_system_time(value);
    default:
        return false;
    }
}
