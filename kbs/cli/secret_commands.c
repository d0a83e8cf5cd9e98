/* SPDX-License-Identifier: MIT */
/* kbsctl secret */
#include "kbs/cli/answers.h"
#include "kbs/cli/input.h"

#define SECRET_MAX 65536 /* bytes */

static const struct column columns[] = {
    {"PATH", "path", NULL, false},       {"POLICY", "policy", NULL, false},
    {"VERSION", "version", NULL, false}, {"BYTES", "size", NULL, false},
    {"UPDATED", "updated", NULL, false}, {0}};

int run_secret_put(struct cli *cli)
{
    struct file_bytes file;
    json_t *body;
    int status;

    if (!cli_has(cli, OPTION_FILE) || !cli_has(cli, OPTION_POLICY))
        return complain(EXIT_USAGE, "give --file FILE with the secret, and --policy NAME");
    status = input_read(cli->options[OPTION_FILE], FILE_SECRET, SECRET_MAX, &file);
    if (status != EXIT_DONE)
        return status;
    body = json_pack("{s:o, s:s, s:b}", "value", answer_base64(file.bytes, file.size), "policy",
                     cli->options[OPTION_POLICY], "replace", cli_has(cli, OPTION_REPLACE));
    file_wipe(&file);
    if (!body)
        return complain(EXIT_FILE, "out of memory");
    return answer_change(cli, "PUT", "secrets/", cli->operands[0], "", body, "secret stored");
}

int run_secret_list(struct cli *cli)
{
    return answer_list(cli, "secrets", "secrets", columns, "there are no secrets");
}

int run_secret_show(struct cli *cli)
{
    return answer_object(cli, "secrets/", cli->operands[0], columns);
}

int run_secret_retire(struct cli *cli)
{
    return answer_change(cli, "DELETE", "secrets/", cli->operands[0], "", json_object(),
                         "secret destroyed");
}
