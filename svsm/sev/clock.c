/* SPDX-License-Identifier: MIT */
#include "svsm/sev/clock.h"

#include "svsm/arch/cpu.h"
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

static bool out(struct ghcb_link *link, uint16_t port, uint8_t value)
{
    return ghcb_io_out(link, port, 1, value) == STATUS_OK;
}

static bool in(struct ghcb_link *link, uint16_t port, uint32_t *value)
{
    return ghcb_io_in(link, port, 1, value) == STATUS_OK;
}

static bool wait_for_output(struct ghcb_link *link)
{
    for (unsigned polls = 0; polls < POLLS_MAX; polls++) {
        uint32_t speaker;

        if (!in(link, SPEAKER_PORT, &speaker))
            return false;
        if (speaker & SPEAKER_OUTPUT)
            return true;
    }
    return false;
}

/* Ticks in MEASURE_MS, or 0 when the host's PIT does not work. */
static uint64_t measure(struct ghcb_link *link)
{
    uint16_t count = PIT_HZ * MEASURE_MS / 1000;
    uint32_t speaker;
    uint64_t before;

    if (!in(link, SPEAKER_PORT, &speaker) || !out(link, SPEAKER_PORT, SPEAKER_GATE) ||
        !out(link, PIT_COMMAND, COMMAND_ONE_SHOT) || !out(link, PIT_CHANNEL_2, (uint8_t)count) ||
        !out(link, PIT_CHANNEL_2, (uint8_t)(count >> 8)))
        return 0;
    before = tsc_read();
    return wait_for_output(link) ? tsc_read() - before : 0;
}

bool clock_init(struct clock *clock, struct ghcb_link *link)
{
    uint64_t measured = measure(link) * (1000 / MEASURE_MS);
    bool usable = measured >= HZ_MIN && measured <= HZ_MAX;

    *clock = (struct clock){.hz = usable ? measured : HZ_ASSUMED, .start = tsc_read()};
    return usable;
}

uint64_t clock_now(const struct clock *clock)
{
    uint64_t ticks = tsc_read() - clock->start;

    return ticks / clock->hz * NANOSECONDS + ticks % clock->hz * NANOSECONDS / clock->hz;
}
