/* SPDX-License-Identifier: MIT */
/* Reports the state of this program to systemd, over its notification socket. */
#ifndef SNPVTPM_LIB_SYSTEMD_NOTIFY_H
#define SNPVTPM_LIB_SYSTEMD_NOTIFY_H

/* Sends such as "READY=1" to $NOTIFY_SOCKET; nothing happens where there is none. */
void notify(const char *state);

/* The same for reloading, which systemd wants with the time when it began. */
void notify_reloading(void);

#endif
