/* SPDX-License-Identifier: MIT */
/* Stands between the store and PostgreSQL's socket, and can lose the reply to a commit. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_STORE_RELAY_H
#define SNPVTPM_TESTS_UNIT_KBS_STORE_RELAY_H

/* Listens in a folder for what it passes on to the socket in another; for the life of the process.
 */
void relay_start(const char *folder, const char *server_folder);

/* The next commit reaches the server and is done there, but the connection breaks before its reply
 * is passed on. */
void relay_lose_next_commit(void);

/* Whether that happened. */
int relay_lost(void);

#endif
