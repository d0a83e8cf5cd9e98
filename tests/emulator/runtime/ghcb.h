/* SPDX-License-Identifier: MIT */
/* The guest's side of the GHCB: MSR protocol and page. */
#ifndef SNPVTPM_TESTS_EMULATOR_RUNTIME_GHCB_H
#define SNPVTPM_TESTS_EMULATOR_RUNTIME_GHCB_H

#include <stdbool.h>

#include "lib/snp/exit_codes.h"
#include "lib/snp/ghcb.h"
#include "tests/emulator/runtime/trap.h"

/* The GHCB in use, in the shared view. */
extern struct ghcb *PER_CPU ghcb;

/* The GHCB MSR before anything was written to it. */
extern uint64_t ghcb_msr_at_reset;
void ghcb_note_reset_value(void);

/* Makes, registers and uses the first GHCB. */
void ghcb_init(void);

/* Uses a shared page as GHCB from now on; registers it for the current VMPL if told to. */
void ghcb_use(struct ghcb *page, bool registered);

/* RDMSR and WRMSR of MSRs that raise no #VC. */
uint64_t msr_read(uint32_t msr);
void msr_write(uint32_t msr, uint64_t value);

/* One exchange of the MSR protocol; the response is the MSR as the host leaves it. */
uint64_t ghcb_msr_call(uint64_t request);
/* PSC of one page (enum psc_operation) by the MSR protocol; the whole response. */
uint64_t ghcb_msr_psc(uint64_t gpa, unsigned operation);
_Noreturn void ghcb_terminate(unsigned set, unsigned code);

/* Starts a request in the page: nothing but code and exit information is marked valid. */
void ghcb_begin(uint64_t code, uint64_t info1, uint64_t info2);

/* Sets a field of the request and marks it valid. */
#define GHCB_SET(field, value)                                                                     \
    do {                                                                                           \
        ghcb->field = (value);                                                                     \
        ghcb_mark(GHCB_VALID_BIT(field), true);                                                    \
    } while (0)
#define GHCB_UNSET(field)    ghcb_mark(GHCB_VALID_BIT(field), false)
#define GHCB_IS_VALID(field) ghcb_is_marked(GHCB_VALID_BIT(field))
void ghcb_mark(unsigned long bit, bool valid);
bool ghcb_is_marked(unsigned long bit);

/* Sets SW_SCRATCH to an offset in the GHCB page. */
void ghcb_set_scratch(uint64_t offset);

/* Hands the request to the host. The answer is in the page. */
void ghcb_exit(void);

/* A whole request without further fields. */
void ghcb_request(uint64_t code, uint64_t info1, uint64_t info2);

#define CHECK_ANSWER(info1, info2)                                                                 \
    do {                                                                                           \
        CHECK_EQUAL(ghcb->sw_exitinfo1, info1);                                                    \
        CHECK_EQUAL(ghcb->sw_exitinfo2, info2);                                                    \
    } while (0)
#define CHECK_MALFORMED(reason) CHECK_ANSWER(GHCB_RESULT_MALFORMED, reason)

#endif
