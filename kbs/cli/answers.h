/* SPDX-License-Identifier: MIT */
/* What most commands do: ask, and print the answer as a table, as members, or as JSON. */
#ifndef SNPVTPM_KBS_CLI_ANSWERS_H
#define SNPVTPM_KBS_CLI_ANSWERS_H

#include <jansson.h>

#include "kbs/cli/cli.h"
#include "kbs/cli/table.h"
#include "lib/base/must_check.h"

/* Prints reply as JSON, on one line. */
void answer_json(const json_t *reply);

/* GETs head and name, and prints the list in that member of the answer. */
MUST_CHECK int answer_list(struct cli *cli, const char *head, const char *member,
                           const struct column *columns, const char *none);

/* GETs head and name, and prints the members of the answer. */
MUST_CHECK int answer_object(struct cli *cli, const char *head, const char *name,
                             const struct column *columns);

/* Makes a change; prints its answer with --json, and done (as of printf, with name) otherwise.
 * body is handed over. */
MUST_CHECK int answer_change(struct cli *cli, const char *method, const char *head,
                             const char *name, const char *tail, json_t *body, const char *done);

/* POSTs what makes something new; prints the id that it got. body is handed over. */
MUST_CHECK int answer_id(struct cli *cli, const char *head, json_t *body);

/*
 * Asks, and prints the text that the answer has in that member, on lines of its own; with --json
 * all of the answer. body, which may be NULL, is handed over.
 */
MUST_CHECK int answer_text(struct cli *cli, const char *method, const char *head, const char *name,
                           const char *tail, json_t *body, const char *member);

/* A string of base64 of size bytes; NULL without memory. */
json_t *answer_base64(const void *bytes, size_t size);

#endif
