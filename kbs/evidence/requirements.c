/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/requirements.h"

#include <stdlib.h>

void requirements_strict(struct requirements *requirements)
{
    *requirements = (struct requirements){
        .version_min = 3,
        .version_max = 5,
        .vcek = true,
        .crl = CRL_REQUIRED,
    };
    for (enum product product = 0; product < PRODUCT_COUNT; product++)
        requirements->product_allowed[product] = true;
}

void requirements_free(struct requirements *requirements)
{
    free(requirements->chip_ids);
    *requirements = (struct requirements){0};
}
