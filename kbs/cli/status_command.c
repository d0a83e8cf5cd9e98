/* SPDX-License-Identifier: MIT */
/* kbsctl status */
#include <stdio.h>
#include <string.h>

#include "kbs/cli/answers.h"
#include "kbs/cli/api_client.h"

static json_int_t count(const json_t *counts, const char *name)
{
    return json_integer_value(json_object_get(counts, name));
}

static void print_text_of(const json_t *object, const char *name, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, name));

    table_print_text(stdout, text ? text : otherwise);
}

/* Up to which line it was verified, and when. */
static void print_verified(const json_t *audit)
{
    const json_t *verified = json_object_get(audit, "verified");

    printf("           verified up to line %" JSON_INTEGER_FORMAT " at ", count(verified, "line"));
    print_text_of(verified, "time", "no time yet");
    fputs(", from its beginning at ", stdout);
    print_text_of(verified, "whole_time", "no time yet");
    putchar('\n');
}

static void print_audit(const json_t *audit)
{
    json_int_t archived = count(audit, "archived");
    const char *state = json_string_value(json_object_get(audit, "state"));

    if (!state || strcmp(state, "broken") == 0) {
        printf("audit log  %sBROKEN%s at line %" JSON_INTEGER_FORMAT ": ", table_colour(COLOUR_BAD),
               table_colour_end(), count(audit, "first_bad"));
        print_text_of(audit, "problem", "no reason given");
    } else {
        printf("audit log  %s",
               table_colour(strcmp(state, "whole") == 0 ? COLOUR_GOOD : COLOUR_WARN));
        table_print_text(stdout, state);
        printf("%s, %" JSON_INTEGER_FORMAT " lines", table_colour_end(), count(audit, "entries"));
        if (archived > 0)
            printf(" (%" JSON_INTEGER_FORMAT " before them are archived)", archived);
        fputs(", head ", stdout);
        print_text_of(audit, "head", "unknown");
    }
    putchar('\n');
    print_verified(audit);
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
