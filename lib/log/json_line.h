/* SPDX-License-Identifier: MIT */
/* A line of a server's log: one JSON object on stderr. Thread-safe: lines do not mix. */
#ifndef SNPVTPM_LIB_LOG_JSON_LINE_H
#define SNPVTPM_LIB_LOG_JSON_LINE_H

#include <jansson.h>

/* Writes the object, which stays the caller's, in ASCII alone; where there is none, or no memory,
 * the other text. */
void json_line_put(const json_t *object, const char *otherwise);

/* Writes a line that is made already. */
void json_line_put_text(const char *line);

#endif
