/* SPDX-License-Identifier: MIT */
/* Instructions that have no memory: MSRs, exits, clocks, ring 3; and the end of the VM. */
#include "svsm/arch/cpu.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/snp/vmsa.h"
#include "svsm/base/panic.h"
#include "svsm/console/format.h"
#include "tests/unit/svsm/fake/machine.h"

struct fake fake;
uint64_t fake_region_size = 0x800000;

static uint64_t random_state;

void fake_reset(void)
{
    fake = (struct fake){
        .sev_status = SEV_STATUS_SEV | SEV_STATUS_SEV_ES |
                      SEV_FEATURE_SNP_ACTIVE << SEV_STATUS_FEATURES_SHIFT,
        .tsc_step = 1000,
    };
    random_state = 1;
    fake_memory_reset();
    fake_host_reset();
}

void fake_end(const char *text)
{
    if (!fake.armed) {
        fprintf(stderr, "the VM ended: %s\n", text);
        abort();
    }
    if (text != fake.text)
        snprintf(fake.text, sizeof(fake.text), "%s", text);
    siglongjmp(fake.end, 1);
}

void panic(const char *format, ...)
{
    va_list arguments;
    size_t size;

    va_start(arguments, format);
    size = format_text(fake.text, sizeof(fake.text) - 1, format, arguments);
    va_end(arguments);
    fake.text[size] = '\0';
    fake_end(fake.text);
}

uint64_t msr_read(uint32_t msr)
{
    return msr == MSR_SEV_STATUS ? fake.sev_status : 0;
}

void msr_write(uint32_t msr, uint64_t value)
{
    (void)msr;
    (void)value;
}

uint64_t vmgexit(uint64_t request)
{
    char text[40];

    fake.ghcb_msr = request;
    if ((fake.ghcb_msr & GHCB_MSR_INFO_MASK) != GHCB_MSR_TERM_REQ) {
        fake.host();
        return fake.ghcb_msr;
    }
    snprintf(text, sizeof(text), "terminate %lu", fake.ghcb_msr >> 16 & 0xFF);
    fake_end(text);
}

void cpu_halt_forever(void)
{
    fake_end("halt");
}

uint64_t tsc_read(void)
{
    return fake.tsc += fake.tsc_step;
}

void cpu_pause(void)
{
}

uint64_t cr0_read(void)
{
    return fake.cr0;
}

void cr0_write(uint64_t value)
{
    fake.cr0 = value;
}

uint64_t cr4_read(void)
{
    return fake.cr4;
}

void cr4_write(uint64_t value)
{
    fake.cr4 = value;
}

void xcr0_write(uint64_t value)
{
    fake.xcr0 = value;
}

void xsave(void *area)
{
    (void)area;
}

void xrstor(const void *area)
{
    (void)area;
}

void fxsave(void *area)
{
    (void)area;
}

void fxrstor(const void *area)
{
    (void)area;
}

bool rdrand(uint64_t *value)
{
    if (!fake.rdrand_sticks)
        random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    *value = random_state;
    return !fake.rdrand_fails;
}

enum user_exit usermode_run(struct user_registers *registers)
{
    if (!fake.service)
        fake_end("fake: no service");
    return fake.service(registers);
}

const struct user_fault *usermode_fault(void)
{
    return &fake.fault;
}
