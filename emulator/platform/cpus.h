/* SPDX-License-Identifier: MIT */
/*
 * The machine's processors: how they are started, the lock around the hypervisor, kicks, and the
 * shootdown of translations (docs/emulator.md, "Processors and locking").
 *
 * A CPU is in its guest, or waits, or holds the lock: whatever the hypervisor does it does with the
 * lock held. A kick is an NMI. In the hypervisor none is taken (GIF is clear) until the CPU waits
 * for one or enters its guest, which it then leaves at once: no kick is lost.
 */
#ifndef SNPVTPM_EMULATOR_PLATFORM_CPUS_H
#define SNPVTPM_EMULATOR_PLATFORM_CPUS_H

#include "emulator/platform/host.h"

#define HOST_CPUS_MAX 8

/* The CPUs have the APIC IDs from 0 on. */
unsigned host_cpu_count(void);
unsigned host_cpu_index(void);

/*
 * Takes the lock and starts the other CPUs, which wait until they are kicked, take the lock and
 * call main, which does not return. Before guest memory has contents: it uses a page below 1 MiB,
 * and leaves zeros.
 */
void host_cpus_start(void (*main)(void));

void host_lock(void);
void host_unlock(void);

/* Around VMRUN: gives the lock up, and takes it again. */
void host_enter_guest(void);
void host_leave_guest(void);

/* Makes a CPU leave its guest, or end its wait. One that is in the hypervisor does so later. */
void host_kick(unsigned cpu);

/* Waits for an NMI, or takes the one that made the guest exit. False: it was no kick, so it is the
 * guest's. Without the lock. */
bool host_wait_kick(void);

/* Returns when each other CPU has left its guest since the call, so that what it enters next, with
 * its translations flushed, follows the tables as they are. With the lock. */
void host_shootdown(void);

#endif
