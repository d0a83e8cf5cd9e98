/* SPDX-License-Identifier: MIT */
/* Any bytes on the line end in frames, failures and, when they are over, FRAME_CLOSED. */
#include <stdlib.h>

#include <sys/socket.h>
#include <unistd.h>

#include "proxy/frame.h"

#define INPUT_MAX 65536 /* what the socket buffers without a reader */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct frame_limits limits = {.first_ms = 1, .gap_ms = 1, .whole_ms = 1000};
    struct frame frame;
    int ends[2];
    enum frame_status status;

    if (size > INPUT_MAX || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0)
        return 0;
    if (send(ends[0], data, size, 0) != (ssize_t)size || shutdown(ends[0], SHUT_WR) != 0)
        abort();
    while ((status = frame_read(&(struct line){.fd = ends[1], .stop = -1}, &limits, &frame)) !=
           FRAME_CLOSED) {
        if ((status == FRAME_OK) != (frame.bytes != NULL) ||
            (status == FRAME_OK && (frame.size == 0 || frame.size > FRAME_MAX)))
            abort();
        free(frame.bytes);
    }
    close(ends[0]);
    close(ends[1]);
    return 0;
}
