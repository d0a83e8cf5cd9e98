/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/verdict.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *code, *text;
} verdicts[] = {
#define V(name, code, words) [VERDICT_##name] = {code, words},
    VERDICTS(V)
#undef V
};

const char *verdict_code(enum verdict verdict)
{
    return verdicts[verdict].code;
}

const char *verdict_text(enum verdict verdict)
{
    return verdicts[verdict].text;
}

bool finding_fail(struct finding *finding, enum verdict verdict, const char *format, ...)
{
    va_list arguments;

    finding->verdict = verdict;
    va_start(arguments, format);
    vsnprintf(finding->detail, sizeof(finding->detail), format, arguments);
    va_end(arguments);
    return false;
}
