/* SPDX-License-Identifier: MIT */
/* `state-volume extract` and `import`: objects out of a volume, and into it. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file/io.h"
#include "state-volume/swtpm.h"
#include "state-volume/tool.h"

#define INPUT_MAX (64 * 1024 * 1024)

static const char EXTRACT_USAGE[] =
    "usage: state-volume extract [options] VOLUME\n"
    "\n"
    "Writes the TPM's state as libtpms stores it into a new file, which only its owner can read.\n"
    "It is not encrypted there: whoever reads it has all the TPM's keys.\n"
    "\n"
    "  -k, --key-file FILE  the key: exactly 64 bytes, which nobody else may read\n"
    "  -o, --output FILE    the file, which does not exist yet\n"
    "      --swtpm          as swtpm's tpm2-00.permall\n"
    "      --object NAME    another object than the TPM's state\n"
    "  -h, --help           this text\n";

static const struct option EXTRACT_OPTIONS[] = {
    {"help", no_argument, NULL, OPTION_HELP},
    {"key-file", required_argument, NULL, OPTION_KEY_FILE},
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"swtpm", no_argument, NULL, OPTION_SWTPM},
    {"object", required_argument, NULL, OPTION_OBJECT},
    {0},
};

static const char IMPORT_USAGE[] =
    "usage: state-volume import [options] VOLUME\n"
    "\n"
    "Puts the state of a TPM into a volume, if libtpms loads it. FILE is what extract writes, or\n"
    "swtpm's tpm2-00.permall without encryption; swtpm must not run. From then on there are two\n"
    "TPMs with the same keys: remove the other one. A VOLUME that does not exist is made.\n"
    "\n"
    "  -k, --key-file FILE   the key: exactly 64 bytes, which nobody else may read\n"
    "  -i, --input FILE      the state\n"
    "      --object NAME     put FILE there as it is, as another object than the TPM's state\n"
    "      --replace         replace what the volume has\n"
    "      --size SIZE       of a new volume (default 16M)\n"
    "      --volume-id UUID  the identity of a new volume (default: random)\n"
    "  -h, --help            this text\n";

static const struct option IMPORT_OPTIONS[] = {
    {"help", no_argument, NULL, OPTION_HELP},
    {"key-file", required_argument, NULL, OPTION_KEY_FILE},
    {"input", required_argument, NULL, OPTION_INPUT},
    {"object", required_argument, NULL, OPTION_OBJECT},
    {"replace", no_argument, NULL, OPTION_REPLACE},
    {"size", required_argument, NULL, OPTION_SIZE},
    {"volume-id", required_argument, NULL, OPTION_VOLUME_ID},
    {0},
};

static bool is_tpm_state(const struct options *options)
{
    return strcmp(options->object, VOLUME_TPM_STATE) == 0;
}

/* Writes a new file of two parts, durable, or none. */
static enum tool_status write_new_file(const char *path, const struct writer *header,
                                       const uint8_t *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    enum tool_status status = TOOL_OK;

    if (fd < 0 && errno == EEXIST)
        return complain(TOOL_EXISTS, "%s exists already; name a new file", path);
    if (fd < 0)
        return complain(TOOL_FILE, "cannot make %s: %s", path, strerror(errno));
    if (!io_write_all(fd, header->start, header->used) || !io_write_all(fd, bytes, size) ||
        fsync(fd) != 0)
        status = complain(TOOL_FAILED, "cannot write %s: %s", path, strerror(errno));
    if (close(fd) != 0 && status == TOOL_OK)
        status = complain(TOOL_FAILED, "cannot write %s: %s", path, strerror(errno));
    if (status != TOOL_OK)
        unlink(path);
    return status;
}

static enum tool_status extract(const struct options *options)
{
    uint8_t header_bytes[SWTPM_HEADER_SIZE];
    struct writer header = writer_over(header_bytes, sizeof(header_bytes));
    struct opened opened;
    uint8_t *bytes = NULL;
    size_t size = 0;
    enum tool_status status = opened_open(&opened, options, OPEN_READ);

    if (status == TOOL_OK)
        status = read_object(&opened, options->volume, options->object, &bytes, &size);
    if (status == TOOL_OK && options->swtpm && !swtpm_put_header(&header, size))
        status = complain(TOOL_FILE, "%s: the state is too large for swtpm", options->volume);
    if (status == TOOL_OK)
        status = write_new_file(options->output, &header, bytes, size);
    OPENSSL_clear_free(bytes, size);
    opened_close(&opened);
    return status;
}

unsigned extract_command(int argc, char **argv)
{
    struct options options;
    enum tool_status status = parse_options(argc, argv, EXTRACT_OPTIONS, EXTRACT_USAGE, &options);

    if (status != TOOL_OK || options.help)
        return status;
    if (!options.output)
        return complain(TOOL_USAGE, "extract needs --output FILE");
    if (options.swtpm && !is_tpm_state(&options))
        return complain(TOOL_USAGE, "--swtpm is for the TPM's state, not for another object");
    return extract(&options);
}

/* Reads a whole file. Released by OPENSSL_clear_free(). */
static enum tool_status read_file(const char *path, uint8_t **bytes, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum tool_status status = TOOL_OK;
    struct stat file;

    if (fd < 0 || fstat(fd, &file) != 0) {
        status = complain(TOOL_FILE, "cannot open %s: %s", path, strerror(errno));
    } else if (!S_ISREG(file.st_mode) || file.st_size > INPUT_MAX) {
        status = complain(TOOL_FILE, "%s is no file of at most 64 MiB", path);
    } else {
        *size = (size_t)file.st_size;
        *bytes = OPENSSL_malloc(*size + 1);
        if (!*bytes)
            status = complain(TOOL_FAILED, "no memory for %s", path);
        else if (!io_read_at(fd, *bytes, *size, 0))
            status = complain(TOOL_FAILED, "cannot read %s: %s", path, strerror(errno));
    }
    if (fd >= 0)
        close(fd);
    return status;
}

/* libtpms' state in the file: as it is, or in swtpm's form. It loads. */
static enum tool_status find_state(const char *path, struct reader file, struct reader *state)
{
    switch (swtpm_parse(file, state)) {
    case SWTPM_STATE:
        break;
    case SWTPM_NONE:
        *state = file;
        break;
    case SWTPM_ENCRYPTED:
        return complain(TOOL_FILE,
                        "%s is encrypted by swtpm; have swtpm write it without a key first", path);
    case SWTPM_UNKNOWN:
        return complain(TOOL_REFUSED, "%s is no state that swtpm left whole", path);
    }
    return try_state(path, state->next, state->left);
}

static enum tool_status put_object(struct opened *opened, const struct options *options,
                                   const struct reader *object)
{
    /* The endorsement keys that the volume knows go with the TPM that had them. */
    const struct volume_change changes[] = {
        {.name = options->object, .bytes = object->next, .size = object->left},
        {.name = VOLUME_TPM_EK},
    };
    enum volume_status status;

    if (table_find(&opened->volume.current.table, options->object) && !options->replace)
        return complain(TOOL_EXISTS, "%s has %s already; --replace replaces it", options->volume,
                        is_tpm_state(options) ? "a TPM" : "such an object");
    if (options->has_volume_id && !volume_identify(&opened->volume, options->volume_id))
        return complain(TOOL_EXISTS, "%s has an identity already; leave out --volume-id",
                        options->volume);
    status = volume_commit(&opened->volume, changes, is_tpm_state(options) ? 2 : 1);
    if (status == VOLUME_OK) {
        volume_acknowledge(&opened->volume);
        status = volume_settle(&opened->volume);
    }
    return status == VOLUME_OK ? TOOL_OK : complain_of_volume(options->volume, status);
}

static enum tool_status import(const struct options *options)
{
    struct opened opened = {.fd = -1};
    uint8_t *bytes = NULL;
    size_t size = 0;
    struct reader object;
    enum tool_status status = read_file(options->input, &bytes, &size);

    object = reader_over(bytes, size);
    if (status == TOOL_OK && is_tpm_state(options))
        status = find_state(options->input, reader_over(bytes, size), &object);
    if (status == TOOL_OK)
        status = opened_open(&opened, options, OPEN_CREATE);
    if (status == TOOL_OK)
        status = put_object(&opened, options, &object);
    opened_close(&opened);
    OPENSSL_clear_free(bytes, size);
    return status;
}

unsigned import_command(int argc, char **argv)
{
    struct options options;
    enum tool_status status = parse_options(argc, argv, IMPORT_OPTIONS, IMPORT_USAGE, &options);

    if (status != TOOL_OK || options.help)
        return status;
    if (!options.input)
        return complain(TOOL_USAGE, "import needs --input FILE");
    return import(&options);
}
