/* SPDX-License-Identifier: MIT */
/* `state-volume verify`, `show` and `list`: what tells, and changes nothing. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/uuid.h"
#include "lib/volume/content.h"
#include "services/tpm/disk.h"
#include "services/tpm/volume_file.h"
#include "state-volume/tool.h"

#define KEY_OPTION                                                                                 \
    "  -k, --key-file FILE  the key: exactly 64 bytes, which nobody else may read\n"               \
    "  -h, --help           this text\n"

static const char VERIFY_USAGE[] =
    "usage: state-volume verify [options] VOLUME\n"
    "\n"
    "Checks that the volume is as it was left, that each object is intact, and that libtpms loads\n"
    "the TPM's state. That it is no old copy nothing on it can tell.\n"
    "\n"
    "Without the key it can only be said whether the volume is blank: everything on it is\n"
    "encrypted.\n"
    "\n" KEY_OPTION;

static const char SHOW_USAGE[] =
    "usage: state-volume show [options] VOLUME\n"
    "\n"
    "Tells the volume's identity, the number and root of its state, and its objects.\n"
    "\n" KEY_OPTION;

static const char LIST_USAGE[] = "usage: state-volume list [options] VOLUME\n"
                                 "\n"
                                 "Prints a line for each object: its size in bytes, and its name.\n"
                                 "\n" KEY_OPTION;

static const struct option OPTIONS[] = {
    {"help", no_argument, NULL, OPTION_HELP},
    {"key-file", required_argument, NULL, OPTION_KEY_FILE},
    {0},
};

/* Everything is encrypted; only a volume that was never written to shows what it is. */
static enum tool_status look_without_key(const char *path)
{
    int fd = volume_file_open(path, VOLUME_FILE_READ, 0);
    struct volume_storage storage = disk_storage(&fd);
    static const uint8_t any_key[VOLUME_KEY_SIZE] = {1};
    struct volume volume;
    enum volume_status status;

    if (fd < 0)
        return TOOL_FILE;
    status = volume_open(&volume, &storage, any_key, NULL);
    volume_close(&volume);
    close(fd);
    if (status != VOLUME_WRONG_KEY)
        return complain_of_volume(path, status);
    return complain(TOOL_UNKNOWN,
                    "%s has the size of a state volume and is not blank; whether it is one, only "
                    "its key tells: give it with --key-file",
                    path);
}

/* Reads every object, and has libtpms try the TPM's state. */
static enum tool_status verify_objects(struct opened *opened, const char *path)
{
    const struct table *table = &opened->volume.current.table;
    enum tool_status status = TOOL_OK;

    for (size_t i = 0; i < table->count && status == TOOL_OK; i++) {
        const char *name = table->objects[i].name;
        uint8_t *bytes = NULL;
        size_t size = 0;

        status = read_object(opened, path, name, &bytes, &size);
        if (status == TOOL_OK && strcmp(name, VOLUME_TPM_STATE) == 0)
            status = try_state(path, bytes, size);
        OPENSSL_clear_free(bytes, size);
    }
    return status;
}

static void print_hexadecimal(const char *label, const uint8_t *bytes, size_t size)
{
    char text[2 * VOLUME_DIGEST_SIZE + 1];

    printf("%s%s\n", label, hex_text(bytes, size, text));
}

static void print_objects(const struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct volume_object *object = &table->objects[i];

        printf("object:      %s, %llu bytes in %llu sectors from %llu on\n", object->name,
               (unsigned long long)object->content.size,
               (unsigned long long)content_sectors(object->content.size),
               (unsigned long long)object->content.sector);
    }
}

static void print_volume(const struct volume *volume)
{
    const struct superblock *superblock = &volume->current.superblock;
    char id[UUID_TEXT_LENGTH + 1];
    unsigned slots = 0;

    for (unsigned slot = 0; slot < SLOTS; slot++)
        slots += volume->slots[slot] == SLOT_DURABLE;
    printf("volume id:   %s\n", uuid_text(superblock->volume_id, id));
    printf("version:     %u%s\n", (unsigned)superblock->version,
           superblock->version == VOLUME_VERSION ? "" : ", the next write makes it 2");
    printf("size:        %llu bytes\n", (unsigned long long)volume->device.sectors * SECTOR_SIZE);
    printf("state:       %llu\n", (unsigned long long)superblock->counter);
    print_hexadecimal("root:        ", superblock->root, VOLUME_DIGEST_SIZE);
    printf("epoch:       %llu\n", (unsigned long long)superblock->epoch);
    printf("generation:  %llu\n", (unsigned long long)superblock->generation);
    if (superblock->version == VOLUME_VERSION)
        printf("superblocks: %u of %u have this state%s\n", slots, (unsigned)SLOTS,
               slots == SLOTS ? "" : "; the next write mends the others");
    print_objects(&volume->current.table);
}

static void print_list(const struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        printf("%llu %s\n", (unsigned long long)table->objects[i].content.size,
               table->objects[i].name);
}

enum looking { VERIFY, SHOW, LIST };

static enum tool_status look(struct opened *opened, const char *path, enum looking looking)
{
    enum tool_status status = TOOL_OK;

    if (opened->status == VOLUME_BLANK)
        return complain_of_volume(path, VOLUME_BLANK);
    switch (looking) {
    case VERIFY:
        status = verify_objects(opened, path);
        if (status == TOOL_OK)
            printf("%s is valid: state number %llu\n", path,
                   (unsigned long long)opened->volume.current.superblock.counter);
        break;
    case SHOW:
        print_volume(&opened->volume);
        break;
    case LIST:
        print_list(&opened->volume.current.table);
        break;
    }
    return status;
}

static enum tool_status looking_command(int argc, char **argv, const char *usage,
                                        enum looking looking)
{
    struct options options;
    struct opened opened;
    enum tool_status status = parse_options(argc, argv, OPTIONS, usage, &options);

    if (status != TOOL_OK || options.help)
        return status;
    if (!options.key_file)
        return look_without_key(options.volume);
    status = opened_open(&opened, &options, OPEN_READ);
    if (status == TOOL_OK)
        status = look(&opened, options.volume, looking);
    opened_close(&opened);
    return status;
}

unsigned verify_command(int argc, char **argv)
{
    return looking_command(argc, argv, VERIFY_USAGE, VERIFY);
}

unsigned show_command(int argc, char **argv)
{
    return looking_command(argc, argv, SHOW_USAGE, SHOW);
}

unsigned list_command(int argc, char **argv)
{
    return looking_command(argc, argv, LIST_USAGE, LIST);
}
