/* SPDX-License-Identifier: MIT */
#include "kbs/store/master_key.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "lib/base/hex.h"
#include "lib/file/credential.h"
#include "lib/file/durable.h"

#define WRAP_VERSION 1
#define SALT_SIZE    32
#define IV_SIZE      12
#define TAG_SIZE     16
#define KEY_DIGITS   (2 * MASTER_KEY_SIZE)
#define FILE_MAX     (MASTER_KEYS_MAX * (KEY_DIGITS + 1))

/* In front of the ciphertext. */
struct wrap_header {
    uint8_t version;
    uint8_t key_id[MASTER_KEY_ID];
    uint8_t salt[SALT_SIZE];
    uint8_t iv[IV_SIZE];
    uint8_t tag[TAG_SIZE];
};

_Static_assert(sizeof(struct wrap_header) == WRAP_OVERHEAD, "wrapped record");

const char *master_key_status_text(enum master_key_status status)
{
    switch (status) {
    case MASTER_KEY_OK:
        return "done";
    case MASTER_KEY_MISSING:
        return "there is no such file or credential";
    case MASTER_KEY_EXPOSED:
        return "is accessible to others than its owner; run chmod 600 on it, and consider the key "
               "known";
    case MASTER_KEY_MALFORMED:
        return "does not hold one to four lines of 64 hexadecimal digits";
    case MASTER_KEY_EXISTS:
        return "exists already";
    case MASTER_KEY_FULL:
        return "holds four keys already; wrap all secrets anew, then remove the lines of the older "
               "keys";
    case MASTER_KEY_FAILED:
        break;
    }
    return strerror(errno);
}

/* Key files */

static bool take_key(const char *digits, struct master_key *key)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    bool taken = hex_bytes(digits, key->bytes, sizeof(key->bytes)) &&
                 SHA256(key->bytes, sizeof(key->bytes), digest);

    if (taken)
        memcpy(key->id, digest, sizeof(key->id));
    return taken;
}

/* Lines of digits; the last one's end may be missing. */
static enum master_key_status parse_keys(char *text, struct master_keys *keys)
{
    char *rest = text, *line;

    keys->count = 0;
    while ((line = strsep(&rest, "\n")) && *line) {
        if (keys->count == MASTER_KEYS_MAX || !take_key(line, &keys->keys[keys->count]))
            return MASTER_KEY_MALFORMED;
        keys->count++;
    }
    return keys->count > 0 && (!rest || !*rest) ? MASTER_KEY_OK : MASTER_KEY_MALFORMED;
}

static enum master_key_status load_file(const char *path, enum file_secrecy secrecy,
                                        struct master_keys *keys)
{
    enum master_key_status status = MASTER_KEY_FAILED;
    struct file_bytes file;

    switch (file_read(path, secrecy, FILE_MAX, &file)) {
    case FILE_OK:
        status = strlen((char *)file.bytes) == file.size ? parse_keys((char *)file.bytes, keys)
                                                         : MASTER_KEY_MALFORMED;
        break;
    case FILE_EXPOSED:
        return MASTER_KEY_EXPOSED;
    case FILE_TOO_LARGE:
    case FILE_NOT_REGULAR:
        return MASTER_KEY_MALFORMED;
    case FILE_ERRNO:
        return errno == ENOENT ? MASTER_KEY_MISSING : MASTER_KEY_FAILED;
    }
    file_wipe(&file);
    return status;
}

enum master_key_status master_keys_load(const char *source, struct master_keys *keys)
{
    struct credential_path real;
    enum master_key_status status;

    *keys = (struct master_keys){0};
    if (!credential_resolve(source, &real))
        return MASTER_KEY_MISSING;
    status = load_file(real.path, credential_secrecy(&real), keys);
    if (status != MASTER_KEY_OK)
        master_keys_wipe(keys);
    return status;
}

void master_keys_wipe(struct master_keys *keys)
{
    OPENSSL_cleanse(keys, sizeof(*keys));
}

/* The keys' digits, the new one first. Returns the size; 0 without entropy. */
static size_t format_keys(const struct master_keys *older, char text[FILE_MAX + 1])
{
    uint8_t fresh[MASTER_KEY_SIZE];
    size_t used = 0;

    if (RAND_priv_bytes(fresh, sizeof(fresh)) != 1)
        return 0;
    for (size_t i = 0; i <= older->count; i++) {
        const uint8_t *bytes = i == 0 ? fresh : older->keys[i - 1].bytes;

        hex_text(bytes, MASTER_KEY_SIZE, text + used);
        used += KEY_DIGITS;
        text[used++] = '\n';
    }
    OPENSSL_cleanse(fresh, sizeof(fresh));
    return used;
}

/* The keys with a fresh one before them, at path. */
static enum master_key_status write_file(const char *path, const struct master_keys *older,
                                         enum file_place place)
{
    char text[FILE_MAX + 2];
    size_t size = format_keys(older, text);
    bool written = size > 0 && file_write(path, 0600, place, text, size);

    OPENSSL_cleanse(text, sizeof(text));
    if (written)
        return MASTER_KEY_OK;
    return size > 0 && errno == EEXIST ? MASTER_KEY_EXISTS : MASTER_KEY_FAILED;
}

enum master_key_status master_key_create(const char *path)
{
    struct master_keys none = {0};

    return write_file(path, &none, FILE_NEW);
}

enum master_key_status master_key_rotate(const char *path)
{
    struct master_keys keys;
    enum master_key_status status = master_keys_load(path, &keys);

    if (status == MASTER_KEY_OK && keys.count == MASTER_KEYS_MAX)
        status = MASTER_KEY_FULL;
    if (status == MASTER_KEY_OK)
        status = write_file(path, &keys, FILE_REPLACE);
    master_keys_wipe(&keys);
    return status;
}

/* Wrapping */

/* The record's own key: HKDF-SHA-512(master key, salt, "snp-vtpm kbs record v1"). */
static bool derive(const struct master_key *master, const uint8_t salt[SALT_SIZE],
                   uint8_t key[MASTER_KEY_SIZE])
{
    static char digest[] = "SHA512", info[] = "snp-vtpm kbs record v1";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)master->bytes,
                                          MASTER_KEY_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, SALT_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(info) - 1),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    bool derived = context && EVP_KDF_derive(context, key, MASTER_KEY_SIZE, parameters) == 1;

    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return derived;
}

/* AES-256-GCM both ways; authenticates context, which says what the record is. */
static bool run_gcm(bool seal, const uint8_t key[MASTER_KEY_SIZE], struct wrap_header *header,
                    const char *context, const uint8_t *in, size_t size, uint8_t *out)
{
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    int written, rest;
    bool done =
        gcm && EVP_CipherInit_ex2(gcm, EVP_aes_256_gcm(), key, header->iv, seal, NULL) == 1 &&
        EVP_CipherUpdate(gcm, NULL, &written, (const uint8_t *)context, (int)strlen(context)) ==
            1 &&
        EVP_CipherUpdate(gcm, out, &written, in, (int)size) == 1 &&
        (seal || EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, header->tag) == 1) &&
        EVP_CipherFinal_ex(gcm, out + written, &rest) == 1 &&
        (!seal || EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, header->tag) == 1);

    EVP_CIPHER_CTX_free(gcm);
    return done;
}

bool master_key_wrap(const struct master_keys *keys, const char *context, const void *bytes,
                     size_t size, uint8_t *out)
{
    struct wrap_header header = {.version = WRAP_VERSION};
    uint8_t key[MASTER_KEY_SIZE];
    bool wrapped;

    if (keys->count == 0 || size == 0 || size > INT_MAX)
        return false;
    memcpy(header.key_id, keys->keys[0].id, sizeof(header.key_id));
    wrapped = RAND_bytes(header.salt, SALT_SIZE) == 1 && RAND_bytes(header.iv, IV_SIZE) == 1 &&
              derive(&keys->keys[0], header.salt, key) &&
              run_gcm(true, key, &header, context, bytes, size, out + sizeof(header));
    OPENSSL_cleanse(key, sizeof(key));
    memcpy(out, &header, sizeof(header));
    return wrapped;
}

static const struct master_key *find_key(const struct master_keys *keys,
                                         const uint8_t id[MASTER_KEY_ID])
{
    for (size_t i = 0; i < keys->count; i++)
        if (memcmp(keys->keys[i].id, id, MASTER_KEY_ID) == 0)
            return &keys->keys[i];
    return NULL;
}

bool master_key_unwrap(const struct master_keys *keys, const char *context, const uint8_t *wrapped,
                       size_t size, void *out)
{
    struct wrap_header header;
    const struct master_key *master;
    uint8_t key[MASTER_KEY_SIZE];
    bool unwrapped;

    if (size <= sizeof(header) || size > INT_MAX)
        return false;
    memcpy(&header, wrapped, sizeof(header));
    master = find_key(keys, header.key_id);
    unwrapped =
        header.version == WRAP_VERSION && master && derive(master, header.salt, key) &&
        run_gcm(false, key, &header, context, wrapped + sizeof(header), size - sizeof(header), out);
    OPENSSL_cleanse(key, sizeof(key));
    if (!unwrapped)
        OPENSSL_cleanse(out, size - sizeof(header));
    return unwrapped;
}
