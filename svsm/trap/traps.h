/* SPDX-License-Identifier: MIT */
/*
 * Exceptions. Every vector has a stack of its own kind (IST), so a #VC or an event that the host
 * injects is survived wherever it hits, the first instructions of a system call included.
 *
 *   #VC    CPUID is answered from the CPUID page; page-not-validated is an attack, except during a
 *          copy from or to the guest's memory; anything else is fatal
 *   #PF, #GP, #UD  during such a copy, or at an instruction that may not be there, an error of it;
 *          anything else is fatal
 *   ring 3 anything else but CPUID ends the service
 *   interrupts, NMI, #HV: the host may inject them at any time; they are ignored
 *
 * Handlers take no exception of their own, so one that comes while another is handled is the
 * host's, would overwrite the frame below it, and ends the VM. So does a frame that does not prove
 * what it is (frame.h).
 */
#ifndef SNPVTPM_SVSM_TRAP_TRAPS_H
#define SNPVTPM_SVSM_TRAP_TRAPS_H

/*
 * Makes the IDT, which all vCPUs share, and loads it, GDT and TSS. CPUID is answered as the vCPU's
 * struct cpu has it.
 */
void traps_init(void);

/* Loads them on another vCPU. */
void traps_load(void);

#endif
