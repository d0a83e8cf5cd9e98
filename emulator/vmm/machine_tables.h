/* SPDX-License-Identifier: MIT */
/*
 * What the host tells an image of the machine's hardware, where its IGVM file asks for it: the
 * processors as ACPI table, the virtio-mmio slots as device tree.
 */
#ifndef SNPVTPM_EMULATOR_VMM_MACHINE_TABLES_H
#define SNPVTPM_EMULATOR_VMM_MACHINE_TABLES_H

#include "lib/base/writer.h"

/* A MADT (ACPI 6.5, 5.2.12) of the one processor and the I/O APIC. False: it does not fit. */
MUST_CHECK bool machine_madt(struct writer *to);

/* A flattened device tree (Devicetree specification 0.4, chapter 5) with a node for each slot.
 * False: it does not fit. */
MUST_CHECK bool machine_device_tree(struct writer *to);

#endif
