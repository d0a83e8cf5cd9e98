/* SPDX-License-Identifier: MIT */
/* A pseudo-terminal: the VM has its master, as QEMU has with -serial pty. */
#ifndef SNPVTPM_TESTS_UNIT_PROXY_PTY_H
#define SNPVTPM_TESTS_UNIT_PROXY_PTY_H

/* Makes one whose other end can be opened at path, in place of the one before. Where there are
 * none, says so and skips the test. */
int pty_open(const char *path);

#endif
