/* SPDX-License-Identifier: MIT */
/* kbsctl volume */
#include <openssl/crypto.h>

#include "kbs/cli/answers.h"
#include "kbs/cli/input.h"
#include "kbs/cli/override.h"

static const struct column columns[] = {{"NAME", "name", NULL, false},
                                        {"ID", "id", NULL, true},
                                        {"IMAGE", "image", NULL, false},
                                        {"POLICY", "policy", NULL, false},
                                        {"RELEASE", "release", NULL, false},
                                        {"KEY", "key_version", NULL, false},
                                        {"LAST RELEASED", "last_released", "never", false},
                                        {"RETIRED", "retired", "no", false},
                                        {0}};
/* Adds the key of --key-file, if there is one. */
static int add_key(const struct cli *cli, json_t *body)
{
    uint8_t key[INPUT_KEY_SIZE];
    int status;

    if (!cli_has(cli, OPTION_KEY_FILE))
        return EXIT_DONE;
    status = input_read_key(cli->options[OPTION_KEY_FILE], key);
    if (status == EXIT_DONE)
        json_object_set_new(body, "key", answer_base64(key, sizeof(key)));
    OPENSSL_cleanse(key, sizeof(key));
    return status;
}

int run_volume_create(struct cli *cli)
{
    json_t *body;
    int status;

    if (!cli_has(cli, OPTION_IMAGE))
        return complain(EXIT_USAGE, "give --image NAME, the only image that gets the key");
    body = json_pack("{s:s, s:s, s:s*, s:s*, s:s*}", "name", cli->operands[0], "image",
                     cli->options[OPTION_IMAGE], "policy", cli->options[OPTION_POLICY], "id",
                     cli->options[OPTION_ID], "release", cli->options[OPTION_RELEASE]);
    if (!body)
        return complain(EXIT_REFUSED, "an option is no text in UTF-8");
    status = add_key(cli, body);
    if (status != EXIT_DONE) {
        json_decref(body);
        return status;
    }
    return answer_change(cli, "POST", "volumes", NULL, "", body, "volume created");
}

int run_volume_list(struct cli *cli)
{
    return answer_list(cli, "volumes", "volumes", columns, "there are no volumes");
}

int run_volume_set_key(struct cli *cli)
{
    json_t *body = json_object();
    int status = add_key(cli, body);

    if (status != EXIT_DONE) {
        json_decref(body);
        return status;
    }
    if (cli_has(cli, OPTION_FORGET_STATE))
        json_object_set_new(body, "forget_state", json_true());
    return answer_override(cli, cli->operands[0], "/key", body, "the volume has another key");
}

int run_volume_rekey(struct cli *cli)
{
    bool cancels = cli_has(cli, OPTION_CANCEL);
    json_t *body = json_object();
    int status = cancels && cli_has(cli, OPTION_KEY_FILE)
                     ? complain(EXIT_USAGE, "--cancel takes no key")
                     : add_key(cli, body);

    if (status != EXIT_DONE) {
        json_decref(body);
        return status;
    }
    if (cancels)
        json_object_set_new(body, "cancel", json_true());
    return answer_override(cli, cli->operands[0], "/rekey", body,
                           cancels ? "the volume stays with its key"
                                   : "the next VM changes over to the new key");
}

int run_volume_evidence(struct cli *cli)
{
    json_t *body = json_pack("{s:s*}", "nonce", cli->options[OPTION_NONCE]);

    if (!body)
        return complain(EXIT_REFUSED, "an option is no text in UTF-8");
    return answer_text(cli, "POST", "volumes/", cli->operands[0], "/evidence", body, "statement");
}

int run_volume_set_image(struct cli *cli)
{
    if (!cli_has(cli, OPTION_IMAGE))
        return complain(EXIT_USAGE, "give --image NAME, the image that gets the key from now on");
    return answer_change(cli, "POST", "volumes/", cli->operands[0], "/image",
                         json_pack("{s:s}", "image", cli->options[OPTION_IMAGE]),
                         "the volume goes with another image");
}

int run_volume_retire(struct cli *cli)
{
    return answer_override(cli, cli->operands[0], "/retire", json_object(),
                           "the volume's keys are destroyed");
}
