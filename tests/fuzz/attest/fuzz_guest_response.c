/* SPDX-License-Identifier: MIT */
/*
 * What comes back from the AMD-SP for a report request. The first byte of the input says what the
 * rest is: even, a message as the host can forge it; odd, an authentic payload; then certificates.
 */
#include <string.h>

#include "services/attest/guest_message.h"
#include "services/attest/guest_request.h"

struct input {
    const uint8_t *data;
    size_t size;
};

static size_t at_most(size_t size, size_t limit)
{
    return size < limit ? size : limit;
}

/* Copies what there is for out, and moves on behind it. */
static void take(struct input *in, uint8_t *out, size_t room)
{
    size_t size = at_most(in->size, room);

    memcpy(out, in->data, size);
    in->data += size;
    in->size -= size;
}

static bool answer_authentic(struct input *in, struct amd_sp_answer *answer)
{
    static const uint8_t vmpck0[VMPCK_SIZE];
    size_t size = at_most(in->size, sizeof(struct msg_report_rsp));
    uint8_t payload[sizeof(struct msg_report_rsp)];

    take(in, payload, size);
    return guest_message_seal(answer->message, vmpck0, 2, MSG_REPORT_RSP, payload, size) ==
           ATTEST_OK;
}

static bool exchange(void *context, const struct amd_sp_request *request,
                     struct amd_sp_answer *answer)
{
    struct input *in = context;
    uint8_t authentic = 0;

    (void)request;
    take(in, &authentic, 1);
    if (authentic % 2 && !answer_authentic(in, answer))
        return false;
    if (authentic % 2 == 0)
        take(in, answer->message, sizeof(answer->message));
    take(in, answer->certificates, sizeof(answer->certificates));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t vmpck0[VMPCK_SIZE], report_data[REPORT_DATA_SIZE];
    static struct guest_requester requester;
    static struct attestation_evidence evidence;
    struct input in = {.data = data, .size = size};
    struct amd_sp amd_sp = {.exchange = exchange, .context = &in};
    enum attest_error error;

    if (size == 0)
        return 0;
    guest_requester_init(&requester, amd_sp, vmpck0);
    error = guest_requester_get_report(&requester, report_data, true, &evidence);
    (void)error; /* every outcome is right that does not crash */
    return 0;
}
