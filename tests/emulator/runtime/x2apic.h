/* SPDX-License-Identifier: MIT */
/* MSRs by the host, the x2APIC's above all (APM vol. 2, 16.9 to 16.11). */
#ifndef SNPVTPM_TESTS_EMULATOR_RUNTIME_X2APIC_H
#define SNPVTPM_TESTS_EMULATOR_RUNTIME_X2APIC_H

#include <stdbool.h>
#include <stdint.h>

#define MSR_APIC_BASE      0x1B
#define APIC_BASE_EXTENDED (1ull << 10)
#define MSR_X2APIC_ID      0x802
#define MSR_X2APIC_VERSION 0x803
#define MSR_X2APIC_EOI     0x80B
#define MSR_X2APIC_SVR     0x80F
#define MSR_X2APIC_IRR0    0x820
#define MSR_X2APIC_ICR     0x830
#define MSR_X2APIC_COUNT   0x838 /* of the timer: where it starts, and where it is */
#define MSR_X2APIC_NOW     0x839
#define ICR_NMI            (4u << 8)
#define ICR_INIT           (5u << 8 | 1u << 14)
#define ICR_STARTUP        (6u << 8 | 1u << 14)
#define ICR_LOGICAL        (1u << 11)
#define ICR_SELF           (1u << 18)
#define ICR_OTHERS         (3u << 18)
#define SVR_ENABLED        0x1FF

/* ~0: refused. */
uint64_t host_read_msr(uint32_t msr);
bool host_write_msr(uint32_t msr, uint64_t value);

/* Turns the APIC of this processor on, in x2APIC mode. */
void x2apic_enable(void);

/* The command register: command and vector, to an APIC ID. */
void x2apic_send(uint32_t command, uint32_t apic_id);

#endif
