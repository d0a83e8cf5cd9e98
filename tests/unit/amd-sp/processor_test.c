/* SPDX-License-Identifier: MIT */
/* Whole commands, rung for over the doorbell's stream as the machine does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "emulator/amd-sp/doorbell.h"
#include "emulator/amd-sp/mailbox.h"
#include "lib/base/bytes.h"
#include "lib/snp/cpuid_page.h"
#include "lib/snp/page.h"
#include "tests/unit/amd-sp/guest.h"
#include "tests/unit/amd-sp/hex.h"
#include "tests/unit/registered.h"

#define RAM_PAGES 64
#define CBIT      51
#define FMS       0x00A00F11u
#define ABSENT    (~0ull)

/* Where things stand in RAM. */
enum layout {
    MAILBOX = 0x1000,
    IMAGE = 0x2000,
    CPUID_PAGE = 0x3000,
    SECRETS_PAGE = 0x4000,
    REQUEST = 0x5000,
    RESPONSE = 0x6000,
    ID_PAGES = 0x7000,
    HOST_DATA = 0x9010,
    CERTIFICATES = 0x10000,
};

static struct chip chip;
static char vcek_path[4096];
static FILE *log_file;

static char ram_path[] = "/tmp/amd-sp-test-ram-XXXXXX";
static struct ram ram; /* the machine's own mapping */
static struct processor processor;
static struct doorbell doorbell;

static struct sp_mailbox *mailbox(void)
{
    return (struct sp_mailbox *)(void *)(ram.bytes + MAILBOX);
}

static int begin(void **state)
{
    (void)state;
    memset(ram.bytes, 0, ram.size);
    *mailbox() = (struct sp_mailbox){.magic = SP_MAILBOX_MAGIC, .cbit = CBIT};
    processor = (struct processor){.chip = &chip, .ram = ram, .log = log_file};
    doorbell = (struct doorbell){.processor = &processor};
    return 0;
}

static void announce(uint64_t offset)
{
    assert_int_equal(doorbell_take(&doorbell, SP_DOORBELL_MAILBOX), 0);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(doorbell_take(&doorbell, (uint8_t)(offset >> (8 * i))), 0);
}

static char go(void)
{
    return doorbell_take(&doorbell, SP_DOORBELL_GO);
}

/* Runs one command and returns its status. */
static uint32_t run(struct sp_command command)
{
    command.status = 0xFFFF;
    mailbox()->count = 1;
    mailbox()->commands[0] = command;
    assert_int_equal(go(), SP_DOORBELL_DONE);
    assert_int_equal(mailbox()->done, 1);
    return mailbox()->commands[0].status;
}

static uint64_t create(void)
{
    assert_int_equal(run((struct sp_command){.id = SP_SNP_GCTX_CREATE}), SNP_SUCCESS);
    return mailbox()->commands[0].arg[0];
}

static uint64_t start(void)
{
    uint64_t gctx = create();

    assert_int_equal(
        run((struct sp_command){.id = SP_SNP_LAUNCH_START, .arg = {gctx, SNP_POLICY_DEFAULT, FMS}}),
        SNP_SUCCESS);
    return gctx;
}

static struct sp_command update(uint64_t gctx, uint64_t type, uint64_t gpa, uint64_t offset,
                                uint64_t count)
{
    return (struct sp_command){.id = SP_SNP_LAUNCH_UPDATE,
                               .arg = {gctx, type, gpa, offset, count, 0}};
}

static struct sp_command finish(uint64_t gctx)
{
    return (struct sp_command){.id = SP_SNP_LAUNCH_FINISH, .arg = {gctx, ABSENT, ABSENT, 0}};
}

static struct snp_report ask_report(uint64_t gctx, const uint8_t vmpck0[VMPCK_SIZE], uint64_t seqno)
{
    struct msg_report_req wish = {0};
    struct guest_message_header header = guest_header(MSG_REPORT_REQ, 0, seqno, sizeof(wish));
    struct msg_report_rsp answer;
    struct snp_report report;

    guest_seal(vmpck0, header, &wish, ram.bytes + REQUEST);
    assert_int_equal(
        run((struct sp_command){.id = SP_SNP_GUEST_REQUEST, .arg = {gctx, REQUEST, RESPONSE}}),
        SNP_SUCCESS);
    guest_open(vmpck0, &header, ram.bytes + RESPONSE, &answer, sizeof(answer));
    assert_int_equal(answer.status, SNP_SUCCESS);
    memcpy(&report, answer.report, sizeof(report));
    return report;
}

static struct cpuid_page *cpuid_page(void)
{
    return (struct cpuid_page *)(void *)(ram.bytes + CPUID_PAGE);
}

TEST_SETUP(a_launched_guest_gets_reports_of_what_was_launched, begin)
{
    const struct secrets_page *secrets = (const void *)(ram.bytes + SECRETS_PAGE);
    struct launch_digest expected = {0};
    struct snp_report report;
    uint64_t gctx;

    announce(MAILBOX);
    memset(ram.bytes + IMAGE, 0x90, PAGE_SIZE);
    memset(ram.bytes + SECRETS_PAGE, 0xEE, PAGE_SIZE);
    memset(ram.bytes + HOST_DATA, 0x5C, HOST_DATA_SIZE);
    gctx = start();
    mailbox()->count = 4;
    mailbox()->commands[0] = update(gctx, SNP_PAGE_NORMAL, 0x100000, IMAGE, 1);
    mailbox()->commands[1] = update(gctx, SNP_PAGE_CPUID, 0x101000, CPUID_PAGE, 1);
    mailbox()->commands[2] = update(gctx, SNP_PAGE_SECRETS, 0x102000, SECRETS_PAGE, 1);
    mailbox()->commands[3] = finish(gctx);
    mailbox()->commands[3].arg[2] = HOST_DATA;
    assert_int_equal(go(), SP_DOORBELL_DONE);
    assert_int_equal(mailbox()->done, 4);
    assert_int_equal(mailbox()->commands[3].status, SNP_SUCCESS);

    assert_int_equal(secrets->version, 3);
    assert_int_equal(secrets->fms, FMS);
    assert_int_equal(secrets->svsm_size, 0);
    assert_int_equal(secrets->reserved_164[sizeof(secrets->reserved_164) - 1], 0);
    report = ask_report(gctx, secrets->vmpck[0], 1);
    assert_true(report_is_signed_by(&report, vcek_path));
    assert_true(launch_digest_update(&expected, SNP_PAGE_NORMAL, 0x100000, ram.bytes + IMAGE, 0));
    assert_true(launch_digest_update(&expected, SNP_PAGE_CPUID, 0x101000, NULL, 0));
    assert_true(launch_digest_update(&expected, SNP_PAGE_SECRETS, 0x102000, NULL, 0));
    assert_memory_equal(report.measurement, expected.ld, sizeof(expected.ld));
    assert_memory_equal(report.host_data, ram.bytes + HOST_DATA, HOST_DATA_SIZE);
    assert_int_equal(report.cpuid_fam_id, 0x19);
    assert_int_equal(report.cpuid_mod_id, 0x01);
}

TEST_SETUP(several_pages_are_measured_one_by_one_with_their_permissions, begin)
{
    uint64_t gctx;
    struct launch_digest expected = {0};
    struct sp_command command;

    announce(MAILBOX);
    gctx = start();
    memset(ram.bytes + IMAGE, 0xEE, 3 * PAGE_SIZE);
    command = update(gctx, SNP_PAGE_ZERO, 0x100000, IMAGE, 3);
    command.arg[5] = LAUNCH_PERMISSIONS(RMP_READ, RMP_ALL, 0);
    assert_int_equal(run(command), SNP_SUCCESS);
    for (uint64_t i = 0; i < 3; i++)
        assert_true(launch_digest_update(&expected, SNP_PAGE_ZERO, 0x100000 + i * PAGE_SIZE, NULL,
                                         LAUNCH_PERMISSIONS(RMP_READ, RMP_ALL, 0)));
    assert_memory_equal(processor.guests[gctx - 1].context.digest.ld, expected.ld,
                        sizeof(expected.ld));
    assert_int_equal(ram.bytes[IMAGE], 0);
    assert_int_equal(ram.bytes[IMAGE + 3 * PAGE_SIZE - 1], 0);
}

TEST_SETUP(the_first_failing_command_stops_the_run, begin)
{
    uint64_t gctx;

    announce(MAILBOX);
    gctx = start();
    mailbox()->count = 3;
    mailbox()->commands[0] = update(gctx, SNP_PAGE_NORMAL, 0, IMAGE, 1);
    mailbox()->commands[1] = update(gctx, 7, 0, IMAGE, 1);
    mailbox()->commands[2] = finish(gctx);
    mailbox()->commands[2].status = 0x1234;
    assert_int_equal(go(), SP_DOORBELL_DONE);
    assert_int_equal(mailbox()->done, 2);
    assert_int_equal(mailbox()->commands[0].status, SNP_SUCCESS);
    assert_int_equal(mailbox()->commands[1].status, SNP_INVALID_PARAM);
    assert_int_equal(mailbox()->commands[2].status, 0x1234);
}

TEST_SETUP(a_malformed_mailbox_is_answered_by_e_and_runs_nothing, begin)
{
    static const uint64_t offsets[] = {
        1, MAILBOX + 8, RAM_PAGES * PAGE_SIZE, UINT64_MAX, UINT64_MAX & PAGE_MASK,
    };

    assert_int_equal(go(), SP_DOORBELL_MALFORMED); /* none was announced */
    mailbox()->commands[0].id = SP_SNP_GCTX_CREATE;
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        announce(offsets[i]);
        assert_int_equal(go(), SP_DOORBELL_MALFORMED);
    }
    announce(MAILBOX);
    assert_int_equal(doorbell_take(&doorbell, 'x'), SP_DOORBELL_MALFORMED);
    mailbox()->count = SP_MAILBOX_COMMANDS + 1;
    assert_int_equal(go(), SP_DOORBELL_MALFORMED);
    mailbox()->count = UINT32_MAX;
    assert_int_equal(go(), SP_DOORBELL_MALFORMED);
    mailbox()->count = 1;
    mailbox()->cbit = 64;
    assert_int_equal(go(), SP_DOORBELL_MALFORMED);
    mailbox()->cbit = CBIT;
    mailbox()->magic++;
    assert_int_equal(go(), SP_DOORBELL_MALFORMED);
    assert_false(processor.guests[0].in_use);
}

TEST_SETUP(offsets_and_counts_outside_ram_are_refused, begin)
{
    static const struct {
        uint64_t offset, count;
    } outside[] = {
        {RAM_PAGES * PAGE_SIZE, 1},
        {IMAGE + 1, 1},
        {0, RAM_PAGES + 1},
        {IMAGE, UINT64_MAX},
        {IMAGE, UINT64_MAX >> PAGE_SHIFT},
        {UINT64_MAX & PAGE_MASK, 2},
    };
    uint64_t gctx;

    announce(MAILBOX);
    gctx = start();
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        uint64_t offset = outside[i].offset, count = outside[i].count;

        assert_int_equal(run(update(gctx, SNP_PAGE_ZERO, 0, offset, count)), SNP_INVALID_ADDRESS);
        if (count != 1)
            continue;
        assert_int_equal(
            run((struct sp_command){.id = SP_SNP_GUEST_REQUEST, .arg = {gctx, offset, RESPONSE}}),
            SNP_INVALID_ADDRESS);
        assert_int_equal(
            run((struct sp_command){.id = SP_SNP_GUEST_REQUEST, .arg = {gctx, REQUEST, offset}}),
            SNP_INVALID_ADDRESS);
        assert_int_equal(run((struct sp_command){.id = SP_HOST_CERTIFICATES, .arg = {offset, 16}}),
                         SNP_INVALID_ADDRESS);
        assert_int_equal(
            run((struct sp_command){.id = SP_SNP_LAUNCH_FINISH, .arg = {gctx, offset, ABSENT, 0}}),
            SNP_INVALID_ADDRESS);
    }
    assert_int_equal(run((struct sp_command){.id = SP_SNP_LAUNCH_FINISH,
                                             .arg = {gctx, ABSENT, RAM_PAGES * PAGE_SIZE - 31, 0}}),
                     SNP_INVALID_ADDRESS);
    assert_int_equal(
        run((struct sp_command){.id = SP_SNP_LAUNCH_FINISH, .arg = {gctx, ABSENT, ABSENT, 2}}),
        SNP_INVALID_PARAM);
}

TEST_SETUP(an_update_with_wrong_arguments_changes_no_digest, begin)
{
    struct launch_digest none = {0};
    uint64_t gctx;
    struct sp_command command;

    announce(MAILBOX);
    gctx = start();
    assert_int_equal(run(update(gctx, 0, 0, IMAGE, 1)), SNP_INVALID_PARAM);
    assert_int_equal(run(update(gctx, UINT64_MAX, 0, IMAGE, 1)), SNP_INVALID_PARAM);
    assert_int_equal(run(update(gctx, SNP_PAGE_NORMAL, 8, IMAGE, 1)), SNP_INVALID_ADDRESS);
    assert_int_equal(run(update(gctx, SNP_PAGE_NORMAL, 0, IMAGE, 0)), SNP_INVALID_PARAM);
    assert_int_equal(run(update(gctx, SNP_PAGE_SECRETS, 0, IMAGE, 2)), SNP_INVALID_PARAM);
    assert_int_equal(run(update(gctx, SNP_PAGE_NORMAL, UINT64_MAX & PAGE_MASK, IMAGE, 2)),
                     SNP_INVALID_PARAM);
    command = update(gctx, SNP_PAGE_NORMAL, 0, IMAGE, 1);
    command.arg[5] = 1ull << 24;
    assert_int_equal(run(command), SNP_INVALID_PARAM);
    assert_memory_equal(&processor.guests[gctx - 1].context.digest, &none, sizeof(none));
}

TEST_SETUP(commands_in_the_wrong_guest_state_are_refused, begin)
{
    uint64_t gctx;
    struct sp_command restart;

    announce(MAILBOX);
    gctx = create();
    restart =
        (struct sp_command){.id = SP_SNP_LAUNCH_START, .arg = {gctx, SNP_POLICY_DEFAULT, FMS}};
    assert_int_equal(run(update(gctx, SNP_PAGE_ZERO, 0, IMAGE, 1)), SNP_INVALID_GUEST_STATE);
    assert_int_equal(run(finish(gctx)), SNP_INVALID_GUEST_STATE);
    assert_int_equal(run(restart), SNP_SUCCESS);
    assert_int_equal(run(restart), SNP_INVALID_GUEST_STATE);
    assert_int_equal(run(finish(gctx)), SNP_SUCCESS);
    assert_int_equal(run(update(gctx, SNP_PAGE_ZERO, 0, IMAGE, 1)), SNP_INVALID_GUEST_STATE);
    assert_int_equal(run(finish(gctx)), SNP_INVALID_GUEST_STATE);
}

TEST_SETUP(a_handle_that_names_no_guest_is_refused, begin)
{
    static const uint64_t handles[] = {0, 2, PROCESSOR_GUESTS + 1, UINT64_MAX};

    announce(MAILBOX);
    assert_int_equal(create(), 1);
    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
        assert_int_equal(run(finish(handles[i])), SNP_INVALID_GUEST);
    assert_int_equal(run((struct sp_command){.id = 0x81}), SNP_INVALID_COMMAND);
}

TEST_SETUP(a_decommissioned_guest_is_gone_and_wiped_and_its_place_is_free, begin)
{
    struct guest_context wiped = {0};
    uint64_t gctx;

    announce(MAILBOX);
    gctx = start();
    for (unsigned i = 1; i < PROCESSOR_GUESTS; i++)
        create();
    assert_int_equal(run((struct sp_command){.id = SP_SNP_GCTX_CREATE}), SNP_RESOURCE_LIMIT);
    assert_int_equal(run((struct sp_command){.id = SP_SNP_DECOMMISSION, .arg = {gctx}}),
                     SNP_SUCCESS);
    assert_memory_equal(&processor.guests[gctx - 1].context, &wiped, sizeof(wiped));
    assert_int_equal(run(finish(gctx)), SNP_INVALID_GUEST);
    assert_int_equal(create(), gctx);
}

TEST_SETUP(announcing_the_mailbox_again_forgets_all_guests, begin)
{
    uint64_t gctx;

    announce(MAILBOX);
    gctx = start();
    announce(MAILBOX);
    assert_int_equal(run(finish(gctx)), SNP_INVALID_GUEST);
}

TEST_SETUP(a_policy_that_the_platform_does_not_meet_is_refused, begin)
{
    static const uint64_t policies[] = {
        0,
        SNP_POLICY_SMT,
        SNP_POLICY_RESERVED_ONE,
        SNP_POLICY_DEFAULT | 1ull << 22,
        SNP_POLICY_DEFAULT | 1ull << 26,
        SNP_POLICY_DEFAULT | 1ull << 63,
        SNP_POLICY_DEFAULT | 2ull << 8,
        SNP_POLICY_DEFAULT | 1ull << 8 | 56,
    };
    uint64_t gctx;

    announce(MAILBOX);
    gctx = create();
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
        assert_int_equal(
            run((struct sp_command){.id = SP_SNP_LAUNCH_START, .arg = {gctx, policies[i], FMS}}),
            SNP_POLICY_FAILURE);
    assert_int_equal(
        run((struct sp_command){.id = SP_SNP_LAUNCH_START,
                                .arg = {gctx, SNP_POLICY_DEFAULT | 1ull << 8 | 55, FMS}}),
        SNP_SUCCESS);
}

TEST_SETUP(a_cpuid_page_that_lies_about_the_cbit_is_corrected_and_refused, begin)
{
    struct launch_digest none = {0};
    struct cpuid_page *page = cpuid_page();
    uint64_t gctx;

    announce(MAILBOX);
    gctx = start();
    page->count = 1;
    page->entries[0] =
        (struct cpuid_entry){.eax_in = CPUID_MEMORY_ENCRYPTION, .ebx = 5u << 12 | 1u << 6 | 47};
    assert_int_equal(run(update(gctx, SNP_PAGE_CPUID, 0, CPUID_PAGE, 1)), SNP_INVALID_PARAM);
    assert_int_equal(page->entries[0].ebx, 4u << 12 | 1u << 6 | CBIT);
    assert_memory_equal(&processor.guests[gctx - 1].context.digest, &none, sizeof(none));
    assert_int_equal(run(update(gctx, SNP_PAGE_CPUID, 0, CPUID_PAGE, 1)), SNP_SUCCESS);
}

TEST_SETUP(a_malformed_cpuid_page_is_refused, begin)
{
    struct cpuid_page *page = cpuid_page();
    uint64_t gctx;

    announce(MAILBOX);
    gctx = start();
    page->count = CPUID_PAGE_ENTRIES_MAX + 1;
    assert_int_equal(run(update(gctx, SNP_PAGE_CPUID, 0, CPUID_PAGE, 1)), SNP_INVALID_PARAM);
    page->count = CPUID_PAGE_ENTRIES_MAX;
    page->entries[CPUID_PAGE_ENTRIES_MAX - 1].reserved = 1;
    assert_int_equal(run(update(gctx, SNP_PAGE_CPUID, 0, CPUID_PAGE, 1)), SNP_INVALID_PARAM);
    page->entries[CPUID_PAGE_ENTRIES_MAX - 1].reserved = 0;
    page->reserved_8 = 1;
    assert_int_equal(run(update(gctx, SNP_PAGE_CPUID, 0, CPUID_PAGE, 1)), SNP_INVALID_PARAM);
    page->reserved_8 = 0;
    assert_int_equal(run(update(gctx, SNP_PAGE_CPUID, 0, CPUID_PAGE, 1)), SNP_SUCCESS);
}

TEST_SETUP(an_id_block_for_another_digest_stops_the_launch, begin)
{
    uint64_t gctx;
    struct sp_command command;

    announce(MAILBOX);
    gctx = start();
    memset(ram.bytes + ID_PAGES, 0xFF, 2 * PAGE_SIZE);
    command = finish(gctx);
    command.arg[1] = ID_PAGES;
    assert_int_equal(run(command), SNP_BAD_MEASUREMENT);
    assert_int_equal(run(finish(gctx)), SNP_SUCCESS);
}

TEST_SETUP(host_certificates_tell_their_size_then_fill_the_table, begin)
{
    const uint8_t *table = ram.bytes + CERTIFICATES;
    const struct chip_certificate *certificates[] = {&chip.vcek_certificate, &chip.ask_certificate,
                                                     &chip.ark_certificate};
    static const char *const guids[] = {"63da758de6644564adc5f4b93be8accd",
                                        "4ab7b379bbac4fe4a02f05aef327c782",
                                        "c0b406a4a803495297433fb6014cd0ae"};
    struct sp_command command = {.id = SP_HOST_CERTIFICATES, .arg = {CERTIFICATES, 0}};

    announce(MAILBOX);
    assert_int_equal(run(command), SNP_RESOURCE_LIMIT);
    command.arg[1] = mailbox()->commands[0].arg[1];
    assert_in_range(command.arg[1], 1, 4);
    memset(ram.bytes + CERTIFICATES, 0xEE, 8 * PAGE_SIZE);
    assert_int_equal(run(command), SNP_SUCCESS);
    for (size_t i = 0; i < 3; i++) {
        const uint8_t *entry = table + 24 * i;
        uint8_t guid[16];

        from_hex(guid, sizeof(guid), guids[i]);
        assert_memory_equal(entry, guid, sizeof(guid));
        assert_int_equal(get_le32(entry + 20), certificates[i]->size);
        assert_memory_equal(table + get_le32(entry + 16), certificates[i]->der,
                            certificates[i]->size);
    }
    assert_int_equal(table[24 * 3], 0);
    assert_int_equal(table[command.arg[1] * PAGE_SIZE], 0xEE); /* nothing beyond the pages */
}

TEST_SETUP(a_stream_is_served_until_it_ends, begin)
{
    uint8_t rings[1 + 8 + 1] = {[0] = SP_DOORBELL_MAILBOX, [9] = SP_DOORBELL_GO};
    int ends[2];
    char answers[4];

    put_le64(rings + 1, MAILBOX);
    mailbox()->count = 1;
    mailbox()->commands[0].id = SP_SNP_GCTX_CREATE;
    processor.ram = (struct ram){0}; /* it maps the file by itself */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(write(ends[0], rings, sizeof(rings)), sizeof(rings));
    assert_int_equal(shutdown(ends[0], SHUT_WR), 0);
    assert_int_equal(doorbell_serve(&processor, ram_path, ends[1]), DOORBELL_OK);
    assert_int_equal(read(ends[0], answers, sizeof(answers)), 1);
    assert_int_equal(answers[0], SP_DOORBELL_DONE);
    assert_int_equal(mailbox()->commands[0].arg[0], 1);
    close(ends[0]);
    close(ends[1]);
    ram_close(&processor.ram);
}

TEST_SETUP(a_ram_file_that_is_missing_or_empty_is_an_error, begin)
{
    int ends[2];

    processor.ram = (struct ram){0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(write(ends[0], "GG", 2), 2);
    assert_int_equal(doorbell_serve(&processor, "/nonexistent", ends[1]), DOORBELL_RAM);
    assert_int_equal(doorbell_serve(&processor, "/dev/null", ends[1]), DOORBELL_RAM);
    close(ends[0]);
    close(ends[1]);
}

static bool make_ram(void)
{
    int file = mkstemp(ram_path);
    bool made = file >= 0 && ftruncate(file, RAM_PAGES * PAGE_SIZE) == 0;

    if (file >= 0)
        close(file);
    return made && ram_open(&ram, ram_path);
}

int main(int argc, char **argv)
{
    int failed;

    if (argc != 2 || chip_open(&chip, argv[1]) != CHIP_OK || !make_ram())
        return 1;
    snprintf(vcek_path, sizeof(vcek_path), "%s/vcek.pem", argv[1]);
    log_file = fopen("/dev/null", "we");
    failed = tests_run();
    fclose(log_file);
    ram_close(&ram);
    unlink(ram_path);
    chip_close(&chip);
    return failed;
}
