/* SPDX-License-Identifier: MIT */
#include "svsm/process/channel.h"

#include <errno.h>

#include "lib/freestanding/string.h"

static int64_t channel_read(struct file *file, struct user_span to)
{
    struct channel *channel = file->object;
    size_t size = channel->request_size;
    enum status status;

    if (size == 0)
        return FILE_WOULD_BLOCK;
    if (to.size < size)
        return -EMSGSIZE;
    status = user_write(to.space, to.at, channel->request, size);
    wipe(channel->request, size);
    channel->request_size = 0;
    channel->answer_due = true;
    return status == STATUS_OK ? (int64_t)size : -EFAULT;
}

static int64_t channel_write(struct file *file, struct user_span from)
{
    struct channel *channel = file->object;

    if (!channel->answer_due)
        return -EPIPE;
    if (from.size == 0 || from.size > sizeof(channel->response))
        return -EMSGSIZE;
    if (user_read(from.space, channel->response, from.at, from.size) != STATUS_OK)
        return -EFAULT;
    channel->response_size = from.size;
    channel->answer_due = false;
    return (int64_t)from.size;
}

static bool channel_is_readable(struct file *file)
{
    const struct channel *channel = file->object;

    return channel->request_size != 0;
}

struct file file_channel(struct channel *channel)
{
    static const struct file_operations operations = {
        .read = channel_read, .write = channel_write, .is_readable = channel_is_readable};

    return (struct file){.operations = &operations, .object = channel};
}
