/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/sp_client.h"

#include "emulator/amd-sp/mailbox.h"
#include "emulator/cpu/npt.h"
#include "emulator/platform/memory.h"

/* The doorbell: a serial port (16550) where no PC has one. */
#define DOORBELL_PORT 0x408
#define UART_DATA     0
#define UART_LSR      5
#define LSR_DATA      0x01
#define LSR_THRE      0x20

#define NOTHING (~0ull)

static struct sp_mailbox *mailbox;
static uint64_t gctx;

static void ring(uint8_t byte)
{
    while (!(in8(DOORBELL_PORT + UART_LSR) & LSR_THRE))
        ;
    out8(DOORBELL_PORT + UART_DATA, byte);
}

static uint8_t wait_byte(void)
{
    while (!(in8(DOORBELL_PORT + UART_LSR) & LSR_DATA))
        ;
    return in8(DOORBELL_PORT + UART_DATA);
}

/* The AMD-SP reads and writes memory behind the compiler's back while the doorbell rings. */
static void run_mailbox(void)
{
    uint8_t answer;

    host_memory_barrier();
    ring(SP_DOORBELL_GO);
    answer = wait_byte();
    host_memory_barrier();
    if (answer != SP_DOORBELL_DONE)
        die(HOST_EXIT_INTERNAL, "the AMD-SP does not take the mailbox");
}

static struct sp_command *queue(enum sp_command_id id)
{
    struct sp_command *command;

    if (mailbox->count == SP_MAILBOX_COMMANDS)
        sp_flush();
    command = &mailbox->commands[mailbox->count++];
    *command = (struct sp_command){.id = id, .arg = {gctx}};
    return command;
}

static enum snp_status run_one(struct sp_command *command)
{
    run_mailbox();
    mailbox->count = 0;
    return command->status;
}

void sp_flush(void)
{
    if (!mailbox->count)
        return;
    run_mailbox();
    for (uint32_t i = 0; i < mailbox->count; i++) {
        const struct sp_command *command = &mailbox->commands[i];

        if (i >= mailbox->done || command->status != SNP_SUCCESS)
            die(HOST_EXIT_LAUNCH_FAILED,
                "the AMD-SP refuses launch page type %lu at gpa %lx: status %x", command->arg[1],
                command->arg[2], command->status);
    }
    mailbox->count = 0;
}

void sp_init(void)
{
    hpa_t page = pool_page();
    uint64_t offset = memory_file_offset(page);

    mailbox = host_ptr(page);
    memset(mailbox, 0, sizeof(*mailbox));
    mailbox->magic = SP_MAILBOX_MAGIC;
    mailbox->cbit = CBIT_POSITION;
    ring(SP_DOORBELL_MAILBOX);
    for (unsigned shift = 0; shift < 64; shift += 8)
        ring((uint8_t)(offset >> shift));
}

enum snp_status sp_launch_start(uint64_t policy)
{
    struct sp_command *create = queue(SP_SNP_GCTX_CREATE);
    struct sp_command *start;
    enum snp_status status = run_one(create);

    if (status != SNP_SUCCESS)
        return status;
    gctx = create->arg[0];
    start = queue(SP_SNP_LAUNCH_START);
    start->arg[1] = policy;
    start->arg[2] = host_cpuid(1, 0).eax;
    return run_one(start);
}

void sp_launch_update(enum snp_page_type type, uint64_t gpa, hpa_t first, size_t pages)
{
    struct sp_command *update = queue(SP_SNP_LAUNCH_UPDATE);

    update->arg[1] = type;
    update->arg[2] = gpa;
    update->arg[3] = memory_file_offset(first);
    update->arg[4] = pages;
}

enum snp_status sp_launch_finish(const hpa_t *id_block, bool author_key)
{
    struct sp_command *finish;

    sp_flush();
    finish = queue(SP_SNP_LAUNCH_FINISH);
    finish->arg[1] = id_block ? memory_file_offset(*id_block) : NOTHING;
    finish->arg[2] = NOTHING;
    finish->arg[3] = author_key;
    return run_one(finish);
}

enum snp_status sp_guest_request(hpa_t request, hpa_t response)
{
    struct sp_command *command = queue(SP_SNP_GUEST_REQUEST);

    command->arg[1] = memory_file_offset(request);
    command->arg[2] = memory_file_offset(response);
    return run_one(command);
}

enum snp_status sp_certificates(hpa_t buffer, size_t *pages)
{
    struct sp_command *command = queue(SP_HOST_CERTIFICATES);
    enum snp_status status;

    command->arg[0] = memory_file_offset(buffer);
    command->arg[1] = *pages;
    status = run_one(command);
    *pages = command->arg[1];
    return status;
}
