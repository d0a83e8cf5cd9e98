/* SPDX-License-Identifier: MIT */
/*
 * kbsctl: the administrators' program. What its commands share: what they were told on the command
 * line.
 */
#ifndef SNPVTPM_KBS_CLI_CLI_H
#define SNPVTPM_KBS_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kbs/cli/fail.h"

/* identifier, name, short letter or 0, placeholder of its value or NULL, help */
#define OPTIONS(O)                                                                                 \
    O(URL, "url", 0, "URL", "the KBS's admin API, https://HOST:PORT")                              \
    O(CA, "ca", 0, "FILE", "believe only servers with a certificate from this CA (PEM)")           \
    O(TOKEN_FILE, "token-file", 0, "FILE", "file with the administrator's token")                  \
    O(CONFIG, "config", 0, "FILE", "settings url, ca, token-file (default ~/.config/kbsctl.conf)") \
    O(JSON, "json", 0, NULL, "print the KBS's answer as JSON, for scripts")                        \
    O(HELP, "help", 'h', NULL, "help for this command")                                            \
    O(IGVM, "igvm", 0, "FILE", "an IGVM file: its measurement and pages")                          \
    O(MEASUREMENT, "measurement", 0, "HEX", "a launch measurement, 96 hexadecimal digits")         \
    O(FILE, "file", 0, "FILE", "file to read, - is standard input")                                \
    O(POLICY, "policy", 0, "NAME", "the policy that protects it")                                  \
    O(REPLACE, "replace", 0, NULL, "replace what is there already")                                \
    O(IMAGE, "image", 0, "NAME", "the only image that gets the key")                               \
    O(ID, "id", 0, "UUID", "the volume's id (default: a random one)")                              \
    O(KEY_FILE, "key-file", 0, "FILE",                                                             \
      "state key, 64 bytes or 128 hexadecimal digits, - is standard input (default: random)")      \
    O(RELEASE, "release", 0, "signed|any",                                                         \
      "release the key with a signed record only (default), or to older clients too")              \
    O(ROLE, "role", 0, "owner|auditor", "what the token is good for")                              \
    O(EXPIRES, "expires", 0, "TIME", "how long it is valid: 12h, 90d, 1y (default: for ever)")     \
    O(OUT, "out", 0, "FILE", "write it to a new file that only you can read")                      \
    O(FOLLOW, "follow", 'f', NULL, "go on with new lines as they come")                            \
    O(LINES, "lines", 'n', "N", "how many lines (default 20)")                                     \
    O(EXPECT_HEAD, "expect-head", 0, "HASH",                                                       \
      "the chain must also have a line with this hash, noted at an earlier time")                  \
    O(AUDIT, "audit", 0, "SEQ", "the measurement in this line of the audit log")                   \
    O(OLDER_THAN, "older-than", 0, "TIME", "only lines of that age: 12h, 90d, 1y (default 30d)")   \
    O(KEEP, "keep", 0, NULL, "write the files only, and leave the lines in the KBS")               \
    O(KEY, "key", 0, "FILE", "the public key that must have signed the files, in PEM")             \
    O(LIVE, "live", 0, NULL, "then verify the KBS's log, which has to go on from the files")       \
    O(MODE, "mode", 0, "off|strict|classed|boot",                                                  \
      "what of a TPM's changes is anchored before it answers; off: no leases")                     \
    O(SAME_EPOCH, "same-epoch", 0, "yes|no",                                                       \
      "later states of the same start open, too (default: yes for classed and boot)")              \
    O(LEASE_TIME, "lease-time", 0, "SECONDS|forever",                                              \
      "how long the next VM waits for one that ended hard (default 60)")                           \
    O(CONFIRM_TIME, "confirm-time", 0, "SECONDS|forever",                                          \
      "the same for one that ended before it opened the volume (default 60)")                      \
    O(UNOPENED, "unopened", 0, "stop|ephemeral",                                                   \
      "where the volume does not open: no start (default), or a TPM that forgets")                 \
    O(FIRST, "first", 0, "manufacture|adopt|either|neither",                                       \
      "while no state is committed: make a TPM on a blank disk, take the disk's state")            \
    O(FORGET_STATE, "forget-state", 0, NULL,                                                       \
      "give up the committed state, which the new key does not open")                              \
    O(CANCEL, "cancel", 0, NULL, "stay with the key of now")                                       \
    O(NONCE, "nonce", 0, "TEXT", "what the statement repeats, so that it is known to be new")

enum cli_option {
#define O(identifier, name, letter, value, help) OPTION_##identifier,
    OPTIONS(O)
#undef O
        OPTION_COUNT
};

#define OPTION_BIT(identifier) (UINT64_C(1) << OPTION_##identifier)

/* Among a command's options: it connects on its own, if it needs a KBS at all. */
#define COMMAND_OFFLINE (UINT64_C(1) << 63)
_Static_assert(OPTION_COUNT < 63, "options are bits");

struct api_client;

struct cli {
    const char *options[OPTION_COUNT]; /* NULL: not given; "" for one without a value */
    int operand_count;
    char **operands;
    struct api_client *api;
};

static inline bool cli_has(const struct cli *cli, enum cli_option option)
{
    return cli->options[option] != NULL;
}

/* A command: what it is called, what it takes, and what it does. */
struct command {
    const char *group, *verb; /* verb is NULL for groups with one command only */
    const char *operands;     /* for the help text, as "NAME" */
    int operands_min, operands_max;
    uint64_t options; /* that it takes beside those of every command */
    const char *help;
    int (*run)(struct cli *cli); /* returns an exit status */
};

extern const struct command commands[];
extern const size_t command_count;

int run_image_add(struct cli *cli);
int run_image_list(struct cli *cli);
int run_image_show(struct cli *cli);
int run_image_retire(struct cli *cli);
int run_policy_add(struct cli *cli);
int run_policy_check(struct cli *cli);
int run_policy_list(struct cli *cli);
int run_policy_show(struct cli *cli);
int run_policy_remove(struct cli *cli);
int run_policy_default(struct cli *cli);
int run_secret_put(struct cli *cli);
int run_secret_list(struct cli *cli);
int run_secret_show(struct cli *cli);
int run_secret_retire(struct cli *cli);
int run_volume_create(struct cli *cli);
int run_volume_list(struct cli *cli);
int run_volume_show(struct cli *cli);
int run_volume_set_key(struct cli *cli);
int run_volume_rekey(struct cli *cli);
int run_volume_set_image(struct cli *cli);
int run_volume_retire(struct cli *cli);
int run_volume_set_lease(struct cli *cli);
int run_volume_lease(struct cli *cli);
int run_volume_accept_disk(struct cli *cli);
int run_volume_evidence(struct cli *cli);
int run_volume_freeze(struct cli *cli);
int run_volume_thaw(struct cli *cli);
int run_token_create(struct cli *cli);
int run_token_list(struct cli *cli);
int run_token_revoke(struct cli *cli);
int run_key_list(struct cli *cli);
int run_key_show(struct cli *cli);
int run_key_rotate(struct cli *cli);
int run_key_retire(struct cli *cli);
int run_ca_list(struct cli *cli);
int run_ca_show(struct cli *cli);
int run_ca_crl(struct cli *cli);
int run_ca_rotate(struct cli *cli);
int run_ca_revoke(struct cli *cli);
int run_audit_tail(struct cli *cli);
int run_audit_show(struct cli *cli);
int run_audit_verify(struct cli *cli);
int run_audit_archive(struct cli *cli);
int run_status_show(struct cli *cli);
int run_explain(struct cli *cli);

#endif
