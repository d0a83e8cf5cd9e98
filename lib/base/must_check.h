/* SPDX-License-Identifier: MIT */
/* For functions whose result nobody may ignore: errors are values here. */
#ifndef SNPVTPM_LIB_BASE_MUST_CHECK_H
#define SNPVTPM_LIB_BASE_MUST_CHECK_H

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
