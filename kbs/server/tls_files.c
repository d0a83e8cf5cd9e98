/* SPDX-License-Identifier: MIT */
#include "kbs/server/tls_files.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/x509.h>

#include "lib/file/credential.h"

#define CHAIN_MAX     8
#define FILE_SIZE_MAX 65536 /* bytes */

/* A chain and its key. */
struct pair {
    struct pair *before; /* the one that this replaced: handshakes under way may still use it */
    unsigned length;
    gnutls_pcert_st chain[CHAIN_MAX];
    gnutls_privkey_t key;
    time_t expiry;
};

struct tls_files {
    const char *certificate, *key;
    pthread_mutex_t mutex;
    struct pair *current;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct tls_error *error, const char *format,
                                                       ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return false;
}

/* Reads a file, which the caller wipes. */
MUST_CHECK static bool load_file(const char *path, bool secret, struct file_bytes *file,
                                 struct tls_error *error)
{
    struct credential_path real;
    enum file_error read;

    *file = (struct file_bytes){0};
    if (!credential_resolve(path, &real))
        return fail(error, "%s: there is no such credential; the unit needs LoadCredential=", path);
    read = file_read(real.path, secret && !real.of_systemd ? FILE_SECRET : FILE_PUBLIC,
                     FILE_SIZE_MAX, file);
    return read == FILE_OK || fail(error, "%s: %s", path, file_error_text(read));
}

static gnutls_datum_t datum_of(const struct file_bytes *file)
{
    return (gnutls_datum_t){.data = file->bytes, .size = (unsigned)file->size};
}

static void free_pair(struct pair *pair)
{
    for (unsigned i = 0; i < pair->length; i++)
        gnutls_pcert_deinit(&pair->chain[i]);
    if (pair->key)
        gnutls_privkey_deinit(pair->key);
    free(pair);
}

MUST_CHECK static bool load_chain(struct pair *pair, const char *path, struct tls_error *error)
{
    unsigned length = CHAIN_MAX;
    struct file_bytes file;
    gnutls_datum_t bytes;
    bool loaded;
    int result;

    if (!load_file(path, false, &file, error))
        return false;
    bytes = datum_of(&file);
    result =
        gnutls_pcert_list_import_x509_raw(pair->chain, &length, &bytes, GNUTLS_X509_FMT_PEM, 0);
    loaded = result == GNUTLS_E_SUCCESS;
    if (loaded)
        pair->length = length;
    else
        fail(error, "%s: not a chain of up to %d certificates in PEM, the server's own first: %s",
             path, CHAIN_MAX, gnutls_strerror(result));
    file_wipe(&file);
    return loaded;
}

MUST_CHECK static bool load_key(struct pair *pair, const char *path, struct tls_error *error)
{
    struct file_bytes file;
    gnutls_datum_t bytes;
    bool loaded;
    int result;

    if (!load_file(path, true, &file, error))
        return false;
    bytes = datum_of(&file);
    result = gnutls_privkey_init(&pair->key);
    if (result == GNUTLS_E_SUCCESS)
        result = gnutls_privkey_import_x509_raw(pair->key, &bytes, GNUTLS_X509_FMT_PEM, NULL, 0);
    loaded = result == GNUTLS_E_SUCCESS;
    if (!loaded)
        fail(error, "%s: not a private key in PEM without a password: %s", path,
             gnutls_strerror(result));
    file_wipe(&file);
    return loaded;
}

/* SHA-256 of the public key */
MUST_CHECK static bool key_id(gnutls_pubkey_t key, unsigned char id[32])
{
    size_t size = 32;

    return gnutls_pubkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id, &size) == GNUTLS_E_SUCCESS;
}

MUST_CHECK static bool go_together(const struct pair *pair)
{
    unsigned char of_key[32], of_certificate[32];
    gnutls_pubkey_t public;
    bool same;

    if (gnutls_pubkey_init(&public) != GNUTLS_E_SUCCESS)
        return false;
    same = gnutls_pubkey_import_privkey(public, pair->key, 0, 0) == GNUTLS_E_SUCCESS &&
           key_id(public, of_key) && key_id(pair->chain[0].pubkey, of_certificate) &&
           memcmp(of_key, of_certificate, sizeof(of_key)) == 0;
    gnutls_pubkey_deinit(public);
    return same;
}

/* -1 when it cannot be told */
static time_t expiry_of(const gnutls_pcert_st *certificate)
{
    gnutls_x509_crt_t parsed;
    time_t expiry;

    if (gnutls_x509_crt_init(&parsed) != GNUTLS_E_SUCCESS)
        return -1;
    expiry =
        gnutls_x509_crt_import(parsed, &certificate->cert, GNUTLS_X509_FMT_DER) == GNUTLS_E_SUCCESS
            ? gnutls_x509_crt_get_expiration_time(parsed)
            : -1;
    gnutls_x509_crt_deinit(parsed);
    return expiry;
}

MUST_CHECK static struct pair *load_pair(const struct tls_files *files, struct tls_error *error)
{
    struct pair *pair = calloc(1, sizeof(*pair));

    if (!pair) {
        fail(error, "out of memory");
        return NULL;
    }
    if (!load_chain(pair, files->certificate, error) || !load_key(pair, files->key, error))
        goto failed;
    if (!go_together(pair)) {
        fail(error, "%s is not the key of the first certificate in %s", files->key,
             files->certificate);
        goto failed;
    }
    pair->expiry = expiry_of(&pair->chain[0]);
    if (pair->expiry < time(NULL)) {
        fail(error, "%s: the certificate has expired", files->certificate);
        goto failed;
    }
    return pair;
failed:
    free_pair(pair);
    return NULL;
}

struct tls_files *tls_files_load(const char *certificate, const char *key, struct tls_error *error)
{
    struct tls_files *files = calloc(1, sizeof(*files));

    if (!files) {
        fail(error, "out of memory");
        return NULL;
    }
    files->certificate = certificate;
    files->key = key;
    files->current = load_pair(files, error);
    if (!files->current) {
        free(files);
        return NULL;
    }
    pthread_mutex_init(&files->mutex, NULL);
    return files;
}

bool tls_files_reload(struct tls_files *files, struct tls_error *error)
{
    struct pair *pair = load_pair(files, error);

    if (!pair)
        return false;
    pthread_mutex_lock(&files->mutex);
    pair->before = files->current;
    files->current = pair;
    pthread_mutex_unlock(&files->mutex);
    return true;
}

void tls_files_free(struct tls_files *files)
{
    struct pair *before;

    if (!files)
        return;
    for (struct pair *pair = files->current; pair; pair = before) {
        before = pair->before;
        free_pair(pair);
    }
    pthread_mutex_destroy(&files->mutex);
    free(files);
}

time_t tls_files_expiry(struct tls_files *files)
{
    time_t expiry;

    pthread_mutex_lock(&files->mutex);
    expiry = files->current->expiry;
    pthread_mutex_unlock(&files->mutex);
    return expiry;
}

void tls_files_present(struct tls_files *files, gnutls_pcert_st **chain, unsigned *length,
                       gnutls_privkey_t *key)
{
    pthread_mutex_lock(&files->mutex);
    *chain = files->current->chain;
    *length = files->current->length;
    *key = files->current->key;
    pthread_mutex_unlock(&files->mutex);
}
