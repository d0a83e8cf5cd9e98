/* SPDX-License-Identifier: MIT */
/* What an owner overrides of a volume: it is said what that gives up. */
#ifndef SNPVTPM_KBS_CLI_OVERRIDE_H
#define SNPVTPM_KBS_CLI_OVERRIDE_H

#include <jansson.h>

#include "kbs/cli/cli.h"
#include "lib/base/must_check.h"

/* As answer_change of a volume, and prints what the KBS says that the owner gave up. body is handed
 * over. */
MUST_CHECK int answer_override(struct cli *cli, const char *name, const char *tail, json_t *body,
                               const char *done);

#endif
