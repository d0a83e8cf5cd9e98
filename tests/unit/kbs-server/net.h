/* SPDX-License-Identifier: MIT */
/* A client of the tests: raw bytes over TCP, or TLS of a wanted version. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_SERVER_NET_H
#define SNPVTPM_TESTS_UNIT_KBS_SERVER_NET_H

#include <stdbool.h>
#include <stddef.h>

#define NET_REPLY_MAX 65536

/* The port behind ADDRESS:PORT. */
unsigned net_port(const char *name);

/* A connection to 127.0.0.1, or -1; reads on it wait 20 s at most. */
int net_connect(unsigned port);

/* Whether all of text was sent. */
bool net_send(int fd, const char *text);

/* Reads until the server closes, or the time is over; NUL-terminated, valid until the next call in
 * this thread. */
const char *net_read_all(int fd);

/* Reads one reply with a Content-Length. */
const char *net_read_reply(int fd);

/* Whether the server closes the connection within so many ms, without sending more than it has. */
bool net_is_closed_within(int fd, int ms);

/* Sends text and reads until the server closes. */
const char *net_converse(unsigned port, const char *text);

/* The same over TLS of that version (of OpenSSL's TLS1_3_VERSION ...), checking the server's
 * certificate for "localhost" with the authority in the file; NULL when the handshake fails. */
const char *net_converse_tls(unsigned port, int version, const char *ca, const char *text);

#endif
