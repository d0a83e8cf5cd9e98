/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/doorbell.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "emulator/amd-sp/mailbox.h"

#define NO_ANSWER 0

/* The offset's bytes come least significant first. */
static void take_address_byte(struct doorbell *doorbell, uint8_t byte)
{
    doorbell->mailbox |= (uint64_t)byte
                         << (8 * (sizeof(doorbell->mailbox) - doorbell->address_bytes));
    doorbell->address_bytes--;
    doorbell->has_mailbox = doorbell->address_bytes == 0;
}

char doorbell_take(struct doorbell *doorbell, uint8_t byte)
{
    if (doorbell->address_bytes > 0) {
        take_address_byte(doorbell, byte);
        return NO_ANSWER;
    }
    switch (byte) {
    case SP_DOORBELL_MAILBOX:
        processor_reset(doorbell->processor);
        *doorbell = (struct doorbell){
            .processor = doorbell->processor,
            .address_bytes = sizeof(doorbell->mailbox),
        };
        return NO_ANSWER;
    case SP_DOORBELL_GO:
        if (doorbell->has_mailbox && processor_run(doorbell->processor, doorbell->mailbox))
            return SP_DOORBELL_DONE;
        return SP_DOORBELL_MALFORMED;
    default:
        return SP_DOORBELL_MALFORMED;
    }
}

/* The next byte. Returns 1, 0 at the end of the stream, -1 with errno. */
static ssize_t read_byte(int stream, uint8_t *byte)
{
    ssize_t size;

    do
        size = read(stream, byte, 1);
    while (size < 0 && errno == EINTR);
    return size < 0 && errno == ECONNRESET ? 0 : size; /* the machine was killed */
}

MUST_CHECK static bool answer(int stream, char byte)
{
    ssize_t size;

    do
        size = send(stream, &byte, 1, MSG_NOSIGNAL);
    while (size < 0 && errno == EINTR);
    /* That the machine is gone is for read_byte() to tell. */
    return size == 1 || errno == EPIPE || errno == ECONNRESET;
}

enum doorbell_error doorbell_serve(struct processor *processor, const char *ram_path, int stream)
{
    struct doorbell doorbell = {.processor = processor};
    ssize_t size;
    uint8_t byte;
    char reply;

    while ((size = read_byte(stream, &byte)) == 1) {
        if (!processor->ram.bytes && !ram_open(&processor->ram, ram_path))
            return DOORBELL_RAM;
        reply = doorbell_take(&doorbell, byte);
        if (reply != NO_ANSWER && !answer(stream, reply))
            return DOORBELL_STREAM;
    }
    return size == 0 ? DOORBELL_OK : DOORBELL_STREAM;
}
