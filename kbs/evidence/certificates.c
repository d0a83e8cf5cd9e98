/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/certificates.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#define GUID_SIZE         16
#define CERTIFICATE_MAX   8192 /* bytes; an RSA-4096 certificate in PEM takes about 2,500 */
#define TABLE_ENTRIES_MAX 32

/* GUIDs in the order of their text form. */
static const uint8_t guid_ark[GUID_SIZE] = {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52,
                                            0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae};
static const uint8_t guid_ask[GUID_SIZE] = {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4,
                                            0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82};
static const uint8_t guid_vcek[GUID_SIZE] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
                                             0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};

static X509 *parse_der(const uint8_t *bytes, size_t size)
{
    const uint8_t *end = bytes;
    X509 *certificate = d2i_X509(NULL, &end, (long)size);

    if (certificate && end != bytes + size) {
        X509_free(certificate);
        certificate = NULL;
    }
    return certificate;
}

static X509 *parse_pem(const uint8_t *bytes, size_t size)
{
    BIO *text = BIO_new_mem_buf(bytes, (int)size);
    X509 *certificate = text ? PEM_read_bio_X509(text, NULL, NULL, NULL) : NULL;

    BIO_free(text);
    return certificate;
}

X509 *certificate_parse(const uint8_t *bytes, size_t size)
{
    X509 *certificate;

    if (size == 0 || size > CERTIFICATE_MAX)
        return NULL;
    certificate = parse_der(bytes, size);
    return certificate ? certificate : parse_pem(bytes, size);
}

X509 *certificate_load(const char *path)
{
    uint8_t bytes[CERTIFICATE_MAX + 1];
    X509 *certificate = NULL;
    ssize_t size;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    size = read(fd, bytes, sizeof(bytes));
    if (size >= 0) {
        certificate = certificate_parse(bytes, (size_t)size);
        errno = EINVAL;
    }
    close(fd);
    return certificate;
}

static X509 **slot_for(struct certificates *certificates, const uint8_t guid[GUID_SIZE])
{
    if (memcmp(guid, guid_ark, GUID_SIZE) == 0)
        return &certificates->ark;
    if (memcmp(guid, guid_ask, GUID_SIZE) == 0)
        return &certificates->ask;
    if (memcmp(guid, guid_vcek, GUID_SIZE) == 0)
        return &certificates->vcek;
    return NULL;
}

struct table_entry {
    uint8_t guid[GUID_SIZE];
    uint32_t offset, length; /* from the start of the table */
};

MUST_CHECK static bool read_entry(struct reader *r, struct table_entry *entry)
{
    return reader_copy(r, entry->guid, sizeof(entry->guid)) && reader_le32(r, &entry->offset) &&
           reader_le32(r, &entry->length);
}

/* The all-zero entry that ends the table. */
static bool is_end(const struct table_entry *entry)
{
    static const struct table_entry end;

    return memcmp(entry, &end, sizeof(end)) == 0;
}

MUST_CHECK static bool take(const struct reader *table, const struct table_entry *entry,
                            struct certificates *out)
{
    struct reader bytes;
    X509 **slot;

    if (!reader_window(table, &bytes, entry->offset, entry->length))
        return false;
    slot = slot_for(out, entry->guid);
    if (!slot)
        return true;
    if (*slot) /* which of two certificates counts must not be open to doubt */
        return false;
    *slot = certificate_parse(bytes.next, bytes.left);
    return *slot != NULL;
}

bool certificates_parse_table(const uint8_t *table, size_t size, struct certificates *out)
{
    struct reader all = reader_over(table, size), entries = all;
    struct table_entry entry;

    *out = (struct certificates){0};
    for (unsigned i = 0; i < TABLE_ENTRIES_MAX && read_entry(&entries, &entry); i++) {
        if (is_end(&entry))
            return true;
        if (!take(&all, &entry, out))
            break;
    }
    certificates_free(out);
    return false;
}

void certificates_free(struct certificates *certificates)
{
    X509_free(certificates->ark);
    X509_free(certificates->ask);
    X509_free(certificates->vcek);
    *certificates = (struct certificates){0};
}
