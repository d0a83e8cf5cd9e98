/* SPDX-License-Identifier: MIT */
#include "services/common/channel.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <sys/types.h>
#include <unistd.h>

#include "lib/file/io.h"

size_t channel_answer(channel_handler *handler, void *service, const uint8_t *request,
                      size_t request_size, uint8_t *response)
{
    struct reader arguments = reader_over(request, request_size);
    struct writer body =
        writer_over(response + sizeof(uint32_t), CHANNEL_MESSAGE_MAX - sizeof(uint32_t));
    uint32_t operation;
    uint32_t status;

    if (!reader_le32(&arguments, &operation))
        operation = 0;
    status = handler(service, operation, &arguments, &body);
    put_le32(response, status);
    return sizeof(status) + (status == CHANNEL_STATUS_DONE ? body.used : 0);
}

static ssize_t receive(int fd, uint8_t *request)
{
    ssize_t size;

    do
        size = read(fd, request, CHANNEL_MESSAGE_MAX);
    while (size < 0 && errno == EINTR);
    return size;
}

enum channel_end channel_serve(int fd, channel_handler *handler, void *service)
{
    uint8_t request[CHANNEL_MESSAGE_MAX];
    uint8_t response[CHANNEL_MESSAGE_MAX];
    enum channel_end end = CHANNEL_CLOSED;
    ssize_t size;

    while ((size = receive(fd, request)) > 0) {
        size_t answer = channel_answer(handler, service, request, (size_t)size, response);

        if (!io_write_all(fd, response, answer)) {
            end = CHANNEL_BROKEN;
            break;
        }
    }
    if (size < 0)
        end = CHANNEL_BROKEN;
    OPENSSL_cleanse(request, sizeof(request));
    OPENSSL_cleanse(response, sizeof(response));
    return end;
}
