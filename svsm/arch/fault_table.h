/* SPDX-License-Identifier: MIT */
/*
 * A line of the fault table: when the instruction at label `at` faults because its memory is not
 * accessible, or the instruction itself, the trap handler continues at `resume` with RAX = FAULTED.
 */
#ifndef SNPVTPM_SVSM_ARCH_FAULT_TABLE_H
#define SNPVTPM_SVSM_ARCH_FAULT_TABLE_H

#define FAULTED (~0ull)
#define FAULT_TABLE(at, resume)                                                                    \
    ".pushsection .fault_table, \"a\"\n\t"                                                         \
    ".quad " at ", " resume "\n\t"                                                                 \
    ".popsection\n\t"

#endif
