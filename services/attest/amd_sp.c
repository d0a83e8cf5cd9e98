/* SPDX-License-Identifier: MIT */
#include "services/attest/amd_sp.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

/* The descriptor takes and gives whole messages, so a short count is a failure. */
static bool exchange_on_descriptor(void *context, const struct amd_sp_request *request,
                                   struct amd_sp_answer *answer)
{
    int fd = *(const int *)context;
    size_t answer_size =
        offsetof(struct amd_sp_answer, certificates) + request->certificate_pages * 4096;
    ssize_t moved;

    do
        moved = write(fd, request, sizeof(*request));
    while (moved < 0 && errno == EINTR);
    if (moved != sizeof(*request))
        return false;
    do
        moved = read(fd, answer, sizeof(*answer));
    while (moved < 0 && errno == EINTR);
    return moved == (ssize_t)answer_size;
}

static void pause_a_while(void *context)
{
    struct timespec tenth_of_a_second = {.tv_nsec = 100 * 1000 * 1000};

    (void)context;
    /* Waking up early does no harm: retries are counted, not timed. */
    (void)nanosleep(&tenth_of_a_second, NULL);
}

struct amd_sp amd_sp_on_descriptor(int *fd)
{
    return (struct amd_sp){
        .exchange = exchange_on_descriptor, .pause = pause_a_while, .context = fd};
}
