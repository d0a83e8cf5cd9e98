/* SPDX-License-Identifier: MIT */
#include "kbs/collateral/disk_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "kbs/evidence/certificates.h"
#include "kbs/evidence/file_bytes.h"
#include "kbs/evidence/leaf.h"
#include "kbs/evidence/verdict.h"
#include "lib/base/hex.h"
#include "lib/base/reader.h"

#define DIGEST_LENGTH (2 * SHA256_DIGEST_LENGTH)
#define HEADER        "sha256: "
#define HEADER_SIZE   (sizeof(HEADER) - 1 + DIGEST_LENGTH + 1) /* with the end of line */
/* PEM takes 65 characters for 48 bytes. */
#define FILE_MAX (ITEM_BYTES_MAX / 48 * 65 + 4096)

bool disk_cache_prepare(const char *directory)
{
    struct stat existing;

    if (mkdir(directory, 0700) == 0)
        return true;
    if (errno != EEXIST || stat(directory, &existing) != 0)
        return false;
    errno = ENOTDIR;
    return S_ISDIR(existing.st_mode);
}

/* A certificate or a CRL in a file of its own. */
struct part {
    const char *name; /* of its kind, in the file's name */
    X509 **certificate;
    X509_CRL **crl;
};

#define PARTS_MAX 2

/* Tells what a value consists of, and of how many parts. */
static size_t list_parts(const struct item *item, struct item_value *value,
                         struct part parts[PARTS_MAX])
{
    switch (item->kind) {
    case ITEM_VCEK:
        parts[0] = (struct part){"vcek", &value->certificate, NULL};
        return 1;
    case ITEM_CHAIN:
        parts[0] = (struct part){"ask", &value->certificate, NULL};
        parts[1] = (struct part){"ark", &value->ark, NULL};
        return 2;
    case ITEM_CRL:
        parts[0] = (struct part){"crl", NULL, &value->crl};
        return 1;
    }
    return 0;
}

static void path_of(const char *directory, const struct item *item, const struct part *part,
                    char path[PATH_MAX])
{
    const char *product = product_name(item->product);
    char hwid[2 * CHIP_ID_SIZE + 1], tcb[ITEM_TEXT_MAX];

    if (item->kind == ITEM_VCEK) {
        item_hwid(item, hwid);
        item_tcb(item, tcb);
        snprintf(path, PATH_MAX, "%s/%s-%s-%s-%s.pem", directory, product, hwid, tcb, part->name);
    } else {
        snprintf(path, PATH_MAX, "%s/%s-%s-%s.pem", directory, product,
                 item->vlek ? "vlek" : "vcek", part->name);
    }
}

static void make_header(const uint8_t *content, size_t size, char header[HEADER_SIZE + 1])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    char text[DIGEST_LENGTH + 1];

    SHA256(content, size, digest);
    snprintf(header, HEADER_SIZE + 1, HEADER "%s\n", hex_text(digest, sizeof(digest), text));
}

MUST_CHECK static bool read_checked(const struct part *part, const uint8_t *bytes, size_t size)
{
    struct reader r = reader_over(bytes, size);
    char expected[HEADER_SIZE + 1];
    const uint8_t *found;

    if (!reader_borrow(&r, &found, HEADER_SIZE))
        return false;
    make_header(r.next, r.left, expected);
    if (memcmp(found, expected, HEADER_SIZE) != 0)
        return false;
    if (part->crl)
        return (*part->crl = crl_parse(r.next, r.left)) != NULL;
    return (*part->certificate = certificate_parse(r.next, r.left)) != NULL;
}

MUST_CHECK static bool load_part(const char *directory, const struct item *item,
                                 const struct part *part, time_t *since)
{
    char path[PATH_MAX];
    struct stat file;
    uint8_t *bytes;
    size_t size;
    bool loaded;

    path_of(directory, item, part, path);
    bytes = file_read_bytes(path, FILE_MAX, &size);
    loaded = bytes && stat(path, &file) == 0 && read_checked(part, bytes, size);
    if (loaded)
        *since = file.st_mtime;
    free(bytes);
    return loaded;
}

bool disk_cache_load(const char *directory, const struct item *item, struct item_value *value,
                     time_t *since)
{
    struct part parts[PARTS_MAX];
    size_t count = list_parts(item, value, parts);
    bool loaded = false;

    *value = (struct item_value){0};
    for (size_t i = 0; i < count; i++)
        loaded |= load_part(directory, item, &parts[i], since);
    if (item->kind == ITEM_VCEK && loaded &&
        !leaf_is_for(value->certificate, item->product, item->chip_id, &item->tcb)) {
        item_value_free(value);
        return false;
    }
    return loaded;
}

MUST_CHECK static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);

        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

/* Names last only when their directory is written, too. */
MUST_CHECK static bool sync_directory(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return synced;
}

MUST_CHECK static bool replace_file(const char *directory, const char *path, const char *header,
                                    const char *content, size_t size)
{
    char temporary[PATH_MAX];
    int fd;
    bool written;

    if (snprintf(temporary, sizeof(temporary), "%s/new-XXXXXX", directory) >= PATH_MAX)
        return false;
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return false;
    written = write_all(fd, header, HEADER_SIZE) && write_all(fd, content, size) && fsync(fd) == 0;
    close(fd);
    if (written && rename(temporary, path) == 0)
        return sync_directory(directory);
    unlink(temporary);
    return false;
}

MUST_CHECK static bool write_part(const struct part *part, BIO *out)
{
    if (part->crl)
        return PEM_write_bio_X509_CRL(out, *part->crl) == 1;
    return part->certificate && PEM_write_bio_X509(out, *part->certificate) == 1;
}

MUST_CHECK static bool store_part(const char *directory, const struct item *item,
                                  const struct part *part)
{
    BIO *text = BIO_new(BIO_s_mem());
    char path[PATH_MAX], header[HEADER_SIZE + 1];
    bool stored = false;

    path_of(directory, item, part, path);
    if (text && write_part(part, text)) {
        char *content;
        long size = BIO_get_mem_data(text, &content);

        make_header((const uint8_t *)content, (size_t)size, header);
        stored = replace_file(directory, path, header, content, (size_t)size);
    }
    BIO_free(text);
    return stored;
}

bool disk_cache_store(const char *directory, const struct item *item, struct item_value *value)
{
    struct part parts[PARTS_MAX];
    size_t count = list_parts(item, value, parts);
    bool stored = true;

    for (size_t i = 0; i < count; i++)
        stored &= store_part(directory, item, &parts[i]);
    return stored;
}
