/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/context.h"

void context_inject(struct vmpl_context *context, unsigned vector, uint32_t error)
{
    uint64_t event = vector | EVENT_TYPE_EXCEPTION | EVENT_VALID;

    if (vector == 8 || (vector >= 10 && vector <= 14) || vector == 17)
        event |= EVENT_ERROR_VALID | (uint64_t)error << 32;
    context->vmcb->eventinj = event;
}

void context_skip(struct vmpl_context *context, unsigned length)
{
    struct vmsa *save = context->save;

    save->rip += length;
    if (!guest_in_64bit_mode(context))
        save->rip = (uint32_t)save->rip;
    context->vmcb->int_state = 0;
    context->in_line = true;
}
