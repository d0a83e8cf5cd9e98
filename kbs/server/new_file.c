/* SPDX-License-Identifier: MIT */
#include "kbs/server/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/pem.h>

MUST_CHECK static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

/* Makes the name in its folder durable. */
MUST_CHECK static bool sync_folder_of(const char *path)
{
    char copy[PATH_MAX];
    bool synced;
    int fd;

    if (strlen(path) >= sizeof(copy)) {
        errno = ENAMETOOLONG;
        return false;
    }
    strcpy(copy, path);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    synced = fsync(fd) == 0;
    close(fd);
    return synced;
}

MUST_CHECK static bool write_new(const char *path, mode_t mode, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode), error;
    bool written;

    if (fd < 0)
        return false;
    written = fchmod(fd, mode) == 0 && write_all(fd, bytes, size) && fsync(fd) == 0 &&
              sync_folder_of(path);
    error = errno;
    close(fd);
    if (!written) {
        unlink(path);
        errno = error;
    }
    return written;
}

MUST_CHECK static bool replace(const char *path, mode_t mode, const void *bytes, size_t size)
{
    char beside[PATH_MAX];
    int length = snprintf(beside, sizeof(beside), "%s.new", path), error;

    if (length < 0 || (size_t)length >= sizeof(beside)) {
        errno = ENAMETOOLONG;
        return false;
    }
    unlink(beside);
    if (!write_new(beside, mode, bytes, size))
        return false;
    if (rename(beside, path) == 0)
        return sync_folder_of(path);
    error = errno;
    unlink(beside);
    errno = error;
    return false;
}

bool new_file_write(const char *path, mode_t mode, enum new_file_how how, const void *bytes,
                    size_t size)
{
    return how == NEW_FILE_REPLACE ? replace(path, mode, bytes, size)
                                   : write_new(path, mode, bytes, size);
}

/* Writes what is in memory, which is NULL or made in vain when OpenSSL failed, and frees it. */
MUST_CHECK static bool write_memory(const char *path, mode_t mode, enum new_file_how how,
                                    BIO *memory, bool made)
{
    bool written = false;
    char *text;
    long size;

    errno = 0;
    if (made) {
        size = BIO_get_mem_data(memory, &text);
        written = new_file_write(path, mode, how, text, (size_t)size);
    }
    BIO_free(memory);
    return written;
}

bool new_file_write_certificate(const char *path, mode_t mode, enum new_file_how how,
                                X509 *certificate)
{
    BIO *memory = BIO_new(BIO_s_mem());

    return write_memory(path, mode, how, memory,
                        memory && PEM_write_bio_X509(memory, certificate) == 1);
}

/* Memory of this kind is wiped when it is freed. */
bool new_file_write_key(const char *path, mode_t mode, enum new_file_how how, EVP_PKEY *key)
{
    BIO *memory = BIO_new(BIO_s_secmem());

    return write_memory(
        path, mode, how, memory,
        memory && PEM_write_bio_PKCS8PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1);
}

bool new_file_write_public(const char *path, mode_t mode, enum new_file_how how, EVP_PKEY *key)
{
    BIO *memory = BIO_new(BIO_s_mem());

    return write_memory(path, mode, how, memory, memory && PEM_write_bio_PUBKEY(memory, key) == 1);
}
