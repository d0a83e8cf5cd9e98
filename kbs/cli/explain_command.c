/* SPDX-License-Identifier: MIT */
/* kbsctl explain */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/cli/answers.h"
#include "kbs/cli/api_client.h"
#include "kbs/cli/launch_file.h"

static int ask_of_file(const char *path, json_t **question)
{
    struct launch_file file;
    int status = launch_file_read(path, &file);

    if (status == EXIT_DONE)
        *question = json_pack("{s:o}", "pages", answer_base64(file.pages, file.pages_size));
    free(file.pages);
    return status;
}

static int make_question(const struct cli *cli, json_t **question)
{
    const char *audit = cli->options[OPTION_AUDIT];

    if ((cli->operand_count == 1) + cli_has(cli, OPTION_IGVM) + (audit != NULL) != 1)
        return complain(EXIT_USAGE, "give one of MEASUREMENT, --igvm FILE and --audit SEQ");
    if (cli_has(cli, OPTION_IGVM))
        return ask_of_file(cli->options[OPTION_IGVM], question);
    if (!audit) {
        *question = json_pack("{s:s}", "measurement", cli->operands[0]);
        return EXIT_DONE;
    }
    if (!*audit || strspn(audit, "0123456789") != strlen(audit) || strlen(audit) > 18)
        return complain(EXIT_USAGE, "--audit %s: must be the number of a line", audit);
    *question = json_pack("{s:I}", "audit", (json_int_t)strtoll(audit, NULL, 10));
    return EXIT_DONE;
}

static void print_explanation(const json_t *reply)
{
    const json_t *lines = json_object_get(reply, "lines");

    fputs("measurement ", stdout);
    table_print_text(stdout, json_string_value(json_object_get(reply, "measurement")));
    putchar('\n');
    for (size_t i = 0; i < json_array_size(lines); i++) {
        fputs("- ", stdout);
        table_print_text(stdout, json_string_value(json_array_get(lines, i)));
        putchar('\n');
    }
}

int run_explain(struct cli *cli)
{
    json_t *question = NULL, *reply;
    int status = make_question(cli, &question);

    if (status == EXIT_DONE)
        status = api_request(cli->api, "POST", "explain", NULL, "", question, &reply);
    if (status != EXIT_DONE)
        return status;
    if (cli_has(cli, OPTION_JSON))
        answer_json(reply);
    else
        print_explanation(reply);
    json_decref(reply);
    return EXIT_DONE;
}
