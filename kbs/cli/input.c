/* SPDX-License-Identifier: MIT */
#include "kbs/cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <unistd.h>

#include "kbs/cli/fail.h"
#include "lib/base/hex.h"
#include "lib/file/durable.h"
#include "lib/file/io.h"

int input_read(const char *path, enum file_secrecy secrecy, size_t max, struct file_bytes *file)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    enum file_error error;

    *file = (struct file_bytes){0};
    if (fd < 0)
        return complain(EXIT_FILE, "%s cannot be read: %s", path, strerror(errno));
    error = file_read_descriptor(fd, secrecy, max, file);
    close(fd);
    switch (error) {
    case FILE_OK:
        return EXIT_DONE;
    case FILE_TOO_LARGE:
        return complain(EXIT_REFUSED, "%s has more than %zu bytes", path, max);
    case FILE_EXPOSED:
        return complain(EXIT_FILE,
                        "%s is secret, and others may read or change it; chmod 600 it first", path);
    default:
        return complain(EXIT_FILE, "%s cannot be read: %s", path, file_error_text(error));
    }
}

int input_read_key(const char *path, uint8_t key[INPUT_KEY_SIZE])
{
    struct file_bytes file;
    size_t length;
    int status = input_read(path, FILE_SECRET, 2 * INPUT_KEY_SIZE + 2, &file);

    if (!file.bytes)
        return status;
    length = strcspn((const char *)file.bytes, "\r\n");
    if (file.size == INPUT_KEY_SIZE) {
        memcpy(key, file.bytes, INPUT_KEY_SIZE);
    } else {
        file.bytes[length] = '\0';
        if (file.size > length + 2 || !hex_bytes((const char *)file.bytes, key, INPUT_KEY_SIZE))
            status = complain(EXIT_REFUSED,
                              "%s is no state key: it must have 64 bytes or 128 "
                              "hexadecimal digits",
                              path);
    }
    file_wipe(&file);
    return status;
}

int input_read_token(const char *path, char *text, size_t size)
{
    struct file_bytes file;
    size_t length;
    int status = input_read(path, FILE_SECRET, size + 1, &file);

    if (!file.bytes)
        return status;
    length = strcspn((const char *)file.bytes, " \r\n");
    if (length == 0 || length > size || file.size > length + 1)
        status = complain(EXIT_REFUSED,
                          "%s is no token: it must have one line, as kbsctl token "
                          "create wrote it",
                          path);
    else
        snprintf(text, size + 1, "%.*s", (int)length, (const char *)file.bytes);
    file_wipe(&file);
    return status;
}

int output_begin(const char *path, int *fd)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return *fd >= 0 ? EXIT_DONE
                    : complain(EXIT_FILE, "%s cannot be made: %s", path, strerror(errno));
}

int output_end(const char *path, int fd, const char *text)
{
    bool written = text && io_write_all(fd, text, strlen(text)) && io_write_all(fd, "\n", 1) &&
                   fsync(fd) == 0 && file_sync_folder_of(path);

    if (close(fd) == 0 && written)
        return EXIT_DONE;
    unlink(path);
    return text ? complain(EXIT_FILE, "%s cannot be written: %s", path, strerror(errno))
                : EXIT_DONE;
}
