/* SPDX-License-Identifier: MIT */
/* kbsctl key */
#include <stdio.h>

#include "kbs/cli/answers.h"
#include "kbs/cli/api_client.h"

int run_key_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"ID", "id", NULL, false},           {"USE", "use", NULL, false},
        {"ACTIVE", "active", NULL, false},   {"CREATED", "created", NULL, false},
        {"RETIRED", "retired", "no", false}, {0}};

    return answer_list(cli, "keys", "keys", columns, "there are no keys");
}

int run_key_show(struct cli *cli)
{
    json_t *reply;
    const char *pem;
    int status = api_request(cli->api, "GET", "keys/", cli->operands[0], "", NULL, &reply);

    if (status != EXIT_DONE)
        return status;
    pem = json_string_value(json_object_get(reply, "public_key"));
    if (cli_has(cli, OPTION_JSON))
        answer_json(reply);
    else if (pem)
        fputs(pem, stdout);
    else
        status = complain(EXIT_REFUSED, "key %s was retired and destroyed", cli->operands[0]);
    json_decref(reply);
    return status;
}

int run_key_rotate(struct cli *cli)
{
    return answer_id(cli, "keys/rotate", json_pack("{s:s}", "use", cli->operands[0]));
}

int run_key_retire(struct cli *cli)
{
    return answer_change(cli, "POST", "keys/", cli->operands[0], "/retire", json_object(),
                         "key destroyed");
}
