/* SPDX-License-Identifier: MIT */
/* kbsctl ca */
#include "kbs/cli/answers.h"
#include "kbs/cli/override.h"

int run_ca_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"ID", "id", NULL, false},           {"ACTIVE", "active", NULL, false},
        {"CREATED", "created", NULL, false}, {"CERTIFICATES", "certificates", NULL, false},
        {"RETIRED", "retired", "no", false}, {0}};

    return answer_list(cli, "ca", "authorities", columns, "there is no authority");
}

int run_ca_show(struct cli *cli)
{
    return answer_text(cli, "GET", "ca", NULL, "", NULL, "pem");
}

int run_ca_crl(struct cli *cli)
{
    return answer_text(cli, "GET", "ca", NULL, "", NULL, "crl");
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
