/* SPDX-License-Identifier: MIT */
/* Where the KBS is and who we are: from options, else from the configuration file. */
#ifndef SNPVTPM_KBS_CLI_SETTINGS_H
#define SNPVTPM_KBS_CLI_SETTINGS_H

#include "kbs/cli/cli.h"
#include "lib/base/must_check.h"

/* Connects cli->api to it, without sending anything yet. Returns an exit status, having said why.
 */
MUST_CHECK int settings_connect(struct cli *cli);

#endif
