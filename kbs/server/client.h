/* SPDX-License-Identifier: MIT */
/*
 * What counts as one client for limits: an IPv4 address, or the /64 that an IPv6 address is in,
 * because one client usually has all addresses of a /64.
 */
#ifndef SNPVTPM_KBS_SERVER_CLIENT_H
#define SNPVTPM_KBS_SERVER_CLIENT_H

#include <stdint.h>

#include <netinet/in.h>

/* The number that stands for the client at an address; 0 for what is neither IPv4 nor IPv6. */
uint64_t client_key(const struct sockaddr *address);

/* The same of an address in numbers, such as client_name() makes. */
uint64_t client_key_of_text(const char *text);

/* The address in numbers, for the log; an IPv4 address in IPv6's clothes is shown as what it is. */
void client_name(const struct sockaddr *address, char name[INET6_ADDRSTRLEN]);

#endif
