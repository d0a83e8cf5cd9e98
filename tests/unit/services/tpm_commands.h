/* SPDX-License-Identifier: MIT */
/* A few TPM 2.0 commands as bytes, for tests. */
#ifndef SNPVTPM_TESTS_UNIT_SERVICES_TPM_COMMANDS_H
#define SNPVTPM_TESTS_UNIT_SERVICES_TPM_COMMANDS_H

#include <stdint.h>

/* What SERVICE_OPEN is told: the PCR banks that the TPM has. */
static const uint8_t no_banks[4];

/* What SERVICE_MANIFEST is asked for: the vTPM's, version 0 and 1. */
#define MANIFEST_REQUEST 20
#define VTPM_GUID                                                                                  \
    0xeb, 0xf1, 0x76, 0xc4, 0x23, 0x01, 0xa5, 0x45, 0x96, 0x41, 0xb4, 0xe7, 0xdd, 0xe5, 0xbf, 0xe3
static const uint8_t vtpm_manifest[MANIFEST_REQUEST] = {VTPM_GUID, 0};
static const uint8_t vtpm_manifest_1[MANIFEST_REQUEST] = {VTPM_GUID, 1};

static const uint8_t startup_clear[] = {0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x44, 0, 0};

static const uint8_t get_random_16[] = {0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 16};

/* TPM2_GetCapability of TPM_CAP_PCRS. */
static const uint8_t get_pcr_banks[] = {0x80, 0x01, 0, 0, 0, 22, 0, 0, 0x01, 0x7a, 0,
                                        0,    0,    5, 0, 0, 0,  0, 0, 0,    0,    1};

/* TPM2_NV_DefineSpace by the owner: index 0x01500001 of 8 bytes, ownerread | ownerwrite. */
static const uint8_t nv_define[] = {
    0x80, 0x02, 0, 0,  0,    45,   0, 0, 0x01, 0x2a, 0x40, 0,    0, 1, /* header, owner */
    0,    0,    0, 9,  0x40, 0,    0, 9, 0,    0,    0,    0,    0,    /* empty password */
    0,    0,    0, 14, 0x01, 0x50, 0, 1, 0,    0x0b, 0,    0x02, 0, 0x02,
    0,    0,    0, 8, /* auth, public */
};

/* TPM2_NV_ReadPublic of that index. */
static const uint8_t nv_read_public[] = {0x80, 0x01, 0,    0,    0,    14, 0,
                                         0,    0x01, 0x69, 0x01, 0x50, 0,  1};

#endif
