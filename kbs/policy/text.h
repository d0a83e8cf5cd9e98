/* SPDX-License-Identifier: MIT */
/* What has to hold of a policy's text before libconfig may read it. */
#ifndef SNPVTPM_KBS_POLICY_TEXT_H
#define SNPVTPM_KBS_POLICY_TEXT_H

#include "kbs/policy/policy.h"

/*
 * libconfig opens the files that a text includes, frees nested groups by recursion, and silently
 * cuts numbers that do not fit (4294967297 is 1 to it). Refuses texts with any of these, and too
 * long ones.
 */
MUST_CHECK bool text_check(const char *text, struct policy_error *error);

#endif
