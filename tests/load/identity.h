/* SPDX-License-Identifier: MIT */
/*
 * Who the clients of a load are: each has a launch measurement and a secret of its own, made from
 * its number, so that one that is given another's secret notices.
 */
#ifndef SNPVTPM_TESTS_LOAD_IDENTITY_H
#define SNPVTPM_TESTS_LOAD_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "lib/snp/report.h"

#define IDENTITY_SECRET_SIZE 64 /* as of a state key */

struct identity {
    unsigned number;
    uint8_t measurement[LAUNCH_DIGEST_SIZE];
    uint8_t secret[IDENTITY_SECRET_SIZE];
};

/* False when OpenSSL fails. */
MUST_CHECK bool identity_make(unsigned number, struct identity *identity);

#endif
