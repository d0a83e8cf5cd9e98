/* SPDX-License-Identifier: MIT */
/*
 * The identity of an emulated chip: CHIP_ID, VCEK, certificate chain and the fused secret from
 * which guests' keys are derived. It lives in a directory that is made at first use:
 *
 *   ark.pem ask.pem vcek.pem vcek.der cert_chain.pem (ASK, then ARK)   for verifiers
 *   ark.key ask.key vcek.key chip_secret chip_id                       the chip's own, mode 0600
 */
#ifndef SNPVTPM_EMULATOR_AMD_SP_CHIP_H
#define SNPVTPM_EMULATOR_AMD_SP_CHIP_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "lib/base/must_check.h"
#include "lib/snp/report.h"

#define CHIP_SECRET_SIZE 48

enum chip_error {
    CHIP_OK,
    CHIP_CANNOT_CREATE, /* the directory could not be made; errno says why */
    CHIP_CANNOT_READ,   /* the directory lacks a file, or may not be read; errno says why */
    CHIP_DAMAGED,       /* a file is not what it should be, or the files do not belong together */
    CHIP_CRYPTO,        /* libcrypto failed */
};

/* A DER certificate, owned. */
struct chip_certificate {
    uint8_t *der;
    size_t size;
};

struct chip {
    uint8_t chip_id[CHIP_ID_SIZE];
    uint8_t secret[CHIP_SECRET_SIZE];
    uint64_t tcb; /* current, committed, launch and reported */
    EVP_PKEY *vcek;
    struct chip_certificate vcek_certificate, ask_certificate, ark_certificate;
};

/*
 * Reads the identity in directory, and makes it before if the directory does not exist or is
 * empty (this takes seconds; of several processes that try at once, one wins and all read its
 * identity). On success the caller ends with chip_close().
 */
MUST_CHECK enum chip_error chip_open(struct chip *chip, const char *directory);

/* Wipes and frees what a chip holds. Allowed on a zeroed chip. */
void chip_close(struct chip *chip);

/* What went wrong, as the end of a sentence. */
const char *chip_error_text(enum chip_error error);

#endif
