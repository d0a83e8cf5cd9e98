/* SPDX-License-Identifier: MIT */
/* `state-volume rekey`: the state of a volume under another key. */
#include <openssl/crypto.h>
#include <stdio.h>

#include "services/tpm/disk.h"
#include "services/tpm/volume_file.h"
#include "state-volume/tool.h"

static const char USAGE[] =
    "usage: state-volume rekey [options] VOLUME\n"
    "\n"
    "Encrypts the state anew, under another key. Give the KBS the new key before a VM starts.\n"
    "When the power fails meanwhile, the volume opens with one of the two: keep both until this\n"
    "has ended, and do it again. Copies that were made before still open with the old key.\n"
    "\n"
    "  -k, --key-file FILE      the key that the volume has\n"
    "      --new-key-file FILE  the key that it gets: exactly 64 bytes, which nobody else may "
    "read\n"
    "  -h, --help               this text\n";

static const struct option OPTIONS[] = {
    {"help", no_argument, NULL, OPTION_HELP},
    {"key-file", required_argument, NULL, OPTION_KEY_FILE},
    {"new-key-file", required_argument, NULL, OPTION_NEW_KEY_FILE},
    {0},
};

/* The new key opens the volume already: a rekey that was cut short, or one that was done. */
static enum tool_status finish(const struct options *options, const uint8_t key[VOLUME_KEY_SIZE],
                               bool *done)
{
    struct opened opened = {.fd = volume_file_open(options->volume, VOLUME_FILE_CHANGE, 0)};
    enum volume_status status;

    *done = false;
    if (opened.fd < 0)
        return TOOL_FILE;
    opened.storage = disk_storage(&opened.fd);
    status = volume_open(&opened.volume, &opened.storage, key, NULL);
    if (status == VOLUME_OK) {
        status = volume_settle(&opened.volume);
        *done = true;
    }
    opened_close(&opened);
    if (!*done)
        return status == VOLUME_WEAK_KEY ? complain_of_volume(options->volume, status) : TOOL_OK;
    return status == VOLUME_OK ? TOOL_OK : complain_of_volume(options->volume, status);
}

static enum tool_status change_key(const struct options *options,
                                   const uint8_t key[VOLUME_KEY_SIZE])
{
    struct opened opened;
    enum volume_status volume_status;
    enum tool_status status = opened_open(&opened, options, OPEN_CHANGE);

    if (status == TOOL_OK && opened.status == VOLUME_BLANK)
        status = complain_of_volume(options->volume, VOLUME_BLANK);
    if (status == TOOL_OK) {
        volume_status = volume_rekey(&opened.volume, key, NULL, 0);
        if (volume_status == VOLUME_OK) {
            volume_acknowledge(&opened.volume);
            volume_status = volume_settle(&opened.volume);
        }
        if (volume_status != VOLUME_OK)
            status = complain_of_volume(options->volume, volume_status);
    }
    opened_close(&opened);
    return status;
}

unsigned rekey_command(int argc, char **argv)
{
    struct options options;
    uint8_t key[VOLUME_KEY_SIZE];
    bool done = false;
    enum tool_status status = parse_options(argc, argv, OPTIONS, USAGE, &options);

    if (status != TOOL_OK || options.help)
        return status;
    if (!options.key_file || !options.new_key_file)
        return complain(TOOL_USAGE, "rekey needs --key-file and --new-key-file");
    if (!key_file_read(options.new_key_file, key))
        return TOOL_FILE;
    status = finish(&options, key, &done);
    if (status == TOOL_OK && done)
        printf("%s has this key\n", options.volume);
    else if (status == TOOL_OK)
        status = change_key(&options, key);
    OPENSSL_cleanse(key, sizeof(key));
    return status;
}
