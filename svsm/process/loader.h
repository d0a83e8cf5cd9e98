/* SPDX-License-Identifier: MIT */
/* Brings a program into a fresh process: segments, stack with arguments, first registers. */
#ifndef SNPVTPM_SVSM_PROCESS_LOADER_H
#define SNPVTPM_SVSM_PROCESS_LOADER_H

#include "svsm/process/process.h"

MUST_CHECK enum status loader_load(struct process *process, gpa_t file, size_t size);

#endif
