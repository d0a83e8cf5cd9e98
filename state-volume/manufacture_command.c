/* SPDX-License-Identifier: MIT */
/* `state-volume manufacture`: a new TPM, on a machine that the owner trusts. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/writer.h"
#include "lib/ek/template.h"
#include "lib/file/io.h"
#include "services/tpm/command.h"
#include "services/tpm/ek.h"
#include "services/tpm/engine.h"
#include "state-volume/tool.h"

static const char USAGE[] =
    "usage: state-volume manufacture [options] VOLUME\n"
    "\n"
    "Makes a new TPM on a volume that is blank or does not exist yet. Its seeds come from this\n"
    "machine's random numbers, and are nowhere else.\n"
    "\n"
    "  -k, --key-file FILE   the key: exactly 64 bytes, which nobody else may read;\n"
    "                        `head -c 64 /dev/urandom >FILE` makes one\n"
    "      --ek FILE         write the public part of its RSA-2048 endorsement key into FILE, as\n"
    "                        `tpm2_createek -u FILE` does\n"
    "      --size SIZE       of a new volume (default 16M)\n"
    "      --volume-id UUID  the volume's identity (default: random)\n"
    "  -h, --help            this text\n";

static const struct option OPTIONS[] = {
    {"help", no_argument, NULL, OPTION_HELP},
    {"key-file", required_argument, NULL, OPTION_KEY_FILE},
    {"ek", required_argument, NULL, OPTION_EK},
    {"size", required_argument, NULL, OPTION_SIZE},
    {"volume-id", required_argument, NULL, OPTION_VOLUME_ID},
    {0},
};

static enum tool_status write_file(const char *path, const uint8_t *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    enum tool_status status = TOOL_OK;

    if (fd < 0)
        return complain(TOOL_FILE, "cannot make %s: %s", path, strerror(errno));
    if (!io_write_all(fd, bytes, size))
        status = complain(TOOL_FAILED, "cannot write %s: %s", path, strerror(errno));
    if (close(fd) != 0 && status == TOOL_OK)
        status = complain(TOOL_FAILED, "cannot write %s: %s", path, strerror(errno));
    return status;
}

/* Starts the TPM up, asks for its endorsement key, and shuts it down in order. */
static enum tool_status give_ek(struct engine *engine, const char *path)
{
    uint8_t command[TPM_HEADER_SIZE + 2];
    uint8_t response[TPM_RESPONSE_MAX];
    uint8_t public[2 + EK_PUBLIC_MAX];
    struct writer w = writer_over(command, sizeof(command)),
                  key = writer_over(public, sizeof(public));
    enum tool_status status = TOOL_OK;

    if (!command_begin(&w, TPM_ST_NO_SESSIONS, TPM_CC_Startup) || !writer_be16(&w, TPM_SU_CLEAR))
        return complain(TOOL_FAILED, "no room for a command");
    command_end(&w);
    if (engine_execute(engine, 0, command, w.used, response) < TPM_HEADER_SIZE ||
        get_be32(response + 6) != TPM_RC_SUCCESS ||
        ek_public_sized(engine, EK_RSA_2048, &key) != TPM_RC_SUCCESS)
        status = complain(TOOL_FAILED, "the new TPM does not give its endorsement key");
    if (status == TOOL_OK)
        status = write_file(path, public, key.used);
    engine_shut_down(engine);
    return status;
}

/* On the volume, which opened has found blank, and which the engine opens again. */
static enum tool_status make_tpm(struct opened *opened, const struct options *options)
{
    struct engine engine;
    enum tool_status status = TOOL_OK;

    if (engine_open(&engine, &opened->storage, opened->key) != ENGINE_MANUFACTURED)
        status = complain(TOOL_FAILED, "%s: no TPM could be made", options->volume);
    if (status == TOOL_OK && options->ek)
        status = give_ek(&engine, options->ek);
    engine_close(&engine);
    return status;
}

static enum tool_status manufacture(const struct options *options)
{
    struct opened opened;
    enum tool_status status = opened_open(&opened, options, OPEN_CREATE);

    if (opened.fd >= 0 && (opened.status == VOLUME_OK || opened.status == VOLUME_WRONG_KEY))
        status = complain(TOOL_EXISTS,
                          "%s is not blank; name a new file, or make this one blank with "
                          "remanufacture-tpm.sh",
                          options->volume);
    if (status == TOOL_OK && options->has_volume_id) {
        enum volume_status formatted = VOLUME_OK;

        if (!volume_identify(&opened.volume, options->volume_id))
            status = complain(TOOL_EXISTS, "%s has an identity already; leave out --volume-id",
                              options->volume);
        else
            formatted = volume_format(&opened.volume);
        if (formatted != VOLUME_OK)
            status = complain_of_volume(options->volume, formatted);
    }
    if (status == TOOL_OK)
        status = make_tpm(&opened, options);
    opened_close(&opened);
    return status;
}

unsigned manufacture_command(int argc, char **argv)
{
    struct options options;
    enum tool_status status = parse_options(argc, argv, OPTIONS, USAGE, &options);

    return status != TOOL_OK || options.help ? status : manufacture(&options);
}
