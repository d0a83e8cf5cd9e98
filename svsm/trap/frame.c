/* SPDX-License-Identifier: MIT */
#include "svsm/trap/frame.h"

/* #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP, #VC, #SX (APM vol. 2, 8.4). */
#define VECTORS_WITH_ERROR                                                                         \
    (1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17 | 1u << 21 |        \
     1u << 29 | 1u << 30)

static bool has_error_code(unsigned vector)
{
    return vector < TRAP_EXCEPTIONS && (VECTORS_WITH_ERROR >> vector & 1);
}

const char *trap_frame_mistake(const struct trap_frame *frame, const struct trap_place *place)
{
    bool with_error = (frame->vector & TRAP_HAS_ERROR) != 0;

    if ((const void *)(frame + 1) != place->stack_top)
        return "not at the top of its stack";
    if (with_error != has_error_code(trap_vector(frame)))
        return with_error ? "with an error code that it does not have"
                          : "without the error code that it has";
    if (frame->cs != place->kernel_selector && frame->cs != place->user_selector)
        return "from an unknown code segment";
    if (frame->cs == place->kernel_selector && frame->rip >= place->entry_start &&
        frame->rip < place->entry_end)
        return "while another is being entered";
    return NULL;
}

bool trap_is_event(unsigned vector)
{
    return vector == TRAP_NMI || vector == TRAP_HV || vector >= TRAP_EXCEPTIONS;
}
