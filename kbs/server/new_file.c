/* SPDX-License-Identifier: MIT */
#include "kbs/server/new_file.h"

#include <errno.h>

#include <openssl/bio.h>
#include <openssl/pem.h>

/* Writes what is in memory, which is NULL or made in vain when OpenSSL failed, and frees it. */
MUST_CHECK static bool write_memory(const char *path, mode_t mode, enum file_place place,
                                    BIO *memory, bool made)
{
    bool written = false;
    char *text;
    long size;

    errno = 0;
    if (made) {
        size = BIO_get_mem_data(memory, &text);
        written = file_write(path, mode, place, text, (size_t)size);
    }
    BIO_free(memory);
    return written;
}

bool new_file_write_certificate(const char *path, mode_t mode, enum file_place place,
                                X509 *certificate)
{
    BIO *memory = BIO_new(BIO_s_mem());

    return write_memory(path, mode, place, memory,
                        memory && PEM_write_bio_X509(memory, certificate) == 1);
}

/* Memory of this kind is wiped when it is freed. */
bool new_file_write_key(const char *path, mode_t mode, enum file_place place, EVP_PKEY *key)
{
    BIO *memory = BIO_new(BIO_s_secmem());

    return write_memory(
        path, mode, place, memory,
        memory && PEM_write_bio_PKCS8PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1);
}

bool new_file_write_public(const char *path, mode_t mode, enum file_place place, EVP_PKEY *key)
{
    BIO *memory = BIO_new(BIO_s_mem());

    return write_memory(path, mode, place, memory,
                        memory && PEM_write_bio_PUBKEY(memory, key) == 1);
}
