/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/processor.h"

#include <inttypes.h>
#include <string.h>

#include "emulator/amd-sp/certificate_table.h"
#include "emulator/amd-sp/guest_request.h"
#include "emulator/amd-sp/launch.h"
#include "emulator/amd-sp/mailbox.h"
#include "emulator/amd-sp/status_text.h"
#include "lib/base/hex.h"

#define ABSENT          (~0ull) /* an optional address that was not given */
#define CBIT_MAX        63
#define AUTHOR_KEY_EN   (1ull << 0)
#define GCTX_ARG_OFFSET 1 /* a handle is an index + 1, so that 0 is none */

/* One command of a mailbox: its arguments, and the context they name when the command has one. */
struct call {
    struct processor *processor;
    struct guest_context *guest;
    uint64_t *arg;
    uint32_t cbit;
};

/* The two pages that SNP_LAUNCH_FINISH takes its ID block from. */
struct id_pages {
    struct id_block block;
    uint8_t rest_of_page[PAGE_SIZE - sizeof(struct id_block)];
    struct id_auth auth;
};

static_assert(offsetof(struct id_pages, auth) == PAGE_SIZE, "ID block pages");

typedef enum snp_status (*command_handler)(const struct call *call);

static struct guest_slot *find_slot(struct processor *processor, uint64_t handle)
{
    uint64_t index = handle - GCTX_ARG_OFFSET; /* wraps for 0 */

    if (index >= PROCESSOR_GUESTS || !processor->guests[index].in_use)
        return NULL;
    return &processor->guests[index];
}

static enum snp_status gctx_create(const struct call *call)
{
    for (uint64_t i = 0; i < PROCESSOR_GUESTS; i++) {
        struct guest_slot *slot = &call->processor->guests[i];

        if (slot->in_use)
            continue;
        *slot = (struct guest_slot){.in_use = true};
        call->arg[0] = i + GCTX_ARG_OFFSET;
        return SNP_SUCCESS;
    }
    return SNP_RESOURCE_LIMIT;
}

static enum snp_status decommission(const struct call *call)
{
    guest_context_wipe(call->guest);
    find_slot(call->processor, call->arg[0])->in_use = false;
    return SNP_SUCCESS;
}

static enum snp_status start(const struct call *call)
{
    if (call->arg[2] > UINT32_MAX)
        return SNP_INVALID_PARAM;
    return launch_start(call->guest, call->arg[1], (uint32_t)call->arg[2]);
}

static enum snp_status update(const struct call *call)
{
    struct launch_pages pages = {
        .type = call->arg[1],
        .gpa = call->arg[2],
        .count = call->arg[4],
        .vmpl_permissions = call->arg[5],
    };

    if (!ram_pages(&call->processor->ram, call->arg[3], pages.count, &pages.bytes))
        return SNP_INVALID_ADDRESS;
    return launch_update(call->guest, &pages, call->cbit);
}

static void log_measurement(const struct processor *processor, const struct guest_context *guest)
{
    char text[2 * LAUNCH_DIGEST_SIZE + 1];

    fprintf(processor->log, "amd-sp: MEASUREMENT %s\n",
            hex_text(guest->digest.ld, sizeof(guest->digest.ld), text));
}

/* The machine may change its memory at any time, so everything is copied before it is judged. */
static enum snp_status finish(const struct call *call)
{
    const struct ram *ram = &call->processor->ram;
    struct launch_finish arguments = {.author_key_en = (call->arg[3] & AUTHOR_KEY_EN) != 0};
    uint8_t host_data_copy[HOST_DATA_SIZE];
    struct id_pages id_copy;
    uint8_t *id_pages, *host_data;
    enum snp_status status;

    if ((call->arg[3] & ~AUTHOR_KEY_EN) != 0)
        return SNP_INVALID_PARAM;
    if (call->arg[1] != ABSENT) {
        if (!ram_pages(ram, call->arg[1], sizeof(id_copy) / PAGE_SIZE, &id_pages))
            return SNP_INVALID_ADDRESS;
        memcpy(&id_copy, id_pages, sizeof(id_copy));
        arguments.id_block = &id_copy.block;
        arguments.id_auth = &id_copy.auth;
    }
    if (call->arg[2] != ABSENT) {
        if (!ram_bytes(ram, call->arg[2], HOST_DATA_SIZE, &host_data))
            return SNP_INVALID_ADDRESS;
        memcpy(host_data_copy, host_data, sizeof(host_data_copy));
        arguments.host_data = host_data_copy;
    }
    status = launch_finish(call->guest, &arguments);
    log_measurement(call->processor, call->guest);
    return status;
}

static enum snp_status guest_request(const struct call *call)
{
    const struct ram *ram = &call->processor->ram;
    uint8_t request_copy[GUEST_MESSAGE_SIZE];
    uint8_t *request, *response;

    if (!ram_pages(ram, call->arg[1], 1, &request) || !ram_pages(ram, call->arg[2], 1, &response))
        return SNP_INVALID_ADDRESS;
    memcpy(request_copy, request, sizeof(request_copy));
    return guest_request_serve(call->processor->chip, call->guest, request_copy, response);
}

static enum snp_status host_certificates(const struct call *call)
{
    const struct chip *chip = call->processor->chip;
    uint64_t given = call->arg[1];
    size_t needed = certificate_table_pages(chip);
    uint8_t *buffer;

    call->arg[1] = needed;
    if (given < needed)
        return SNP_RESOURCE_LIMIT;
    if (!ram_pages(&call->processor->ram, call->arg[0], needed, &buffer))
        return SNP_INVALID_ADDRESS;
    return certificate_table_write(chip, buffer, needed) ? SNP_SUCCESS : SNP_RESOURCE_LIMIT;
}

struct command {
    uint32_t id;
    const char *name;
    unsigned arguments; /* for the log */
    bool has_context;   /* arg0 must be a guest's handle */
    command_handler handler;
};

static const struct command commands[] = {
    {SP_SNP_GCTX_CREATE, "GCTX_CREATE", 1, false, gctx_create},
    {SP_SNP_DECOMMISSION, "DECOMMISSION", 1, true, decommission},
    {SP_SNP_LAUNCH_START, "LAUNCH_START", 3, true, start},
    {SP_SNP_LAUNCH_UPDATE, "LAUNCH_UPDATE", 6, true, update},
    {SP_SNP_LAUNCH_FINISH, "LAUNCH_FINISH", 4, true, finish},
    {SP_SNP_GUEST_REQUEST, "GUEST_REQUEST", 3, true, guest_request},
    {SP_HOST_CERTIFICATES, "HOST_CERTIFICATES", 2, false, host_certificates},
};

static const struct command *find_command(uint32_t id)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (commands[i].id == id)
            return &commands[i];
    return NULL;
}

static void log_command(FILE *log, const struct command *command, const struct sp_command *run)
{
    if (!command) {
        fprintf(log, "amd-sp: command 0x%" PRIx32, run->id);
    } else {
        fprintf(log, "amd-sp: %s", command->name);
        for (unsigned i = 0; i < command->arguments; i++)
            fprintf(log, " 0x%" PRIx64, run->arg[i]);
    }
    fprintf(log, ": %s\n", status_text((enum snp_status)run->status));
}

static enum snp_status run_command(struct processor *processor, const struct command *command,
                                   uint64_t *arg, uint32_t cbit)
{
    struct call call = {.processor = processor, .arg = arg, .cbit = cbit};
    struct guest_slot *slot;

    if (!command)
        return SNP_INVALID_COMMAND;
    if (command->has_context) {
        slot = find_slot(processor, arg[0]);
        if (!slot)
            return SNP_INVALID_GUEST;
        call.guest = &slot->context;
    }
    return command->handler(&call);
}

void processor_reset(struct processor *processor)
{
    for (size_t i = 0; i < PROCESSOR_GUESTS; i++) {
        guest_context_wipe(&processor->guests[i].context);
        processor->guests[i].in_use = false;
    }
}

bool processor_run(struct processor *processor, uint64_t offset)
{
    struct sp_mailbox copy, *mailbox;
    uint8_t *page;

    if (!ram_pages(&processor->ram, offset, 1, &page))
        return false;
    mailbox = (struct sp_mailbox *)(void *)page;
    memcpy(&copy, mailbox, sizeof(copy));
    if (copy.magic != SP_MAILBOX_MAGIC || copy.count > SP_MAILBOX_COMMANDS || copy.cbit > CBIT_MAX)
        return false;
    mailbox->done = 0;
    for (uint32_t i = 0; i < copy.count; i++) {
        struct sp_command *run = &copy.commands[i];
        const struct command *command = find_command(run->id);

        run->status = run_command(processor, command, run->arg, copy.cbit);
        log_command(processor->log, command, run);
        mailbox->commands[i] = *run;
        mailbox->done = i + 1;
        if (run->status != SNP_SUCCESS)
            break;
    }
    return true;
}
