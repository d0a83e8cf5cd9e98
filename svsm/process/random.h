/* SPDX-License-Identifier: MIT */
/* Random bytes from the CPU, the only source the host does not control. */
#ifndef SNPVTPM_SVSM_PROCESS_RANDOM_H
#define SNPVTPM_SVSM_PROCESS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Checks at start that the generator is not stuck; panics if it is. */
void random_init(void);

/* Fills bytes; panics when the CPU gives none. */
void random_bytes(void *bytes, size_t size);

#endif
