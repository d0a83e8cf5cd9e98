/* SPDX-License-Identifier: MIT */
/*
 * The front-end for tests on a host: one exchange, with sockets and files in the place of the
 * SVSM's descriptors.
 */
#ifndef SNPVTPM_SERVICES_ATTEST_NATIVE_H
#define SNPVTPM_SERVICES_ATTEST_NATIVE_H

/* Runs the program with its options; returns its exit status. */
int native_main(int argc, char **argv);

#endif
