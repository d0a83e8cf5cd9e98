/* SPDX-License-Identifier: MIT */
/* The configuration that `kbs init` writes: every setting, with what it means. */
#ifndef SNPVTPM_KBS_SERVER_INIT_CONFIG_H
#define SNPVTPM_KBS_SERVER_INIT_CONFIG_H

#include <stdbool.h>

#include "lib/base/must_check.h"

/* NULL stands for what was not given. */
struct init_choices {
    const char *listen, *admin_listen, *store;
    bool listen_tls;
    const char *amd_certs, *kds_url;
    const char *emulated_root, *emulated_certificates;
};

/* The text, which the caller frees; NULL without memory. */
MUST_CHECK char *init_config(const struct init_choices *choices);

#endif
