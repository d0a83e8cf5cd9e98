/* SPDX-License-Identifier: MIT */
/*
 * svsm/arch/ over ordinary memory: guest-physical pages with an RMP state, and the hostile host,
 * the hostile guest and the service as C functions. A vCPU is a thread.
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
#include "svsm/arch/cpu_area.h"
#include "svsm/arch/rmp.h"
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
    uint64_t sev_status, tsc;
    uint64_t tsc_step; /* a read of the TSC adds this */

    /* Before PVALIDATE or RMPADJUST; true: an injected fault skips the instruction. */
    bool (*on_rmp)(gpa_t page);
    enum rmp_result adjust_result; /* what RMPADJUST says instead, unless it is RMP_DONE */
    /* Before a guarded access, in pieces of at most a page; true: it faults. */
    bool (*on_guarded)(gpa_t at, size_t size, bool write);
    /* INVLPGB and TLBSYNC. */
    void (*on_flush)(void);
    bool flush_faults;
    /* Large pages work only where the host mapped such. */
    bool large_pages;

    /* Ring 3: makes a system call by filling in registers. */
    enum user_exit (*service)(struct user_registers *registers);

    uint64_t cr0, cr4, xcr0;
    bool rdrand_fails, rdrand_sticks;
    size_t shared_shown;

    char text[256]; /* the end, in words */
};

extern struct fake fake;

/* What a vCPU has of its own. A thread is the first one until it says otherwise. */
struct fake_cpu {
    uint64_t ghcb_msr;
    const uint64_t *root; /* CR3; NULL: the kernel's own */
    sigjmp_buf end;
    bool armed;
    void (*entry)(void *argument); /* where the SVSM lets it start */
    void *argument;
};

struct fake_cpu *fake_this(void);
struct fake_cpu *fake_cpu(unsigned index);

/* From here on this thread is that vCPU. */
void fake_become(unsigned index);

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
        if (sigsetjmp(fake_this()->end, 1) == 0) {                                                 \
            fake_arm();                                                                            \
            __VA_ARGS__;                                                                           \
        }                                                                                          \
        fake_this()->armed = false;                                                                \
        fake.text;                                                                                 \
    })

#endif
