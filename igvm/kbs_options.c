/* SPDX-License-Identifier: MIT */
#include "igvm/kbs_options.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/release/record.h"

static_assert(sizeof(struct release_pin) == sizeof(struct boot_kbs_pin), "a pin is a pin");

/* The public key in a PEM file, whether bare or in a certificate. */
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

enum tool_status kbs_option_key(const char *path, struct boot_kbs *kbs)
{
    struct release_pin pin;
    enum tool_status status = TOOL_OK;
    FILE *file;
    EVP_PKEY *key;

    if (kbs->pin_count == BOOT_KBS_PINS_MAX)
        return complain(TOOL_USAGE, "more than %d --kbs-key", BOOT_KBS_PINS_MAX);
    file = fopen(path, "r");
    if (!file)
        return complain(TOOL_FILE, "cannot read %s: %m", path);
    key = read_key(file);
    fclose(file);
    ERR_clear_error();
    if (!key)
        status =
            complain(TOOL_INVALID, "%s holds neither a public key nor a certificate in PEM", path);
    else if (!release_pin_of(key, &pin))
        status = complain(TOOL_INVALID, "%s: the key is not on P-384, as a KBS's is", path);
    else
        memcpy(&kbs->pins[kbs->pin_count++], &pin, sizeof(pin));
    EVP_PKEY_free(key);
    if (status == TOOL_OK)
        kbs->flags = BOOT_KBS_REQUIRE_SIGNED;
    return status;
}

enum tool_status kbs_option_volume(const char *uuid, struct boot_kbs *kbs)
{
    if (!release_volume_parse(uuid, kbs->volume_id))
        return complain(TOOL_USAGE, "--volume %s: not a UUID of 36 characters, or all zeros", uuid);
    return TOOL_OK;
}
