/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/release/pin.h"

static EVP_PKEY *read_key(FILE *file)
{
    EVP_PKEY *key = PEM_read_PUBKEY(file, NULL, NULL, NULL);
    X509 *certificate;

    if (key)
        return key;
    rewind(file);
    certificate = PEM_read_X509(file, NULL, NULL, NULL);
    key = certificate ? X509_get_pubkey(certificate) : NULL;
    X509_free(certificate);
    return key;
}

enum release_key_status release_pin_read(const char *path, struct release_pin *pin)
{
    enum release_key_status status = RELEASE_KEY_OK;
    FILE *file = fopen(path, "r");
    EVP_PKEY *key;

    if (!file)
        return RELEASE_KEY_UNREADABLE;
    key = read_key(file);
    fclose(file);
    ERR_clear_error();
    if (!key)
        status = RELEASE_KEY_NONE;
    else if (!release_pin_of(key, pin))
        status = RELEASE_KEY_OTHER_KIND;
    EVP_PKEY_free(key);
    return status;
}

const char *release_key_text(enum release_key_status status)
{
    switch (status) {
    case RELEASE_KEY_OK:
        return "holds a key of a KBS";
    case RELEASE_KEY_UNREADABLE:
        return "cannot be read";
    case RELEASE_KEY_NONE:
        return "holds neither a public key nor a certificate in PEM";
    case RELEASE_KEY_OTHER_KIND:
        return "holds a key that is not on P-384, as a KBS's is; give the public half of the "
               "KBS's release-signing key";
    }
    return "has an unknown status";
}
