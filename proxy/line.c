/* SPDX-License-Identifier: MIT */
#include "proxy/line.h"

#include <errno.h>
#include <poll.h>

enum line_event line_wait(const struct line *line, short what, int timeout_ms)
{
    struct pollfd descriptors[] = {
        {.fd = line->fd, .events = what},
        {.fd = line->stop, .events = POLLIN}, /* poll() passes over negative ones */
    };
    int ready;

    do {
        ready = poll(descriptors, 2, timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0)
        return LINE_QUIET;
    return descriptors[0].revents ? LINE_READY : LINE_STOPPED;
}

bool line_pause(int stop, int timeout_ms)
{
    return line_wait(&(struct line){.fd = -1, .stop = stop}, 0, timeout_ms) == LINE_QUIET;
}
