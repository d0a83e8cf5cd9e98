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

bool new_file_write(const char *path, mode_t mode, const void *bytes, size_t size)
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

bool new_file_replace(const char *path, mode_t mode, const void *bytes, size_t size)
{
    char beside[PATH_MAX];
    int length = snprintf(beside, sizeof(beside), "%s.new", path), error;

    if (length < 0 || (size_t)length >= sizeof(beside)) {
        errno = ENAMETOOLONG;
        return false;
    }
    unlink(beside);
    if (!new_file_write(beside, mode, bytes, size))
        return false;
    if (rename(beside, path) == 0)
        return sync_folder_of(path);
    error = errno;
    unlink(beside);
    errno = error;
    return false;
}

enum pem_kind {
    PEM_KIND_CERTIFICATE,
    PEM_KIND_PRIVATE,
    PEM_KIND_PUBLIC,
};

MUST_CHECK static bool write_pem(const char *path, mode_t mode, enum pem_kind kind,
                                 X509 *certificate, EVP_PKEY *key)
{
    BIO *memory = BIO_new(BIO_s_secmem());
    int made = 0;
    char *text;
    long size;
    bool written = false;

    errno = 0;
    if (!memory)
        return false;
    switch (kind) {
    case PEM_KIND_CERTIFICATE:
        made = PEM_write_bio_X509(memory, certificate);
        break;
    case PEM_KIND_PRIVATE:
        made = PEM_write_bio_PKCS8PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL);
        break;
    case PEM_KIND_PUBLIC:
        made = PEM_write_bio_PUBKEY(memory, key);
        break;
    }
    size = BIO_get_mem_data(memory, &text);
    if (made == 1 && size > 0)
        written = new_file_write(path, mode, text, (size_t)size);
    BIO_free(memory);
    return written;
}

bool new_file_write_certificate(const char *path, mode_t mode, X509 *certificate)
{
    return write_pem(path, mode, PEM_KIND_CERTIFICATE, certificate, NULL);
}

bool new_file_write_key(const char *path, mode_t mode, EVP_PKEY *key)
{
    return write_pem(path, mode, PEM_KIND_PRIVATE, NULL, key);
}

bool new_file_write_public(const char *path, mode_t mode, EVP_PKEY *key)
{
    return write_pem(path, mode, PEM_KIND_PUBLIC, NULL, key);
}
