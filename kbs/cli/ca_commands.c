/* SPDX-License-Identifier: MIT */
/* kbsctl ca */
#include <stdio.h>

#include "kbs/cli/answers.h"
#include "kbs/cli/api_client.h"
#include "kbs/cli/override.h"

int run_ca_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"ID", "id", NULL, false},           {"ACTIVE", "active", NULL, false},
        {"CREATED", "created", NULL, false}, {"CERTIFICATES", "certificates", NULL, false},
        {"RETIRED", "retired", "no", false}, {0}};

    return answer_list(cli, "ca", "authorities", columns, "there is no authority");
}

/* Prints a text that the KBS's answer has under that name. */
static int print_text(struct cli *cli, const char *member)
{
    const char *text;
    json_t *reply;
    int status = api_request(cli->api, "GET", "ca", NULL, "", NULL, &reply);

    if (status != EXIT_DONE)
        return status;
    text = json_string_value(json_object_get(reply, member));
    if (cli_has(cli, OPTION_JSON))
        answer_json(reply);
    else if (text)
        fputs(text, stdout);
    json_decref(reply);
    return EXIT_DONE;
}

int run_ca_show(struct cli *cli)
{
    return print_text(cli, "pem");
}

int run_ca_crl(struct cli *cli)
{
    return print_text(cli, "crl");
}

int run_ca_rotate(struct cli *cli)
{
    return answer_id(cli, "ca/rotate", json_object());
}

int run_ca_revoke(struct cli *cli)
{
    return answer_override(cli, cli->operands[0], "/revoke-ek", json_object(),
                           "the volume's certificates are revoked");
}
