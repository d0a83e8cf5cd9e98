/* SPDX-License-Identifier: MIT */
#include "kbs/collateral/disk_cache.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "kbs/evidence/certificates.h"
#include "kbs/evidence/leaf.h"
#include "kbs/evidence/verdict.h"
#include "lib/base/hex.h"
#include "lib/base/reader.h"
#include "lib/file/durable.h"
#include "lib/file/whole_file.h"

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
    struct file_bytes content;
    struct stat file;
    bool loaded;

    path_of(directory, item, part, path);
    loaded = file_read(path, FILE_PUBLIC, FILE_MAX, &content) == FILE_OK &&
             stat(path, &file) == 0 && read_checked(part, content.bytes, content.size);
    if (loaded)
        *since = file.st_mtime;
    free(content.bytes);
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

MUST_CHECK static bool write_part(const struct part *part, BIO *out)
{
    if (part->crl)
        return PEM_write_bio_X509_CRL(out, *part->crl) == 1;
    return part->certificate && PEM_write_bio_X509(out, *part->certificate) == 1;
}

MUST_CHECK static bool store_part(const char *directory, const struct item *item,
                                  const struct part *part)
{
    BIO *text = BIO_new(BIO_s_mem()), *file = BIO_new(BIO_s_mem());
    char path[PATH_MAX], header[HEADER_SIZE + 1], *bytes;
    bool stored = false;
    long size;

    path_of(directory, item, part, path);
    if (text && file && write_part(part, text)) {
        size = BIO_get_mem_data(text, &bytes);
        make_header((const uint8_t *)bytes, (size_t)size, header);
        stored = BIO_write(file, header, HEADER_SIZE) == HEADER_SIZE &&
                 BIO_write(file, bytes, (int)size) == size;
        size = BIO_get_mem_data(file, &bytes);
        stored = stored && file_write(path, 0600, FILE_REPLACE, bytes, (size_t)size);
    }
    BIO_free(text);
    BIO_free(file);
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
