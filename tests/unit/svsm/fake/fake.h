/* SPDX-License-Identifier: MIT */
/*
 * svsm/arch/ over ordinary memory: guest-physical pages with an RMP state, and the hostile host,
 * the hostile guest and the service as C functions.
 *
 *   fake_reset()           a machine of 256 MiB at its reset, an honest host
 *   fake.host, fake.on_*   who answers exits, and what happens at an RMP instruction or a guarded
 *                          access; tests replace them
 *   ENDS(statement)        runs it and gives the sentence with which the VM ended, "" if it did not
 *
 * A private page that is not validated cannot be touched: the access ends the VM as a #VC does, or
 * fails where it is guarded. What a page holds when it changes between private and shared is noise,
 * as encryption makes it.
 */
#ifndef SNPVTPM_TESTS_UNIT_SVSM_FAKE_FAKE_H
#define SNPVTPM_TESTS_UNIT_SVSM_FAKE_FAKE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/snp/ghcb.h"
#include "lib/snp/page.h"
#include "svsm/arch/rmp.h"
#include "svsm/arch/usermode.h"
#include "svsm/base/address.h"

#define FAKE_SPACE       0x100000000ull
#define FAKE_RAM         0x10000000ull
#define FAKE_REGION      KERNEL_GPA
#define FAKE_REGION_SIZE fake_region_size

enum fake_owner {
    FAKE_HOSTS = 0, /* shared, or the host's: reading it private faults */
    FAKE_ASSIGNED,  /* the VM's, not validated */
    FAKE_VALIDATED,
};

struct fake_page {
    uint8_t owner; /* enum fake_owner */
    bool vmsa;
    uint8_t permissions[VMPL_COUNT];
};

struct fake {
    /* The host: called at each VMGEXIT; the MSR is the request and takes the response. */
    void (*host)(void);
    uint64_t ghcb_msr, sev_status, tsc;
    uint64_t tsc_step; /* a read of the TSC adds this */

    /* Before PVALIDATE or RMPADJUST; true: an injected fault skips the instruction. */
    bool (*on_rmp)(gpa_t page);
    enum rmp_result adjust_result; /* what RMPADJUST says instead, unless it is RMP_DONE */
    /* Before a guarded access, in pieces of at most a page; true: it faults. */
    bool (*on_guarded)(gpa_t at, size_t size, bool write);
    /* Large pages work only where the host mapped such. */
    bool large_pages;

    /* Ring 3: makes a system call by filling in registers. */
    enum user_exit (*service)(struct user_registers *registers);
    struct user_fault fault;
    const uint64_t *root; /* CR3; NULL: the kernel's own */

    uint64_t cr0, cr4, xcr0;
    bool rdrand_fails, rdrand_sticks;
    size_t shared_shown;

    /* The end. */
    sigjmp_buf end;
    bool armed;
    char text[256];
};

extern struct fake fake;

/* 8 MiB; less of it starts faster. To be set before a reset. */
extern uint64_t fake_region_size;

void fake_reset(void);

/* Page state, by the address of any byte in it. */
struct fake_page *fake_page(gpa_t at);

/* The bytes as the host sees them, whatever the state; what it may see is for the test to know. */
uint8_t *fake_bytes(gpa_t at);

/* What the host can do by RMPUPDATE: fakes keep to the rules and change the contents. */
void fake_give(gpa_t page, enum fake_owner owner);
/* The same with contents kept: the launch, and a page that moves within the VM. */
void fake_place(gpa_t page, enum fake_owner owner);
void fake_move(gpa_t from, gpa_t to);

/* Whether the bytes can be found where the host or VMPL 1 to 3 may read. */
bool fake_leaks(const void *bytes, size_t size);

/* Whether any page of the SVSM's region may be accessed by a lower VMPL, but a VMSA for reading. */
bool fake_region_is_granted(void);

/* For ENDS(): from here on an end is a jump, and an access that faults is one. */
void fake_arm(void);

_Noreturn void fake_end(const char *text);

/* It comes back by a jump; no local changes between. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wclobbered"
#endif

#define ENDS(...)                                                                                  \
    ({                                                                                             \
        fake.text[0] = '\0';                                                                       \
        if (sigsetjmp(fake.end, 1) == 0) {                                                         \
            fake_arm();                                                                            \
            __VA_ARGS__;                                                                           \
        }                                                                                          \
        fake.armed = false;                                                                        \
        fake.text;                                                                                 \
    })

#endif
