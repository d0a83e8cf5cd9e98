/* SPDX-License-Identifier: MIT */
/* How a command-line program complains. */
#ifndef SNPVTPM_LIB_PROGRAM_COMPLAIN_H
#define SNPVTPM_LIB_PROGRAM_COMPLAIN_H

/* What each program is called; it defines this itself. */
extern const char program_name[];

/* Prints one line "PROGRAM: ..." on stderr and gives the status back. */
__attribute__((format(printf, 2, 3))) int complain(int status, const char *format, ...);

#endif
