/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/chip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "emulator/amd-sp/chip_manufacture.h"
#include "emulator/amd-sp/tcb.h"

MUST_CHECK static FILE *open_file(int directory, const char *name)
{
    int descriptor = openat(directory, name, O_RDONLY | O_CLOEXEC);
    FILE *file;

    if (descriptor < 0)
        return NULL;
    file = fdopen(descriptor, "r");
    if (!file)
        close(descriptor);
    return file;
}

/* Reads a file that is exactly size bytes long. */
MUST_CHECK static enum chip_error read_exactly(int directory, const char *name, uint8_t *bytes,
                                               size_t size)
{
    FILE *file = open_file(directory, name);
    bool exact;

    if (!file)
        return CHIP_CANNOT_READ;
    setvbuf(file, NULL, _IONBF, 0); /* no copy of a secret in a buffer that nobody wipes */
    exact = fread(bytes, 1, size, file) == size && fgetc(file) == EOF;
    fclose(file);
    return exact ? CHIP_OK : CHIP_DAMAGED;
}

MUST_CHECK static enum chip_error read_key(int directory, const char *name, EVP_PKEY **key)
{
    FILE *file = open_file(directory, name);

    if (!file)
        return CHIP_CANNOT_READ;
    *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    return *key ? CHIP_OK : CHIP_DAMAGED;
}

MUST_CHECK static enum chip_error read_certificate(int directory, const char *name,
                                                   struct chip_certificate *certificate)
{
    FILE *file = open_file(directory, name);
    X509 *parsed;
    int size;

    if (!file)
        return CHIP_CANNOT_READ;
    parsed = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    if (!parsed)
        return CHIP_DAMAGED;
    size = i2d_X509(parsed, &certificate->der);
    X509_free(parsed);
    if (size <= 0)
        return CHIP_CRYPTO;
    certificate->size = (size_t)size;
    return CHIP_OK;
}

/* A report that its own certificate does not verify would only fail much later, at the KBS. */
MUST_CHECK static bool key_matches_certificate(const struct chip *chip)
{
    const unsigned char *der = chip->vcek_certificate.der;
    X509 *vcek = d2i_X509(NULL, &der, (long)chip->vcek_certificate.size);
    bool matches = vcek && X509_check_private_key(vcek, chip->vcek) == 1;

    X509_free(vcek);
    return matches;
}

MUST_CHECK static enum chip_error read_identity(struct chip *chip, int directory)
{
    enum chip_error error;

    if ((error = read_exactly(directory, "chip_id", chip->chip_id, sizeof(chip->chip_id))) !=
            CHIP_OK ||
        (error = read_exactly(directory, "chip_secret", chip->secret, sizeof(chip->secret))) !=
            CHIP_OK ||
        (error = read_key(directory, "vcek.key", &chip->vcek)) != CHIP_OK ||
        (error = read_certificate(directory, "vcek.pem", &chip->vcek_certificate)) != CHIP_OK ||
        (error = read_certificate(directory, "ask.pem", &chip->ask_certificate)) != CHIP_OK ||
        (error = read_certificate(directory, "ark.pem", &chip->ark_certificate)) != CHIP_OK)
        return error;
    return key_matches_certificate(chip) ? CHIP_OK : CHIP_DAMAGED;
}

enum chip_error chip_open(struct chip *chip, const char *path)
{
    enum chip_error error = CHIP_OK;
    int directory = -1;

    *chip = (struct chip){.tcb = EMULATED_TCB};
    /* An empty directory can be replaced, a filled one is somebody's: never overwrite it. */
    if (rmdir(path) == 0 || errno == ENOENT)
        error = chip_manufacture(path);
    if (error != CHIP_OK)
        return error;
    directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return CHIP_CANNOT_READ;
    error = read_identity(chip, directory);
    close(directory);
    if (error != CHIP_OK)
        chip_close(chip);
    return error;
}

void chip_close(struct chip *chip)
{
    EVP_PKEY_free(chip->vcek);
    OPENSSL_free(chip->vcek_certificate.der);
    OPENSSL_free(chip->ask_certificate.der);
    OPENSSL_free(chip->ark_certificate.der);
    OPENSSL_cleanse(chip, sizeof(*chip));
}

const char *chip_error_text(enum chip_error error)
{
    switch (error) {
    case CHIP_OK:
        return "no error";
    case CHIP_CANNOT_CREATE:
        return "cannot make the directory (its parent must exist and be writable)";
    case CHIP_CANNOT_READ:
        return "cannot read the chip's files; if it is no chip's directory, name another one";
    case CHIP_DAMAGED:
        return "its files are damaged or do not belong together; remove the directory to get a "
               "new chip";
    case CHIP_CRYPTO:
        return "libcrypto failed";
    }
    return "unknown error";
}
