/* SPDX-License-Identifier: MIT */
/* What the commands of `state-volume` share: options, the way they end, and the files they open. */
#ifndef SNPVTPM_STATE_VOLUME_TOOL_H
#define SNPVTPM_STATE_VOLUME_TOOL_H

#include <getopt.h>

#include "lib/program/complain.h"
#include "lib/volume/volume.h"

/* Also the exit statuses of the program. */
enum tool_status {
    TOOL_OK = 0,
    TOOL_FAILED = 1,   /* reading, writing or memory failed */
    TOOL_USAGE = 2,    /* wrong command line */
    TOOL_FILE = 3,     /* a file, the key or the size cannot be used */
    TOOL_CHANGED = 4,  /* damaged, or made of several times or volumes */
    TOOL_REFUSED = 5,  /* libtpms does not load the state */
    TOOL_NEWER = 6,    /* likewise, because a newer libtpms wrote it; or the volume is newer */
    TOOL_KEY = 7,      /* no volume under this key */
    TOOL_NOTHING = 8,  /* the volume is blank, or has no such object */
    TOOL_EXISTS = 9,   /* what would be replaced is there */
    TOOL_UNKNOWN = 10, /* without the key nothing can be said */
};

struct options {
    const char *volume;
    const char *key_file;
    const char *new_key_file;
    const char *input;
    const char *output;
    const char *object;
    const char *ek;
    uint64_t size;
    uint8_t volume_id[VOLUME_ID_SIZE];
    bool has_volume_id, swtpm, replace, help;
};

/* The letters by which the tables of the commands name their options. */
enum option_letter {
    OPTION_HELP = 'h',
    OPTION_KEY_FILE = 'k',
    OPTION_OUTPUT = 'o',
    OPTION_INPUT = 'i',
    OPTION_NEW_KEY_FILE = 0x100,
    OPTION_OBJECT,
    OPTION_EK,
    OPTION_SIZE,
    OPTION_VOLUME_ID,
    OPTION_SWTPM,
    OPTION_REPLACE,
};

/*
 * Takes the options of a command, and its one argument, the volume. With --help it prints usage;
 * whoever calls ends then. argv[0] is the command's name.
 */
MUST_CHECK enum tool_status parse_options(int argc, char **argv, const struct option *table,
                                          const char *usage, struct options *options);

/* An open volume of a command, with all that belongs to it. */
struct opened {
    int fd; /* -1: not open */
    struct volume_storage storage;
    uint8_t key[VOLUME_KEY_SIZE];
    struct volume volume;
    enum volume_status status; /* of volume_open(); VOLUME_BLANK is none of its failures */
};

/* Whether the file is opened for reading alone. */
enum opening_use {
    OPEN_READ,
    OPEN_CHANGE,
    OPEN_CREATE,
};

/*
 * Reads the key and opens the volume. TOOL_OK, also if it is blank; otherwise a complaint was made.
 * opened_close() is due in any case.
 */
MUST_CHECK enum tool_status opened_open(struct opened *opened, const struct options *options,
                                        enum opening_use use);
void opened_close(struct opened *opened);

/* Complains of a status that is not VOLUME_OK. */
MUST_CHECK enum tool_status complain_of_volume(const char *path, enum volume_status status);

/* Reads an object. Complains if it is not there or not intact; released by OPENSSL_clear_free(). */
MUST_CHECK enum tool_status read_object(struct opened *opened, const char *path, const char *name,
                                        uint8_t **bytes, size_t *size);

/* Whether libtpms loads a state; complains otherwise. */
MUST_CHECK enum tool_status try_state(const char *path, const uint8_t *bytes, size_t size);

/* The commands; argv[0] is the command's name, the result an enum tool_status. */
MUST_CHECK unsigned verify_command(int argc, char **argv);
MUST_CHECK unsigned show_command(int argc, char **argv);
MUST_CHECK unsigned list_command(int argc, char **argv);
MUST_CHECK unsigned extract_command(int argc, char **argv);
MUST_CHECK unsigned import_command(int argc, char **argv);
MUST_CHECK unsigned manufacture_command(int argc, char **argv);
MUST_CHECK unsigned rekey_command(int argc, char **argv);

#endif
