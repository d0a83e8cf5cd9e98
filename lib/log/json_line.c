/* SPDX-License-Identifier: MIT */
#include "lib/log/json_line.h"

#include <stdio.h>
#include <stdlib.h>

void json_line_put_text(const char *line)
{
    fprintf(stderr, "%s\n", line);
}

void json_line_put(const json_t *object, const char *otherwise)
{
    char *line = object ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

    json_line_put_text(line ? line : otherwise);
    free(line);
}
