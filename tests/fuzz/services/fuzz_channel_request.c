/* SPDX-License-Identifier: MIT */
/* The TPM service on hostile requests: a running TPM on a disk in memory. */
#include <stdlib.h>
#include <string.h>

#include "services/tpm/service.h"
#include "tests/unit/services/memory_disk.h"
#include "tests/unit/services/tpm_commands.h"

static const uint8_t key[VOLUME_KEY_SIZE] = {1};

/* Started once: manufacturing a TPM for each input would leave no time for anything else. */
static struct service *running_service(void)
{
    static struct service service;
    static struct volume_storage storage;
    uint8_t response[TPM_RESPONSE_MAX];

    if (!service.open) {
        storage = memory_disk_storage(memory_disk_new());
        if (engine_open(&service.engine, &storage, key) != ENGINE_MANUFACTURED)
            abort();
        service.open = true;
    }
    /* An input before this one may have been an OPEN, which is a reset. */
    (void)!engine_execute(&service.engine, 0, startup_clear, sizeof(startup_clear), response);
    return &service;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t response[CHANNEL_MESSAGE_MAX];
    size_t answer;

    if (size > CHANNEL_MESSAGE_MAX)
        return 0;
    answer = channel_answer(service_handle, running_service(), data, size, response);
    if (answer < 4 || answer > sizeof(response))
        abort();
    return 0;
}
