/* SPDX-License-Identifier: MIT */
/* The options of `igvm build` that say from which KBS the SVSM takes a state key. */
#ifndef SNPVTPM_IGVM_KBS_OPTIONS_H
#define SNPVTPM_IGVM_KBS_OPTIONS_H

#include "igvm/tool.h"
#include "lib/boot/boot_params.h"

/* Pins the P-384 key in a PEM file: a public key, or a certificate of one. Complains. */
MUST_CHECK enum tool_status kbs_option_key(const char *path, struct boot_kbs *kbs);

/* Sets the volume from a UUID's text. Complains. */
MUST_CHECK enum tool_status kbs_option_volume(const char *uuid, struct boot_kbs *kbs);

#endif
