/* SPDX-License-Identifier: MIT */
#include "svsm/process/random.h"

#include "lib/freestanding/string.h"
#include "svsm/arch/cpu.h"
#include "svsm/base/panic.h"

#define RETRIES 1000
#define PROBES  8

static uint64_t random_word(void)
{
    uint64_t word;

    for (unsigned i = 0; i < RETRIES; i++) {
        if (rdrand(&word))
            return word;
        cpu_pause();
    }
    panic("RDRAND gives no random numbers");
}

/* Some CPUs were known to answer all ones for ever. */
void random_init(void)
{
    uint64_t first = random_word();
    unsigned same = 0;

    for (unsigned i = 0; i < PROBES; i++)
        same += random_word() == first;
    if (same == PROBES)
        panic("RDRAND is stuck");
}

void random_bytes(void *bytes, size_t size)
{
    uint8_t *next = bytes;

    while (size > 0) {
        uint64_t word = random_word();
        size_t part = size < sizeof(word) ? size : sizeof(word);

        memcpy(next, &word, part);
        wipe(&word, sizeof(word));
        next += part;
        size -= part;
    }
}
