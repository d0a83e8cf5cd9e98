/* SPDX-License-Identifier: MIT */
#include "svsm/process/clock.h"

#include <stdbool.h>

#include "svsm/arch/cpu.h"
#include "svsm/console/log.h"
#include "svsm/sev/ghcb_calls.h"

/* The PIT's channel 2, gated and read through the speaker port. */
#define PIT_COMMAND      0x43
#define PIT_CHANNEL_2    0x42
#define SPEAKER_PORT     0x61
#define COMMAND_ONE_SHOT 0xB0 /* channel 2, low then high byte, mode 0 */
#define SPEAKER_GATE     0x01
#define SPEAKER_OUTPUT   0x20
#define PIT_HZ           1193182u
#define MEASURE_MS       10
#define POLLS_MAX        100000

#define HZ_MIN     100000000ull
#define HZ_MAX     10000000000ull
#define HZ_ASSUMED 2000000000ull

static uint64_t hz = HZ_ASSUMED;
static uint64_t start;

static bool out(uint16_t port, uint8_t value)
{
    return ghcb_io_out(port, 1, value) == STATUS_OK;
}

static bool in(uint16_t port, uint32_t *value)
{
    return ghcb_io_in(port, 1, value) == STATUS_OK;
}

static bool wait_for_output(void)
{
    for (unsigned polls = 0; polls < POLLS_MAX; polls++) {
        uint32_t speaker;

        if (!in(SPEAKER_PORT, &speaker))
            return false;
        if (speaker & SPEAKER_OUTPUT)
            return true;
    }
    return false;
}

/* Ticks in MEASURE_MS, or 0 when the host's PIT does not work. */
static uint64_t measure(void)
{
    uint16_t count = PIT_HZ * MEASURE_MS / 1000;
    uint32_t speaker;
    uint64_t before;

    if (!in(SPEAKER_PORT, &speaker) || !out(SPEAKER_PORT, SPEAKER_GATE) ||
        !out(PIT_COMMAND, COMMAND_ONE_SHOT) || !out(PIT_CHANNEL_2, (uint8_t)count) ||
        !out(PIT_CHANNEL_2, (uint8_t)(count >> 8)))
        return 0;
    before = tsc_read();
    return wait_for_output() ? tsc_read() - before : 0;
}

void clock_init(void)
{
    uint64_t measured = measure() * (1000 / MEASURE_MS);

    if (measured >= HZ_MIN && measured <= HZ_MAX)
        hz = measured;
    else
        log_warning("the host's timer is unusable; assuming a TSC of %lu MHz", hz / 1000000);
    start = tsc_read();
}

uint64_t clock_now(void)
{
    uint64_t ticks = tsc_read() - start;

    return ticks / hz * NANOSECONDS + ticks % hz * NANOSECONDS / hz;
}
