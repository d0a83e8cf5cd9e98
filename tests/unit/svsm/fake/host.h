/* SPDX-License-Identifier: MIT */
/*
 * An honest host: MSR protocol, GHCB events, two serial ports, a timer, a disk, an AMD-SP. A
 * hostile one is a function in fake.host that calls fake_host_answer() and then changes what it
 * said.
 */
#ifndef SNPVTPM_TESTS_UNIT_SVSM_FAKE_HOST_H
#define SNPVTPM_TESTS_UNIT_SVSM_FAKE_HOST_H

#include "tests/unit/svsm/fake/fake.h"

#define FAKE_CONSOLE_PORT 0x3F8
#define FAKE_PROXY_PORT   0x3E8
#define FAKE_DISK_SIZE    0x40000

struct fake_stream {
    size_t size, next;
    uint8_t bytes[0x10000];
};

struct fake_host {
    uint64_t features;
    uint16_t version_min, version_max;
    struct fake_stream console, from_vm, to_vm;
    bool proxy_interrupts; /* the proxy's UART does, when something arrives */
    bool timer_runs;
    unsigned timer_stalls; /* so many times the VM waits for a processor when it has started the
                              timer, */
    uint64_t stall;        /* for so many ticks of the TSC */

    /* The disk at slot 0. */
    uint32_t device_id;
    uint64_t disk_features, capacity; /* in sectors */
    uint32_t queue_max;
    uint8_t disk_status; /* what it answers */
    bool disk_is_silent;
    unsigned flushes;
    uint8_t disk[FAKE_DISK_SIZE];

    /* AMD-SP: what the next request gets. */
    uint64_t exitinfo2, certificate_pages_needed;
    uint8_t response_byte;
    unsigned guest_requests;

    struct {
        gpa_t vmsa;
        unsigned vmpl;
        uint64_t features;
        uint32_t apic_id;
        bool at_once;
    } created;
    bool refuses_vcpus;

    /* The guest's time; NULL ends the test's run with "the guest runs". */
    void (*guest)(void);

    unsigned io_exits;
};

extern struct fake_host fake_host;

/* Does what the MSR and the GHCB ask for. */
void fake_host_answer(void);

/* The registered GHCB as the host has it, and an answer in it. */
struct ghcb *fake_ghcb(void);
void fake_ghcb_mark(size_t offset);

#endif
