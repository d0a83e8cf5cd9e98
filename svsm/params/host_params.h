/* SPDX-License-Identifier: MIT */
/* Reading the two parameter pages that the host fills in: copied once, then checked. */
#ifndef SVSM_PARAMS_HOST_PARAMS_H
#define SVSM_PARAMS_HOST_PARAMS_H

#include "lib/boot/boot_params.h"
#include "svsm/guest/prepare.h"

/* Panics, with words, on a host whose answers the VM cannot start with. */
void host_params_read(struct host_params *host, const struct boot_params *params);

#endif
