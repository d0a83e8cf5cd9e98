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

const char *hex_text(const uint8_t *bytes, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * size] = '\0';
    return text;
}
