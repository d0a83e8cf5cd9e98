/* SPDX-License-Identifier: MIT */
/* Delivery of #VC, the VMM communication exception (APM vol. 2, 15.35.5). */
#ifndef SNPVTPM_EMULATOR_CPU_VC_H
#define SNPVTPM_EMULATOR_CPU_VC_H

#include "emulator/cpu/context.h"

/*
 * Builds the #VC frame on the guest's stack and sets the guest off at its handler: EVENTINJ of the
 * nested SVM cannot push this vector's error code. False when the guest has no usable handler or
 * stack (hardware would go through #DF to shutdown).
 */
MUST_CHECK bool vc_raise(struct vmpl_context *context, uint32_t error);

#endif
