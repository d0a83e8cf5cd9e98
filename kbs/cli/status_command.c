/* SPDX-License-Identifier: MIT */
/* kbsctl status */
#include <stdio.h>

#include "kbs/cli/answers.h"
#include "kbs/cli/api_client.h"

static json_int_t count(const json_t *counts, const char *name)
{
    return json_integer_value(json_object_get(counts, name));
}

static void print_audit(const json_t *audit)
{
    if (json_is_true(json_object_get(audit, "whole"))) {
        printf("audit log  %swhole%s, %" JSON_INTEGER_FORMAT " lines, head ",
               table_colour(COLOUR_GOOD), table_colour_end(), count(audit, "entries"));
        table_print_text(stdout, json_string_value(json_object_get(audit, "head")));
    } else {
        const char *problem = json_string_value(json_object_get(audit, "problem"));

        printf("audit log  %sBROKEN%s at line %" JSON_INTEGER_FORMAT ": ", table_colour(COLOUR_BAD),
               table_colour_end(), count(audit, "first_bad"));
        table_print_text(stdout, problem ? problem : "no reason given");
    }
    putchar('\n');
}

static void print_missing(const json_t *missing)
{
    for (size_t i = 0; i < json_array_size(missing); i++) {
        printf("%sWARNING%s    ", table_colour(COLOUR_WARN), table_colour_end());
        table_print_text(stdout,
                         json_string_value(json_object_get(json_array_get(missing, i), "message")));
        putchar('\n');
    }
}

static void print_counts(const json_t *counts)
{
    printf("registered images: %" JSON_INTEGER_FORMAT " (%" JSON_INTEGER_FORMAT
           " retired), volumes: %" JSON_INTEGER_FORMAT " (%" JSON_INTEGER_FORMAT
           " retired), policies: %" JSON_INTEGER_FORMAT ", secrets: %" JSON_INTEGER_FORMAT "\n",
           count(counts, "images"), count(counts, "images_retired"), count(counts, "volumes"),
           count(counts, "volumes_retired"), count(counts, "policies"), count(counts, "secrets"));
    printf("tokens     owners: %" JSON_INTEGER_FORMAT ", auditors: %" JSON_INTEGER_FORMAT "\n",
           count(counts, "owners"), count(counts, "auditors"));
}

int run_status_show(struct cli *cli)
{
    static const struct column columns[] = {{"TIME", "time", NULL, false},
                                            {"VERDICT", "result", NULL, false},
                                            {"REASON", "text", NULL, false},
                                            {"IMAGE", "image", NULL, false},
                                            {"MEASUREMENT", "measurement", NULL, true},
                                            {"CLIENT", "peer", NULL, false},
                                            {0}};
    json_t *reply;
    int status = api_request(cli->api, "GET", "status", NULL, "", NULL, &reply);

    if (status != EXIT_DONE)
        return status;
    if (cli_has(cli, OPTION_JSON)) {
        answer_json(reply);
    } else {
        print_audit(json_object_get(reply, "audit"));
        if (json_is_true(json_object_get(reply, "emulated_trusted")))
            printf("%sWARNING    an emulated platform is trusted: its VMs are not confidential%s\n",
                   table_colour(COLOUR_WARN), table_colour_end());
        print_missing(json_object_get(reply, "missing"));
        print_counts(json_object_get(reply, "counts"));
        putchar('\n');
        table_print(json_object_get(reply, "attestations"), columns, "nobody has attested yet");
    }
    json_decref(reply);
    return EXIT_DONE;
}
