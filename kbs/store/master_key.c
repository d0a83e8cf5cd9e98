/* SPDX-License-Identifier: MIT */
#include "kbs/store/master_key.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "lib/base/hex.h"

#define WRAP_VERSION 1
#define SALT_SIZE    32
#define IV_SIZE      12
#define TAG_SIZE     16
#define KEY_DIGITS   (2 * MASTER_KEY_SIZE)
#define FILE_MAX     (MASTER_KEYS_MAX * (KEY_DIGITS + 1))
#define CREDENTIAL   "credential:"

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

/* exposed: the bits of its mode that it must not have. */
static enum master_key_status load_file(const char *path, mode_t exposed, struct master_keys *keys)
{
    char text[FILE_MAX + 2];
    enum master_key_status status = MASTER_KEY_FAILED;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat file;
    ssize_t size;

    if (fd < 0)
        return errno == ENOENT ? MASTER_KEY_MISSING : MASTER_KEY_FAILED;
    if (fstat(fd, &file) == 0) {
        size = read(fd, text, sizeof(text) - 1);
        if (file.st_mode & exposed) {
            status = MASTER_KEY_EXPOSED;
        } else if (size >= 0) {
            text[size] = '\0';
            status = strlen(text) == (size_t)size && size <= FILE_MAX ? parse_keys(text, keys)
                                                                      : MASTER_KEY_MALFORMED;
        }
    }
    OPENSSL_cleanse(text, sizeof(text));
    close(fd);
    return status;
}

enum master_key_status master_keys_load(const char *source, struct master_keys *keys)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY"), *name = source;
    enum master_key_status status;
    mode_t exposed = 077;
    char path[PATH_MAX];

    *keys = (struct master_keys){0};
    if (strncmp(source, CREDENTIAL, strlen(CREDENTIAL)) == 0) {
        name += strlen(CREDENTIAL);
        if (!directory || strchr(name, '/') ||
            snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
            return MASTER_KEY_MISSING;
        source = path;
        exposed = 037; /* systemd lets the service read by an ACL, which shows as the group's bit */
    }
    status = load_file(source, exposed, keys);
    if (status != MASTER_KEY_OK)
        master_keys_wipe(keys);
    return status;
}

void master_keys_wipe(struct master_keys *keys)
{
    OPENSSL_cleanse(keys, sizeof(*keys));
}

static bool write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, text, size);

        if (written < 0)
            return false;
        text += written;
        size -= (size_t)written;
    }
    return fsync(fd) == 0;
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

/* Makes the names in the folder of path durable: secrets are soon wrapped under this key alone. */
static bool sync_folder(const char *path)
{
    char copy[PATH_MAX];
    int fd;
    bool synced;

    if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
        return false;
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    synced = fsync(fd) == 0;
    close(fd);
    return synced;
}

/* Writes a new file at path; with replace_at, moves it there when it is durable. */
static enum master_key_status write_file(const char *path, const struct master_keys *older,
                                         const char *replace_at)
{
    char text[FILE_MAX + 2];
    enum master_key_status status = MASTER_KEY_FAILED;
    size_t size = format_keys(older, text);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int error;

    if (fd < 0)
        status = errno == EEXIST ? MASTER_KEY_EXISTS : MASTER_KEY_FAILED;
    else if (size > 0 && write_all(fd, text, size) &&
             (!replace_at || rename(path, replace_at) == 0) && sync_folder(path))
        status = MASTER_KEY_OK;
    error = errno;
    OPENSSL_cleanse(text, sizeof(text));
    if (fd >= 0) {
        close(fd);
        if (status != MASTER_KEY_OK)
            unlink(path);
    }
    errno = error;
    return status;
}

enum master_key_status master_key_create(const char *path)
{
    const struct master_keys none = {0};

    return write_file(path, &none, NULL);
}

enum master_key_status master_key_rotate(const char *path)
{
    struct master_keys keys;
    enum master_key_status status = master_keys_load(path, &keys);
    char next[PATH_MAX];

    if (status == MASTER_KEY_OK && keys.count == MASTER_KEYS_MAX)
        status = MASTER_KEY_FULL;
    if (status == MASTER_KEY_OK && snprintf(next, sizeof(next), "%s.new", path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        status = MASTER_KEY_FAILED;
    }
    if (status == MASTER_KEY_OK) {
        unlink(next); /* that a crash left */
        status = write_file(next, &keys, path);
    }
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
