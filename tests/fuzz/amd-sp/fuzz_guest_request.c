/* SPDX-License-Identifier: MIT */
/*
 * Input: a request page with its payload in clear. It is sealed before it is served, because
 * nothing behind the authentication could be reached otherwise.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>

#include "emulator/amd-sp/guest_request.h"
#include "emulator/amd-sp/message_crypto.h"

static struct chip chip;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    chip = (struct chip){.vcek = EVP_EC_gen("P-384")};
    return !chip.vcek;
}

/* Seals the page in place with the key it names, if there is such a key and the size fits. */
static void seal(const struct guest_context *guest, uint8_t page[GUEST_MESSAGE_SIZE])
{
    uint8_t payload[GUEST_MESSAGE_PAYLOAD];
    struct guest_message_header header;

    memcpy(&header, page, sizeof(header));
    memcpy(payload, page + sizeof(header), sizeof(payload));
    if (header.msg_vmpck >= VMPCK_COUNT || header.msg_size > sizeof(payload))
        return;
    if (!message_seal(guest->vmpck[header.msg_vmpck], &header, payload, page + sizeof(header)))
        abort();
    memcpy(page, &header, sizeof(header));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct guest_context guest = {.state = GUEST_RUNNING, .vmpck = {{1}, {2}, {3}, {4}}};
    uint8_t request[GUEST_MESSAGE_SIZE] = {0}, response[GUEST_MESSAGE_SIZE];
    uint64_t counted = 0;
    enum snp_status status;

    memcpy(request, data, size < sizeof(request) ? size : sizeof(request));
    seal(&guest, request);
    status = guest_request_serve(&chip, &guest, request, response);
    for (size_t i = 0; i < VMPCK_COUNT; i++)
        counted += guest.message_count[i];
    /* Exactly the messages that succeed are counted. */
    if (counted != (status == SNP_SUCCESS ? 2 : 0))
        abort();
    return 0;
}
