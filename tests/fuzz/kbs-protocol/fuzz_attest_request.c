/* SPDX-License-Identifier: MIT */
/* Bodies of /attest. What is accepted binds something, and has a report and a key that fit. */
#include <stdlib.h>

#include "kbs/protocol/binding.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As in the server. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    json_memory_use();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t report_data[REPORT_DATA_SIZE];
    struct attest_request request;

    if (attest_request_parse(data, size, NULL, &request) == ATTEST_REQUEST_OK) {
        if (!request.report || !request.nonce_text || request.nonce_size > RELEASE_CHALLENGE_MAX ||
            (request.form == ATTEST_FORM_COCONUT && request.key.kind != JWK_P521) ||
            (request.form == ATTEST_FORM_COCO && request.report_size != REPORT_SIZE) ||
            !binding_report_data(&request, report_data))
            abort();
    } else if (request.body.root || request.report) {
        abort();
    }
    attest_request_free(&request);
    return 0;
}
