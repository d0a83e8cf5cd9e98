/* SPDX-License-Identifier: MIT */
/* The TPM service as the SVSM sees it: docs/service-abi.md, "The TPM service". */
#ifndef SNPVTPM_SERVICES_TPM_SERVICE_H
#define SNPVTPM_SERVICES_TPM_SERVICE_H

#include <assert.h>

#include "lib/abi/tpm_service.h"
#include "services/common/channel.h"
#include "services/tpm/leased.h"

static_assert((int)ENGINE_OPENED == SERVICE_STATE_OPENED &&
                  (int)ENGINE_MANUFACTURED == SERVICE_MANUFACTURED &&
                  (int)ENGINE_EPHEMERAL == SERVICE_EPHEMERAL,
              "what OPEN answers");

struct service {
    struct engine engine;
    bool open;
    enum engine_opening opening; /* how, once open */
    struct leased leased;
    int disk_fd;
    int key_fd;
};

/* The channel_handler of this service; context is a struct service. */
uint32_t service_handle(void *context, uint32_t operation, struct reader *arguments,
                        struct writer *body);

/* Serves channel_fd until it ends. Returns the exit status of the program. */
MUST_CHECK int service_run(int channel_fd, int disk_fd, int key_fd);

#endif
