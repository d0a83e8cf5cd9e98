/* SPDX-License-Identifier: MIT */
/*
 * TCB_VERSION, laid out as on Milan (SNP firmware ABI 56860, table "TCB_VERSION"), and the values
 * of the emulated chip. It never updates its firmware: current, committed, launch and reported
 * TCB are the same, and the VCEK is bound to it.
 */
#ifndef SNPVTPM_EMULATOR_AMD_SP_TCB_H
#define SNPVTPM_EMULATOR_AMD_SP_TCB_H

#include <stdbool.h>
#include <stdint.h>

#define TCB_BOOT_LOADER_BYTE 0
#define TCB_TEE_BYTE         1
#define TCB_SNP_BYTE         6
#define TCB_MICROCODE_BYTE   7

#define TCB_COMPONENT(value, byte) ((uint64_t)(value) << (8 * (byte)))

/* Microcode is above 0x7F so that its DER INTEGER takes two bytes, as real ones do. */
#define EMULATED_TCB                                                                               \
    (TCB_COMPONENT(0x03, TCB_BOOT_LOADER_BYTE) | TCB_COMPONENT(0x00, TCB_TEE_BYTE) |               \
     TCB_COMPONENT(0x17, TCB_SNP_BYTE) | TCB_COMPONENT(0xD5, TCB_MICROCODE_BYTE))

static inline uint8_t tcb_component(uint64_t tcb, unsigned byte)
{
    return (uint8_t)(tcb >> (8 * byte));
}

/* A TCB is no integer: it exceeds another when any of its components does. */
static inline bool tcb_exceeds(uint64_t tcb, uint64_t limit)
{
    for (unsigned byte = 0; byte < sizeof(tcb); byte++)
        if (tcb_component(tcb, byte) > tcb_component(limit, byte))
            return true;
    return false;
}

#endif
