/* SPDX-License-Identifier: MIT */
/* The program's commands; each parses its own options and returns the exit status. */
#ifndef SNPVTPM_KBS_SERVER_COMMANDS_H
#define SNPVTPM_KBS_SERVER_COMMANDS_H

#include "lib/program/complain.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_USAGE = 2,   /* wrong options */
    EXIT_FILE = 3,    /* a file or the store */
    EXIT_INPUT = 4,   /* what a file says is not acceptable */
    EXIT_ADDRESS = 5, /* an address cannot be listened on */
};

int command_init(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_rotate_master_key(int argc, char **argv);
int command_show_release_key(int argc, char **argv);
int command_recover_token(int argc, char **argv);
int command_backup(int argc, char **argv);
int command_restore(int argc, char **argv);
int command_renew_certificate(int argc, char **argv);

#endif
