/* SPDX-License-Identifier: MIT */
/* kbsctl image */
#include <stdio.h>
#include <stdlib.h>

#include "kbs/admin/values.h"
#include "kbs/cli/answers.h"
#include "kbs/cli/api_client.h"
#include "kbs/cli/launch_file.h"
#include "lib/base/hex.h"

static int make_body(const struct cli *cli, json_t **body)
{
    char measurement[2 * LAUNCH_DIGEST_SIZE + 1];
    struct launch_file file;
    int status;

    if (cli_has(cli, OPTION_IGVM) == cli_has(cli, OPTION_MEASUREMENT))
        return complain(EXIT_USAGE, "give either --igvm FILE or --measurement HEX");
    if (cli_has(cli, OPTION_MEASUREMENT)) {
        *body = json_pack("{s:s, s:s}", "name", cli->operands[0], "measurement",
                          cli->options[OPTION_MEASUREMENT]);
        return EXIT_DONE;
    }
    status = launch_file_read(cli->options[OPTION_IGVM], &file);
    if (status == EXIT_DONE) {
        hex_text(file.measurement, sizeof(file.measurement), measurement);
        *body = json_pack("{s:s, s:s, s:o}", "name", cli->operands[0], "measurement", measurement,
                          "pages", answer_base64(file.pages, file.pages_size));
    }
    free(file.pages);
    return status;
}

int run_image_add(struct cli *cli)
{
    json_t *body = NULL, *reply;
    int status = make_body(cli, &body);

    if (status == EXIT_DONE)
        status = api_request(cli->api, "POST", "images", NULL, "", body, &reply);
    if (status != EXIT_DONE)
        return status;
    if (cli_has(cli, OPTION_JSON)) {
        answer_json(reply);
    } else {
        printf("image %s registered, measurement ", cli->operands[0]);
        table_print_text(stdout, json_string_value(json_object_get(reply, "measurement")));
        putchar('\n');
    }
    json_decref(reply);
    return EXIT_DONE;
}

int run_image_list(struct cli *cli)
{
    static const struct column columns[] = {{"NAME", "name", NULL, false},
                                            {"MEASUREMENT", "measurement", NULL, true},
                                            {"ADDED", "added", NULL, false},
                                            {"RETIRED", "retired", "no", false},
                                            {0}};

    return answer_list(cli, "images", "images", columns, "there are no images");
}

int run_image_show(struct cli *cli)
{
    static const struct column members[] = {{"name", "name", NULL, false},
                                            {"measurement", "measurement", NULL, false},
                                            {"added", "added", NULL, false},
                                            {"retired", "retired", "no", false},
                                            {0}};
    static const struct column part_columns[] = {
        {"PART", "part", NULL, false}, {"PAGES", "pages", NULL, false}, {0}};
    json_t *reply;
    int status = api_request(cli->api, "GET", "images/", cli->operands[0], "", NULL, &reply);

    if (status != EXIT_DONE)
        return status;
    if (cli_has(cli, OPTION_JSON)) {
        answer_json(reply);
    } else {
        table_print_object(reply, members);
        putchar('\n');
        table_print(json_object_get(reply, "parts"), part_columns, "its pages are not known");
    }
    json_decref(reply);
    return EXIT_DONE;
}

int run_image_retire(struct cli *cli)
{
    return answer_change(cli, "POST", "images/", cli->operands[0], "/retire", json_object(),
                         "image retired: it gets nothing any more");
}
