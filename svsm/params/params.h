/* SPDX-License-Identifier: MIT */
/* The measured parameter page, copied and checked: a mistake in it is the builder's,
 * and is named. */
#ifndef SNPVTPM_SVSM_PARAMS_PARAMS_H
#define SNPVTPM_SVSM_PARAMS_PARAMS_H

#include "lib/boot/boot_params.h"
#include "svsm/base/status.h"

/* What is wrong with the parameters, or NULL. */
const char *params_mistake(const struct boot_params *params);

/* The service with this name, or NULL. */
const struct boot_service *params_service(const struct boot_params *params, const char *name);

#endif
