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
#define TRIES_MAX        10

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

/* One measurement: what the TSC counted, and how much of it may lie outside of MEASURE_MS. */
struct count {
    uint64_t ticks, doubt;
};

/* False when the host's PIT does not work. */
static bool measure(struct ghcb_link *link, struct count *count)
{
    uint16_t pit = PIT_HZ * MEASURE_MS / 1000;
    uint64_t before, asked, last, now;
    uint32_t speaker;

    if (!in(link, SPEAKER_PORT, &speaker) || !out(link, SPEAKER_PORT, SPEAKER_GATE) ||
        !out(link, PIT_COMMAND, COMMAND_ONE_SHOT) || !out(link, PIT_CHANNEL_2, (uint8_t)pit))
        return false;
    before = tsc_read();
    if (!out(link, PIT_CHANNEL_2, (uint8_t)(pit >> 8)))
        return false;
    asked = last = now = tsc_read();
    for (unsigned polls = 0; polls < POLLS_MAX; polls++) {
        if (!in(link, SPEAKER_PORT, &speaker))
            return false;
        if (speaker & SPEAKER_OUTPUT) {
            uint64_t seen = tsc_read();

            *count = (struct count){seen - before, asked - before + (seen - last)};
            return true;
        }
        last = now;
        now = tsc_read();
    }
    return false;
}

/* A busy host lets the VM wait while the PIT runs, which shows as doubt: then it is tried again,
 * and the best one counts. */
bool clock_init(struct clock *clock, struct ghcb_link *link)
{
    struct count best = {0, UINT64_MAX}, count;
    uint64_t measured;
    bool usable;

    for (unsigned tries = 0; tries < TRIES_MAX && best.doubt > best.ticks / 16; tries++) {
        if (!measure(link, &count))
            break;
        if (count.doubt < best.doubt)
            best = count;
    }
    measured = (best.ticks - best.doubt / 2) * (1000 / MEASURE_MS);
    usable = best.ticks > 0 && measured >= HZ_MIN && measured <= HZ_MAX;
    *clock = (struct clock){.hz = usable ? measured : HZ_ASSUMED, .start = tsc_read()};
    return usable;
}

uint64_t clock_now(const struct clock *clock)
{
    uint64_t ticks = tsc_read() - clock->start;

    return ticks / clock->hz * NANOSECONDS + ticks % clock->hz * NANOSECONDS / clock->hz;
}
