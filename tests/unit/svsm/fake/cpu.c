/* SPDX-License-Identifier: MIT */
/* Instructions that have no memory: MSRs, exits, clocks, ring 3; and the end of the VM. */
#include "svsm/arch/cpu.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/freestanding/format.h"
#include "lib/snp/vmsa.h"
#include "svsm/base/panic.h"
#include "tests/unit/svsm/fake/machine.h"

struct fake fake;
uint64_t fake_region_size = 0x800000;

static uint64_t random_state;
static struct fake_cpu cpus[CPUS_MAX];
static struct cpu_local locals[CPUS_MAX];
static _Thread_local unsigned this_index;

struct fake_cpu *fake_this(void)
{
    return &cpus[this_index];
}

struct fake_cpu *fake_cpu(unsigned index)
{
    return &cpus[index];
}

void fake_become(unsigned index)
{
    this_index = index;
}

struct cpu_local *cpu_local(void)
{
    return &locals[this_index];
}

struct cpu_local *cpu_local_of(unsigned index)
{
    return &locals[index];
}

void cpu_start_state(struct vmsa *vmsa, unsigned index, void (*entry)(void *), void *argument)
{
    memset(vmsa, 0, sizeof(*vmsa));
    vmsa->efer = EFER_SVME;
    cpus[index].entry = entry;
    cpus[index].argument = argument;
}

void fake_reset(void)
{
    fake = (struct fake){
        .sev_status = SEV_STATUS_SEV | SEV_STATUS_SEV_ES |
                      SEV_FEATURE_SNP_ACTIVE << SEV_STATUS_FEATURES_SHIFT,
        .tsc_step = 1000,
    };
    random_state = 1;
    memset(cpus, 0, sizeof(cpus));
    memset(locals, 0, sizeof(locals));
    fake_memory_reset();
    fake_host_reset();
}

void fake_end(const char *text)
{
    if (!fake_this()->armed) {
        fprintf(stderr, "the VM ended: %s\n", text);
        abort();
    }
    if (text != fake.text)
        snprintf(fake.text, sizeof(fake.text), "%s", text);
    siglongjmp(fake_this()->end, 1);
}

bool panicking(void)
{
    return false;
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

    fake_this()->ghcb_msr = request;
    if ((fake_this()->ghcb_msr & GHCB_MSR_INFO_MASK) != GHCB_MSR_TERM_REQ) {
        fake.host();
        return fake_this()->ghcb_msr;
    }
    snprintf(text, sizeof(text), "terminate %lu", fake_this()->ghcb_msr >> 16 & 0xFF);
    fake_end(text);
}

void cpu_halt_forever(void)
{
    fake_end("halt");
}

uint64_t tsc_read(void)
{
    return __atomic_add_fetch(&fake.tsc, fake.tsc_step, __ATOMIC_RELAXED);
}

void cpu_pause(void)
{
    sched_yield();
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
    uint64_t state = __atomic_load_n(&random_state, __ATOMIC_RELAXED);

    if (!fake.rdrand_sticks)
        state = state * 6364136223846793005ull + 1442695040888963407ull;
    __atomic_store_n(&random_state, state, __ATOMIC_RELAXED);
    *value = state;
    return !fake.rdrand_fails;
}

enum user_exit usermode_run(struct cpu_local *local, struct user_registers *registers)
{
    (void)local;
    if (!fake.service)
        fake_end("fake: no service");
    return fake.service(registers);
}
