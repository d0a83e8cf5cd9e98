/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/chip_manufacture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "emulator/amd-sp/chip_certificates.h"
#include "emulator/amd-sp/tcb.h"
#include "lib/file/io.h"

#define CA_KEY_BITS   4096
#define MODE_SECRET   0600
#define MODE_PUBLIC   0644
#define TEMPORARY_TAG ".new-XXXXXX"

/* Everything about a new chip before it is on disk. */
struct blueprint {
    uint8_t chip_id[CHIP_ID_SIZE];
    uint8_t secret[CHIP_SECRET_SIZE];
    EVP_PKEY *ark_key, *ask_key, *vcek_key;
    X509 *ark, *ask, *vcek;
};

MUST_CHECK static bool blueprint_make(struct blueprint *b)
{
    return RAND_bytes(b->chip_id, sizeof(b->chip_id)) == 1 &&
           RAND_priv_bytes(b->secret, sizeof(b->secret)) == 1 &&
           (b->ark_key = EVP_RSA_gen(CA_KEY_BITS)) && (b->ask_key = EVP_RSA_gen(CA_KEY_BITS)) &&
           (b->vcek_key = EVP_EC_gen("P-384")) && (b->ark = chip_certificates_ark(b->ark_key)) &&
           (b->ask = chip_certificates_ask(b->ask_key, b->ark, b->ark_key)) &&
           (b->vcek =
                chip_certificates_vcek(b->vcek_key, b->ask, b->ask_key, b->chip_id, EMULATED_TCB));
}

static void blueprint_wipe(struct blueprint *b)
{
    EVP_PKEY_free(b->ark_key);
    EVP_PKEY_free(b->ask_key);
    EVP_PKEY_free(b->vcek_key);
    X509_free(b->ark);
    X509_free(b->ask);
    X509_free(b->vcek);
    OPENSSL_cleanse(b, sizeof(*b));
}

/* Writes a new file durably. */
MUST_CHECK static enum chip_error store(int directory, const char *name, mode_t mode,
                                        const void *bytes, size_t size)
{
    int file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool stored;

    if (file < 0)
        return CHIP_CANNOT_CREATE;
    stored = io_write_all(file, bytes, size) && fsync(file) == 0;
    if (close(file) != 0)
        stored = false;
    return stored ? CHIP_OK : CHIP_CANNOT_CREATE;
}

/* Writes what memory holds, and frees (and wipes) it. */
MUST_CHECK static enum chip_error store_bio(int directory, const char *name, mode_t mode,
                                            BIO *memory, bool filled)
{
    enum chip_error error = CHIP_CRYPTO;
    char *bytes;
    long size;

    if (filled) {
        size = BIO_get_mem_data(memory, &bytes);
        error = store(directory, name, mode, bytes, (size_t)size);
    }
    BIO_free(memory);
    return error;
}

MUST_CHECK static enum chip_error store_key(int directory, const char *name, EVP_PKEY *key)
{
    BIO *memory = BIO_new(BIO_s_secmem());
    bool filled = memory && PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1;

    return store_bio(directory, name, MODE_SECRET, memory, filled);
}

/* Writes one certificate, or two after another when second is not NULL. */
MUST_CHECK static enum chip_error store_pem(int directory, const char *name, X509 *first,
                                            X509 *second)
{
    BIO *memory = BIO_new(BIO_s_mem());
    bool filled = memory && PEM_write_bio_X509(memory, first) == 1 &&
                  (!second || PEM_write_bio_X509(memory, second) == 1);

    return store_bio(directory, name, MODE_PUBLIC, memory, filled);
}

MUST_CHECK static enum chip_error store_der(int directory, const char *name, X509 *certificate)
{
    BIO *memory = BIO_new(BIO_s_mem());
    bool filled = memory && i2d_X509_bio(memory, certificate) == 1;

    return store_bio(directory, name, MODE_PUBLIC, memory, filled);
}

MUST_CHECK static enum chip_error store_blueprint(int directory, const struct blueprint *b)
{
    enum chip_error error;

    if ((error = store_key(directory, "ark.key", b->ark_key)) != CHIP_OK ||
        (error = store_key(directory, "ask.key", b->ask_key)) != CHIP_OK ||
        (error = store_key(directory, "vcek.key", b->vcek_key)) != CHIP_OK ||
        (error = store(directory, "chip_secret", MODE_SECRET, b->secret, sizeof(b->secret))) !=
            CHIP_OK ||
        (error = store(directory, "chip_id", MODE_SECRET, b->chip_id, sizeof(b->chip_id))) !=
            CHIP_OK ||
        (error = store_pem(directory, "ark.pem", b->ark, NULL)) != CHIP_OK ||
        (error = store_pem(directory, "ask.pem", b->ask, NULL)) != CHIP_OK ||
        (error = store_pem(directory, "cert_chain.pem", b->ask, b->ark)) != CHIP_OK ||
        (error = store_pem(directory, "vcek.pem", b->vcek, NULL)) != CHIP_OK ||
        (error = store_der(directory, "vcek.der", b->vcek)) != CHIP_OK)
        return error;
    return fsync(directory) == 0 ? CHIP_OK : CHIP_CANNOT_CREATE;
}

/* Removes a directory of our own making, and the files in it. */
static void discard(const char *path)
{
    int saved = errno;
    DIR *directory = opendir(path);
    const struct dirent *entry;

    if (directory) {
        while ((entry = readdir(directory)))
            unlinkat(dirfd(directory), entry->d_name, 0);
        closedir(directory);
    }
    rmdir(path);
    errno = saved;
}

/* Moves the finished directory into place, unless another process did so before. */
MUST_CHECK static enum chip_error publish(const char *temporary, const char *path)
{
    if (rename(temporary, path) == 0)
        return CHIP_OK;
    discard(temporary);
    return errno == ENOTEMPTY || errno == EEXIST ? CHIP_OK : CHIP_CANNOT_CREATE;
}

/* The name of the directory to build in: directory's sibling, so that it can be renamed. */
MUST_CHECK static char *temporary_name(const char *directory)
{
    size_t length = strlen(directory);
    char *name;

    while (length > 1 && directory[length - 1] == '/')
        length--;
    return asprintf(&name, "%.*s" TEMPORARY_TAG, (int)length, directory) < 0 ? NULL : name;
}

enum chip_error chip_manufacture(const char *path)
{
    enum chip_error error = CHIP_CANNOT_CREATE;
    struct blueprint blueprint = {0};
    char *temporary = temporary_name(path);
    int directory = -1;

    if (!temporary || !mkdtemp(temporary))
        goto out;
    directory = open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        goto out;
    error = blueprint_make(&blueprint) ? store_blueprint(directory, &blueprint) : CHIP_CRYPTO;
    if (error == CHIP_OK)
        error = publish(temporary, path);
    else
        discard(temporary);
out:
    blueprint_wipe(&blueprint);
    if (directory >= 0)
        close(directory);
    free(temporary);
    return error;
}
