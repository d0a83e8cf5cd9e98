/* SPDX-License-Identifier: MIT */
#include "igvm/tool.h"

#include "lib/program/number.h"

const char program_name[] = "igvm";

enum tool_status complain_no_memory(void)
{
    return complain(TOOL_FILE, "out of memory");
}

enum tool_status parse_number(const char *option, const char *text, uint64_t max, uint64_t *out)
{
    switch (number_parse(text, max, out)) {
    case NUMBER_OK:
        return TOOL_OK;
    case NUMBER_TOO_LARGE:
        return complain(TOOL_USAGE, "--%s %s: too large, at most 0x%llx", option, text,
                        (unsigned long long)max);
    case NUMBER_NONE:
        break;
    }
    return complain(TOOL_USAGE, "--%s %s: not a number; write 123, 0x7b or 32M", option, text);
}
