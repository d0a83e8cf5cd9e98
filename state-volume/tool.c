/* SPDX-License-Identifier: MIT */
#include "state-volume/tool.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/uuid.h"
#include "lib/program/number.h"
#include "services/tpm/disk.h"
#include "services/tpm/engine.h"
#include "services/tpm/volume_file.h"

/* A size that a volume can have. */
static enum tool_status parse_size(const char *text, uint64_t *size)
{
    if (number_parse(text, INT64_MAX, size) != NUMBER_OK)
        return complain(TOOL_USAGE, "--size %s: not a size; write 16M", text);
    if (*size < VOLUME_SIZE_MIN || *size % VOLUME_SIZE_MULTIPLE != 0)
        return complain(TOOL_USAGE, "--size %s: a volume has a multiple of 4096 bytes, at least 1M",
                        text);
    return TOOL_OK;
}

static enum tool_status take_option(int option, struct options *options)
{
    switch (option) {
    case OPTION_HELP:
        options->help = true;
        return TOOL_OK;
    case OPTION_KEY_FILE:
        options->key_file = optarg;
        return TOOL_OK;
    case OPTION_NEW_KEY_FILE:
        options->new_key_file = optarg;
        return TOOL_OK;
    case OPTION_INPUT:
        options->input = optarg;
        return TOOL_OK;
    case OPTION_OUTPUT:
        options->output = optarg;
        return TOOL_OK;
    case OPTION_OBJECT:
        options->object = optarg;
        return TOOL_OK;
    case OPTION_EK:
        options->ek = optarg;
        return TOOL_OK;
    case OPTION_SIZE:
        return parse_size(optarg, &options->size);
    case OPTION_VOLUME_ID:
        options->has_volume_id = uuid_bytes(optarg, options->volume_id) &&
                                 !bytes_are_zero(options->volume_id, VOLUME_ID_SIZE);
        return options->has_volume_id
                   ? TOOL_OK
                   : complain(TOOL_USAGE, "--volume-id %s: not a UUID, or zero", optarg);
    case OPTION_SWTPM:
        options->swtpm = true;
        return TOOL_OK;
    case OPTION_REPLACE:
        options->replace = true;
        return TOOL_OK;
    default: /* getopt_long() has complained */
        return TOOL_USAGE;
    }
}

enum tool_status parse_options(int argc, char **argv, const struct option *table, const char *usage,
                               struct options *options)
{
    enum tool_status status = TOOL_OK;
    int option;

    *options = (struct options){.size = VOLUME_FILE_SIZE, .object = VOLUME_TPM_STATE};
    while (status == TOOL_OK && (option = getopt_long(argc, argv, "hk:i:o:", table, NULL)) != -1)
        status = take_option(option, options);
    if (status != TOOL_OK)
        return status;
    if (options->help) {
        fputs(usage, stdout);
        return TOOL_OK;
    }
    if (optind + 1 != argc)
        return complain(TOOL_USAGE, "%s takes one VOLUME; see state-volume %s --help", argv[0],
                        argv[0]);
    options->volume = argv[optind];
    return TOOL_OK;
}

enum tool_status complain_of_volume(const char *path, enum volume_status status)
{
    const char *text = volume_status_text(status);

    if (volume_was_changed(status))
        return complain(TOOL_CHANGED, "%s %s; put the last good copy back, if there is one", path,
                        text);
    switch (status) {
    case VOLUME_BLANK:
        return complain(TOOL_NOTHING, "%s %s: no TPM was made on it yet", path, text);
    case VOLUME_WRONG_KEY:
        return complain(TOOL_KEY, "%s %s: it needs another one, or is no state volume", path, text);
    case VOLUME_BAD_SIZE:
    case VOLUME_WEAK_KEY:
    case VOLUME_TOO_LARGE:
        return complain(TOOL_FILE, "%s %s", path, text);
    case VOLUME_OTHER_VERSION:
        return complain(TOOL_NEWER, "%s %s; use the newer state-volume", path, text);
    case VOLUME_NO_OBJECT:
        return complain(TOOL_NOTHING, "%s %s; `state-volume list` shows which there are", path,
                        text);
    case VOLUME_BAD_NAME:
        return complain(TOOL_USAGE, "%s %s", path, text);
    default:
        return complain(TOOL_FAILED, "%s %s", path, text);
    }
}

static enum volume_file_use file_use(enum opening_use use)
{
    switch (use) {
    case OPEN_READ:
        return VOLUME_FILE_READ;
    case OPEN_CHANGE:
        return VOLUME_FILE_CHANGE;
    case OPEN_CREATE:
        break;
    }
    return VOLUME_FILE_CREATE;
}

enum tool_status opened_open(struct opened *opened, const struct options *options,
                             enum opening_use use)
{
    *opened = (struct opened){.fd = -1};
    if (!options->key_file)
        return complain(TOOL_USAGE, "--key-file is needed");
    if (!key_file_read(options->key_file, opened->key))
        return TOOL_FILE;
    opened->fd = volume_file_open(options->volume, file_use(use), options->size);
    if (opened->fd < 0)
        return TOOL_FILE;
    opened->storage = disk_storage(&opened->fd);
    opened->status = volume_open(&opened->volume, &opened->storage, opened->key, NULL);
    return opened->status == VOLUME_OK || opened->status == VOLUME_BLANK
               ? TOOL_OK
               : complain_of_volume(options->volume, opened->status);
}

void opened_close(struct opened *opened)
{
    if (opened->fd >= 0) {
        volume_close(&opened->volume);
        close(opened->fd);
    }
    OPENSSL_cleanse(opened, sizeof(*opened));
    opened->fd = -1;
}

enum tool_status read_object(struct opened *opened, const char *path, const char *name,
                             uint8_t **bytes, size_t *size)
{
    enum volume_status status = opened->status == VOLUME_OK
                                    ? volume_read(&opened->volume, name, bytes, size)
                                    : opened->status;

    return status == VOLUME_OK ? TOOL_OK : complain_of_volume(path, status);
}

enum tool_status try_state(const char *path, const uint8_t *bytes, size_t size)
{
    switch (engine_try_state(bytes, size)) {
    case ENGINE_OPENED:
        return TOOL_OK;
    case ENGINE_TOO_NEW:
        return complain(TOOL_NEWER, "%s: a newer libtpms wrote the TPM's state; use a newer build",
                        path);
    case ENGINE_REFUSED:
        return complain(TOOL_REFUSED, "%s: libtpms does not load this as a TPM's state", path);
    default:
        return complain(TOOL_FAILED, "%s: libtpms does not start", path);
    }
}
