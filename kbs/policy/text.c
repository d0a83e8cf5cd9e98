/* SPDX-License-Identifier: MIT */
#include "kbs/policy/text.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/store/policies.h"

#define NESTING_MAX 16 /* a policy needs 3 */

static unsigned line_of(const char *text, const char *at)
{
    unsigned line = 1;

    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

static bool fail_at_text(struct policy_error *error, const char *text, const char *at,
                         const char *problem)
{
    snprintf(error->text, sizeof(error->text), "line %u: %s", line_of(text, at), problem);
    return false;
}

/* Where what begins at at ends, or the text. */
static const char *end_of(const char *at, const char *mark)
{
    const char *end = strstr(at, mark);

    return end ? end + strlen(mark) : at + strlen(at);
}

static const char *end_of_string(const char *at)
{
    while (*at && *at != '"')
        at += at[0] == '\\' && at[1] ? 2 : 1;
    return *at ? at + 1 : at;
}

/* Behind the string or comment that begins at at; at itself when none does. */
static const char *skip_quoted(const char *at)
{
    if (*at == '"')
        return end_of_string(at + 1);
    if (*at == '#' || strncmp(at, "//", 2) == 0)
        return end_of(at, "\n");
    if (strncmp(at, "/*", 2) == 0)
        return end_of(at + 2, "*/");
    return at;
}

/* Behind the word, number or single character at at. */
static const char *skip_word(const char *at)
{
    const char *end = *at == '+' ? at + 1 : at;

    while (isalnum((unsigned char)*end) || *end == '_' || *end == '-')
        end++;
    return end > at ? end : at + 1;
}

/* A number as libconfig reads it, if it begins here. */
static bool is_number(const char *at)
{
    return isdigit((unsigned char)at[*at == '-' || *at == '+']);
}

/* Whether libconfig reads the number for what it is. */
static bool fits(const char *number)
{
    const char *digits = number + (*number == '-' || *number == '+');
    int base = strncasecmp(digits, "0x", 2) == 0 ? 16 : 10;

    errno = 0;
    return strtoull(digits, NULL, base) <= (*number == '-' ? INT32_MAX : UINT32_MAX) && errno == 0;
}

static bool check_words(const char *text, struct policy_error *error)
{
    unsigned depth = 0;

    for (const char *at = text, *behind; *at; at = behind) {
        behind = skip_quoted(at);
        if (behind != at)
            continue;
        behind = skip_word(at);
        if (is_number(at) && !fits(at))
            return fail_at_text(error, text, at, "no number may be above 4294967295, or negative");
        if (strchr("{[(", *at) && ++depth > NESTING_MAX)
            return fail_at_text(error, text, at, "nested too deeply");
        if (strchr("}])", *at) && depth > 0)
            depth--;
    }
    return true;
}

bool text_check(const char *text, struct policy_error *error)
{
    const char *include = strstr(text, "@include");

    static_assert(POLICY_TEXT_MAX == 65536, "as the message says");
    if (strlen(text) > POLICY_TEXT_MAX)
        return fail_at_text(error, text, text, "a policy has at most 65536 bytes");
    if (include)
        return fail_at_text(error, text, include, "a policy cannot include files");
    return check_words(text, error);
}
