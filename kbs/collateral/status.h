/* SPDX-License-Identifier: MIT */
/* What became of asking for collateral, wherever it was looked for. */
#ifndef SNPVTPM_KBS_COLLATERAL_STATUS_H
#define SNPVTPM_KBS_COLLATERAL_STATUS_H

enum collateral_status {
    COLLATERAL_OK,
    COLLATERAL_NONE,        /* no source has it */
    COLLATERAL_BACKING_OFF, /* the KDS asked for a pause (429), or just failed */
    COLLATERAL_FAILED,      /* the KDS cannot be reached, or answers nonsense */
};

#endif
