/* SPDX-License-Identifier: MIT */
/* kbsctl: administers a Key Broker Server through its admin API. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "kbs/cli/api_client.h"
#include "kbs/cli/cli.h"
#include "kbs/cli/settings.h"
#include "lib/jose/json_memory.h"

static const struct {
    const char *name;
    int letter; /* or 0 */
    const char *value, *help;
} option_table[] = {
#define O(identifier, name, letter, value, help) {name, letter, value, help},
    OPTIONS(O)
#undef O
};

const char program_name[] = "kbsctl";

#define FIRST_LONG 0x100 /* of the numbers by which getopt_long tells options */
#define COMMON                                                                                     \
    (OPTION_BIT(URL) | OPTION_BIT(CA) | OPTION_BIT(TOKEN_FILE) | OPTION_BIT(CONFIG) |              \
     OPTION_BIT(JSON) | OPTION_BIT(HELP))

/* Help */

static void print_options(uint64_t options)
{
    char left[64];

    for (int i = 0; i < OPTION_COUNT; i++) {
        if (!(options & UINT64_C(1) << i))
            continue;
        snprintf(left, sizeof(left), "%s--%s%s%s",
                 option_table[i].letter ? (char[]){'-', (char)option_table[i].letter, ',', ' ', 0}
                                        : "    ",
                 option_table[i].name, option_table[i].value ? " " : "",
                 option_table[i].value ? option_table[i].value : "");
        if (strlen(left) > 26)
            printf("  %s\n  %-26s  %s\n", left, "", option_table[i].help);
        else
            printf("  %-26s  %s\n", left, option_table[i].help);
    }
}

static void print_command_help(const struct command *command)
{
    printf("Usage: kbsctl %s%s%s%s%s%s\n\n%s\n", command->group, command->verb ? " " : "",
           command->verb ? command->verb : "", *command->operands ? " " : "", command->operands,
           command->options ? " [OPTION]..." : "", command->help);
    if (command->options) {
        fputs("\nOptions:\n", stdout);
        print_options(command->options);
    }
    fputs("\nOptions of every command:\n", stdout);
    print_options(COMMON);
}

static void print_help(FILE *out)
{
    fputs("Usage: kbsctl COMMAND [OPTION]...\n\n"
          "Administers a Key Broker Server: what may be launched, and what it gets.\n\nCommands:\n",
          out);
    for (size_t i = 0; i < command_count; i++) {
        char left[64];

        snprintf(left, sizeof(left), "%s%s%s %s", commands[i].group, commands[i].verb ? " " : "",
                 commands[i].verb ? commands[i].verb : "", commands[i].operands);
        fprintf(out, "  %-32s %.*s\n", left, (int)strcspn(commands[i].help, "\n"),
                commands[i].help);
    }
    fputs(
        "\nkbsctl COMMAND --help tells more of each. Where the KBS is and who you are is in\n"
        "~/.config/kbsctl.conf, in $KBSCTL_CONFIG or in options:\n\n"
        "    url = \"https://kbs.example:8443\";\n"
        "    ca = \"ca.pem\";              # believe only this CA\n"
        "    token-file = \"owner.token\";\n\n"
        "Exit status: 0 done, 2 wrong command line, 3 a file cannot be read or written, or others\n"
        "may read what is secret, 4 the KBS refused or an input is not valid, 5 the KBS cannot be\n"
        "reached, is not believed or cannot answer now, 6 the token is not valid or its role does\n"
        "not suffice, 7 the audit log's chain is broken.\n",
        out);
}

/* The command line */

/* The option that getopt_long found: by its letter, or by its number. */
static enum cli_option option_of(int found)
{
    for (int i = 0; found < FIRST_LONG && i < OPTION_COUNT; i++)
        if (found == option_table[i].letter)
            return (enum cli_option)i;
    return (enum cli_option)(found - FIRST_LONG);
}

static int take_options(int argc, char **argv, struct cli *cli)
{
    struct option known[OPTION_COUNT + 1] = {0};
    int option;

    for (int i = 0; i < OPTION_COUNT; i++)
        known[i] =
            (struct option){.name = option_table[i].name,
                            .has_arg = option_table[i].value ? required_argument : no_argument,
                            .val = FIRST_LONG + i};
    while ((option = getopt_long(argc, argv, "hfn:", known, NULL)) != -1) {
        if (option == '?') /* getopt_long() has complained */
            return EXIT_USAGE;
        cli->options[option_of(option)] = optarg ? optarg : "";
    }
    cli->operand_count = argc - optind;
    cli->operands = argv + optind;
    return EXIT_DONE;
}

/* The command that the first operands name, which are taken; NULL when there is none. */
static const struct command *take_command(struct cli *cli)
{
    for (size_t i = 0; i < command_count; i++) {
        int words = commands[i].verb ? 2 : 1;

        if (cli->operand_count < words || strcmp(cli->operands[0], commands[i].group) != 0 ||
            (words == 2 && strcmp(cli->operands[1], commands[i].verb) != 0))
            continue;
        cli->operand_count -= words;
        cli->operands += words;
        return &commands[i];
    }
    return NULL;
}

static int check(const struct cli *cli, const struct command *command)
{
    const char *verb = command->verb ? command->verb : "";

    for (int i = 0; i < OPTION_COUNT; i++)
        if (cli->options[i] && !((command->options | COMMON) & UINT64_C(1) << i))
            return complain(EXIT_USAGE, "%s %s takes no --%s; see --help", command->group, verb,
                            option_table[i].name);
    if (cli->operand_count < command->operands_min || cli->operand_count > command->operands_max)
        return complain(EXIT_USAGE, "usage: kbsctl %s %s %s", command->group, verb,
                        command->operands);
    return EXIT_DONE;
}

static int run(struct cli *cli, const struct command *command)
{
    int status = command->options & COMMAND_OFFLINE ? EXIT_DONE : settings_connect(cli);

    if (status == EXIT_DONE)
        status = command->run(cli);
    api_client_free(cli->api);
    return status;
}

int main(int argc, char **argv)
{
    struct cli cli = {0};
    const struct command *command;
    int status = take_options(argc, argv, &cli);

    if (status != EXIT_DONE)
        return status;
    json_memory_use();
    command = take_command(&cli);
    if (cli_has(&cli, OPTION_HELP)) {
        if (command)
            print_command_help(command);
        else
            print_help(stdout);
        return EXIT_DONE;
    }
    if (!command) {
        if (cli.operand_count == 0)
            print_help(stderr);
        else
            complain(EXIT_USAGE, "there is no command %s %s; see kbsctl --help", cli.operands[0],
                     cli.operand_count > 1 ? cli.operands[1] : "");
        return EXIT_USAGE;
    }
    status = check(&cli, command);
    if (status == EXIT_DONE && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        status = complain(EXIT_FILE, "libcurl cannot start");
    if (status == EXIT_DONE) {
        status = run(&cli, command);
        curl_global_cleanup();
    }
    return status;
}
