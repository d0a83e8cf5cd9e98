/* SPDX-License-Identifier: MIT */
/*
 * Serves the TPM to programs on this host over the simulator protocol (mssim.h), one message at a
 * time, without threads. A client that does not take its reply keeps nobody else waiting.
 */
#ifndef SNPVTPM_SERVICES_TPM_SERVER_H
#define SNPVTPM_SERVICES_TPM_SERVER_H

#include "services/tpm/engine.h"

/*
 * Listens on 127.0.0.1, command port port and platform port port + 1, and serves until a client
 * sends STOP or SIGTERM, SIGINT or SIGHUP arrives. False when it cannot listen or poll (logged).
 */
MUST_CHECK bool server_run(struct engine *engine, uint16_t port);

#endif
