/* SPDX-License-Identifier: MIT */
/* The TPM service as the SVSM sees it: docs/service-abi.md, "The TPM service". */
#ifndef SNPVTPM_SERVICES_TPM_SERVICE_H
#define SNPVTPM_SERVICES_TPM_SERVICE_H

#include "services/common/channel.h"
#include "services/tpm/engine.h"

#define SERVICE_DISK_FD 4
#define SERVICE_KEY_FD  5

enum service_operation {
    SERVICE_OPEN = 1,
    SERVICE_COMMAND = 2,
    SERVICE_EK_PUBLIC = 3,
};

enum service_status {
    SERVICE_DONE = CHANNEL_STATUS_DONE,
    SERVICE_VOLUME_FAILED = 1,
    SERVICE_VOLUME_DAMAGED = 2,
    SERVICE_MALFORMED = 3,     /* no operation of this service, or its arguments are missing */
    SERVICE_TPM_FAILED = 4,    /* the TPM did not do its part of the operation; logged */
    SERVICE_STATE_REFUSED = 5, /* the volume is intact, but libtpms does not load the state in it */
    SERVICE_STATE_TOO_NEW = 6, /* likewise, because a newer libtpms wrote it */
};

struct service {
    struct engine engine;
    bool open;
    enum engine_opening opening; /* how, once open */
    int disk_fd;
    int key_fd;
};

/* The channel_handler of this service; context is a struct service. */
uint32_t service_handle(void *context, uint32_t operation, struct reader *arguments,
                        struct writer *body);

/* Serves channel_fd until it ends. Returns the exit status of the program. */
MUST_CHECK int service_run(int channel_fd, int disk_fd, int key_fd);

#endif
