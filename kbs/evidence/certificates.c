/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/certificates.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/file/whole_file.h"

#define CERTIFICATE_MAX 8192      /* bytes; an RSA-4096 certificate in PEM takes about 2,500 */
#define CRL_MAX         (1 << 20) /* bytes */

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
    X509 *certificate = NULL;

    if (size > 0 && size <= CERTIFICATE_MAX) {
        certificate = parse_der(bytes, size);
        if (!certificate)
            certificate = parse_pem(bytes, size);
        ERR_clear_error();
    }
    return certificate;
}

static X509_CRL *parse_crl_der(const uint8_t *bytes, size_t size)
{
    const uint8_t *end = bytes;
    X509_CRL *crl = d2i_X509_CRL(NULL, &end, (long)size);

    if (crl && end != bytes + size) {
        X509_CRL_free(crl);
        crl = NULL;
    }
    return crl;
}

static X509_CRL *parse_crl_pem(const uint8_t *bytes, size_t size)
{
    BIO *text = BIO_new_mem_buf(bytes, (int)size);
    X509_CRL *crl = text ? PEM_read_bio_X509_CRL(text, NULL, NULL, NULL) : NULL;

    BIO_free(text);
    return crl;
}

X509_CRL *crl_parse(const uint8_t *bytes, size_t size)
{
    X509_CRL *crl = NULL;

    if (size > 0 && size <= CRL_MAX) {
        crl = parse_crl_der(bytes, size);
        if (!crl)
            crl = parse_crl_pem(bytes, size);
        ERR_clear_error();
    }
    return crl;
}

/* What stands after the file's name; that of a file that was read is of no use. */
static void set_errno(enum file_error error)
{
    if (error == FILE_TOO_LARGE)
        errno = EFBIG;
    else if (error != FILE_ERRNO)
        errno = EINVAL;
}

X509 *certificate_load(const char *path)
{
    struct file_bytes file;
    enum file_error error = file_read(path, FILE_PUBLIC, CERTIFICATE_MAX, &file);
    X509 *certificate = error == FILE_OK ? certificate_parse(file.bytes, file.size) : NULL;

    set_errno(error);
    free(file.bytes);
    return certificate;
}

X509_CRL *crl_load(const char *path)
{
    struct file_bytes file;
    enum file_error error = file_read(path, FILE_PUBLIC, CRL_MAX, &file);
    X509_CRL *crl = error == FILE_OK ? crl_parse(file.bytes, file.size) : NULL;

    set_errno(error);
    free(file.bytes);
    return crl;
}

void certificates_free(struct certificates *certificates)
{
    X509_free(certificates->ark);
    X509_free(certificates->ask);
    X509_free(certificates->vcek);
    X509_free(certificates->vlek);
    X509_CRL_free(certificates->crl);
    *certificates = (struct certificates){0};
}
