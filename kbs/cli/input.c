/* SPDX-License-Identifier: MIT */
#include "kbs/cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kbs/admin/values.h"
#include "kbs/cli/cli.h"
#include "lib/base/hex.h"

static int open_input(const char *path, enum input_kind kind, int *fd)
{
    struct stat status;

    *fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return cli_fail(EXIT_FILE, "%s cannot be read: %s", path, strerror(errno));
    if (kind == INPUT_SECRET && fstat(*fd, &status) == 0 && S_ISREG(status.st_mode) &&
        (status.st_mode & 077) != 0)
        return cli_fail(EXIT_FILE,
                        "%s is secret, and others may read or change it; chmod 600 it first", path);
    return EXIT_DONE;
}

/* Reads to the end of the file or until room is full; -1 with errno. */
static ssize_t read_all(int fd, uint8_t *bytes, size_t room)
{
    size_t used = 0;
    ssize_t got;

    do {
        got = read(fd, bytes + used, room - used);
        if (got > 0)
            used += (size_t)got;
    } while ((got > 0 && used < room) || (got < 0 && errno == EINTR));
    return got < 0 ? -1 : (ssize_t)used;
}

int input_read(const char *path, enum input_kind kind, size_t max, uint8_t **bytes, size_t *size)
{
    int fd;
    int status = open_input(path, kind, &fd);
    uint8_t *buffer = calloc(1, max + 1);
    ssize_t got = -1;

    *bytes = NULL;
    *size = 0;
    if (status == EXIT_DONE && !buffer)
        status = cli_fail(EXIT_FILE, "out of memory");
    if (status == EXIT_DONE) {
        got = read_all(fd, buffer, max + 1);
        if (got < 0)
            status = cli_fail(EXIT_FILE, "%s cannot be read: %s", path, strerror(errno));
        else if ((size_t)got > max)
            status = cli_fail(EXIT_REFUSED, "%s has more than %zu bytes", path, max);
    }
    if (fd >= 0)
        close(fd);
    if (status != EXIT_DONE) {
        OPENSSL_clear_free(buffer, buffer ? max + 1 : 0);
        return status;
    }
    *bytes = buffer;
    *size = (size_t)got;
    return EXIT_DONE;
}

int input_read_key(const char *path, uint8_t key[INPUT_KEY_SIZE])
{
    uint8_t *bytes;
    size_t size, length;
    int status = input_read(path, INPUT_SECRET, 2 * INPUT_KEY_SIZE + 2, &bytes, &size);

    if (status != EXIT_DONE)
        return status;
    length = strcspn((const char *)bytes, "\r\n");
    if (size == INPUT_KEY_SIZE) {
        memcpy(key, bytes, INPUT_KEY_SIZE);
    } else {
        bytes[length] = '\0';
        if (size > length + 2 || !hex_bytes((const char *)bytes, key, INPUT_KEY_SIZE))
            status = cli_fail(EXIT_REFUSED,
                              "%s is no state key: it must have 64 bytes or 128 "
                              "hexadecimal digits",
                              path);
    }
    OPENSSL_clear_free(bytes, size + 1);
    return status;
}

int input_read_token(const char *path, char *text, size_t size)
{
    uint8_t *bytes;
    size_t got, length;
    int status = input_read(path, INPUT_SECRET, size + 1, &bytes, &got);

    if (status != EXIT_DONE)
        return status;
    length = strcspn((const char *)bytes, " \r\n");
    if (length == 0 || length > size || got > length + 1)
        status = cli_fail(EXIT_REFUSED,
                          "%s is no token: it must have one line, as kbsctl token "
                          "create wrote it",
                          path);
    else
        snprintf(text, size + 1, "%.*s", (int)length, (const char *)bytes);
    OPENSSL_clear_free(bytes, got + 1);
    return status;
}

int output_begin(const char *path, int *fd)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return *fd >= 0 ? EXIT_DONE
                    : cli_fail(EXIT_FILE, "%s cannot be made: %s", path, strerror(errno));
}

int output_end(const char *path, int fd, const char *text)
{
    bool written = text && dprintf(fd, "%s\n", text) == (int)strlen(text) + 1 && fsync(fd) == 0;

    if (close(fd) == 0 && written)
        return EXIT_DONE;
    unlink(path);
    return text ? cli_fail(EXIT_FILE, "%s cannot be written: %s", path, strerror(errno))
                : EXIT_DONE;
}
