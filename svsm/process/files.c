/* SPDX-License-Identifier: MIT */
#include "svsm/process/files.h"

#include <errno.h>

#include "lib/freestanding/string.h"
#include "svsm/console/log.h"
#include "svsm/sev/secrets.h"

#define CHUNK 512

static struct user_span rest_of(struct user_span span, size_t done, size_t most)
{
    size_t left = span.size - done;

    return (struct user_span){
        .space = span.space, .at = {span.at.v + done}, .size = left < most ? left : most};
}

static enum status span_read(void *to, struct user_span from)
{
    return user_read(from.space, to, from.at, from.size);
}

static enum status span_write(struct user_span to, const void *from)
{
    return user_write(to.space, to.at, from, to.size);
}

static int64_t log_write(struct file *file, struct user_span from)
{
    char text[CHUNK];
    struct user_span part = rest_of(from, 0, sizeof(text));

    if (span_read(text, part) != STATUS_OK)
        return -EFAULT;
    log_service(file->object, text, part.size);
    return (int64_t)part.size;
}

struct file file_log(const char *name)
{
    static const struct file_operations operations = {.write = log_write};

    return (struct file){.operations = &operations, .object = (void *)name};
}

static int64_t serial_read(struct file *file, struct user_span to)
{
    uint8_t bytes[CHUNK];
    struct user_span part = rest_of(to, 0, sizeof(bytes));
    size_t got = 0;

    if (uart_read(file->object, bytes, part.size, &got) != STATUS_OK)
        return -EIO;
    if (got == 0 && part.size > 0)
        return -EAGAIN;
    part.size = got;
    return span_write(part, bytes) == STATUS_OK ? (int64_t)got : -EFAULT;
}

static int64_t serial_write(struct file *file, struct user_span from)
{
    uint8_t bytes[CHUNK];
    struct user_span part = rest_of(from, 0, sizeof(bytes));

    if (span_read(bytes, part) != STATUS_OK)
        return -EFAULT;
    uart_restore(file->object);
    return uart_write(file->object, bytes, part.size) == STATUS_OK ? (int64_t)part.size : -EIO;
}

static bool serial_is_readable(struct file *file)
{
    bool has_data;

    return uart_has_data(file->object, &has_data) != STATUS_OK || has_data;
}

struct file file_serial(struct uart *uart)
{
    static const struct file_operations operations = {
        .read = serial_read, .write = serial_write, .is_readable = serial_is_readable};

    return (struct file){.operations = &operations, .object = uart};
}

static int64_t vmpck0_read(struct file *file, struct user_span to)
{
    uint8_t key[VMPCK_SIZE];
    enum status status;

    (void)file;
    if (to.size < sizeof(key))
        return -EINVAL;
    if (!secrets_take_vmpck0(key))
        return 0;
    to.size = sizeof(key);
    status = span_write(to, key);
    wipe(key, sizeof(key));
    return status == STATUS_OK ? (int64_t)to.size : -EFAULT;
}

struct file file_vmpck0(void)
{
    static const struct file_operations operations = {.read = vmpck0_read};

    return (struct file){.operations = &operations};
}

static int64_t key_sink_write(struct file *file, struct user_span from)
{
    struct key_relay *relay = file->object;

    if (relay->full || from.size != sizeof(relay->grant))
        return -EINVAL;
    if (span_read(relay->grant, from) != STATUS_OK)
        return -EFAULT;
    relay->full = true;
    return (int64_t)from.size;
}

struct file file_key_sink(struct key_relay *relay)
{
    static const struct file_operations operations = {.write = key_sink_write};

    return (struct file){.operations = &operations, .object = relay};
}

static int64_t key_source_read(struct file *file, struct user_span to)
{
    struct key_relay *relay = file->object;
    enum status status;

    if (to.size < sizeof(relay->grant))
        return -EINVAL;
    if (!relay->full)
        return 0;
    to.size = sizeof(relay->grant);
    status = span_write(to, relay->grant);
    wipe(relay->grant, sizeof(relay->grant));
    relay->full = false;
    return status == STATUS_OK ? (int64_t)to.size : -EFAULT;
}

struct file file_key_source(struct key_relay *relay)
{
    static const struct file_operations operations = {.read = key_source_read};

    return (struct file){.operations = &operations, .object = relay};
}

static int64_t constant_read(struct file *file, struct user_span to)
{
    struct constant *constant = file->object;

    if (to.size < constant->size)
        return -EINVAL;
    if (constant->given)
        return 0;
    to.size = constant->size;
    constant->given = true;
    return span_write(to, constant->bytes) == STATUS_OK ? (int64_t)to.size : -EFAULT;
}

struct file file_constant(struct constant *constant)
{
    static const struct file_operations operations = {.read = constant_read};

    return (struct file){.operations = &operations, .object = constant};
}

static bool is_block_range(const struct block_device *device, uint64_t offset, size_t size)
{
    return offset % BLOCK_SIZE == 0 && size % BLOCK_SIZE == 0 && offset <= device->size &&
           size <= device->size - offset;
}

static int64_t block_read_at(struct file *file, struct user_span to, uint64_t offset)
{
    struct block_device *device = file->object;

    if (!is_block_range(device, offset, to.size))
        return -EINVAL;
    for (size_t done = 0; done < to.size; done += BLOCK_TRANSFER_MAX) {
        struct user_span part = rest_of(to, done, BLOCK_TRANSFER_MAX);

        if (block_read(device, offset + done, part.size) != STATUS_OK)
            return -EIO;
        if (span_write(part, (const void *)device->bounce.bytes) != STATUS_OK)
            return -EFAULT;
    }
    return (int64_t)to.size;
}

static int64_t block_write_at(struct file *file, struct user_span from, uint64_t offset)
{
    struct block_device *device = file->object;

    if (!is_block_range(device, offset, from.size))
        return -EINVAL;
    for (size_t done = 0; done < from.size; done += BLOCK_TRANSFER_MAX) {
        struct user_span part = rest_of(from, done, BLOCK_TRANSFER_MAX);

        if (span_read((void *)device->bounce.bytes, part) != STATUS_OK)
            return -EFAULT;
        if (block_write(device, offset + done, part.size) != STATUS_OK)
            return -EIO;
    }
    return (int64_t)from.size;
}

static int64_t block_sync(struct file *file)
{
    return block_flush(file->object) == STATUS_OK ? 0 : -EIO;
}

static int64_t block_size(struct file *file)
{
    const struct block_device *device = file->object;

    return (int64_t)device->size;
}

struct file file_block(struct block_device *device)
{
    static const struct file_operations operations = {.read_at = block_read_at,
                                                      .write_at = block_write_at,
                                                      .sync = block_sync,
                                                      .size = block_size};

    return (struct file){.operations = &operations, .object = device};
}
