/* SPDX-License-Identifier: MIT */
/* A host that lies: pages, the MSR protocol, the GHCB. */
#include <string.h>

#include "lib/snp/exit_codes.h"
#include "svsm/arch/memory.h"
#include "svsm/console/log.h"
#include "svsm/mm/page_allocator.h"
#include "svsm/process/random.h"
#include "svsm/sev/ghcb_calls.h"
#include "svsm/sev/msr_protocol.h"
#include "svsm/sev/rmp.h"
#include "svsm/sev/sev_status.h"
#include "tests/unit/registered.h"
#include "tests/unit/svsm/fake/vm.h"

static int start(void **state)
{
    (void)state;
    vm_start();
    return 0;
}

/* T105 */
static const char *ends_with_status(uint64_t status)
{
    fake.sev_status = status;
    return ENDS(sev_status_check());
}

TEST_SETUP(the_vm_ends_without_snp, start)
{
    assert_string_equal(ends_with_status(7), "");
    assert_string_equal(ends_with_status(6), "terminate 2");
    assert_string_equal(ends_with_status(5), "terminate 2");
    assert_string_equal(ends_with_status(3), "terminate 2");
    assert_string_equal(ends_with_status(0), "terminate 2");
}

TEST_SETUP(the_vm_ends_with_a_feature_that_is_not_known, start)
{
    static const unsigned tolerated[] = {3, 5, 6, 7, 15, 21};

    for (unsigned bit = 1; bit < 62; bit++) {
        bool known = false;

        for (size_t i = 0; i < sizeof(tolerated) / sizeof(tolerated[0]); i++)
            known |= tolerated[i] == bit;
        assert_string_equal(ends_with_status(7 | 1ull << (bit + SEV_STATUS_FEATURES_SHIFT)),
                            known ? "" : "terminate 2");
    }
}

TEST_SETUP(the_guest_gets_neither_restricted_injection_nor_debug_swap, start)
{
    fake.sev_status = 7 | 1ull << 5 | 1ull << 7 | 1ull << 8;
    assert_int_equal(sev_status_guest_features(), 1 | 1 << 6);
    assert_true(sev_status_restricts_injection());
    fake.sev_status = 7 | 1ull << 7;
    assert_false(sev_status_restricts_injection());
}

/* T202 */
TEST_SETUP(a_page_that_was_taken_away_ends_the_vm, start)
{
    uint8_t *page = page_allocate();

    fake_give(direct_gpa(page), FAKE_HOSTS);
    assert_string_equal(ENDS(page[0] = 1),
                        "attack: the host replaced a private page (not validated)");
    fake_give(direct_gpa(page), FAKE_ASSIGNED);
    assert_string_equal(ENDS(page[0] = 1),
                        "attack: the host replaced a private page (not validated)");
}

TEST_SETUP(a_page_of_the_svsm_that_moved_is_missed, start)
{
    uint8_t *page = page_allocate();
    volatile uint8_t byte;

    fake_move(direct_gpa(page), gpa(0x100000));
    assert_string_equal(ENDS(byte = page[0]),
                        "attack: the host replaced a private page (not validated)");
    (void)byte;
}

/* T203 */
TEST_SETUP(own_memory_that_is_validated_already_ends_the_vm, start)
{
    gpa_t page = gpa(0x200000);

    fake_give(page, FAKE_ASSIGNED);
    assert_string_equal(ENDS(rmp_validate_own(page, PAGE_SIZE)), "");
    assert_string_equal(ENDS(rmp_validate_own(page, PAGE_SIZE)),
                        "attack: page 200000 was validated already");
}

TEST_SETUP(own_memory_that_cannot_be_validated_ends_the_vm, start)
{
    assert_string_equal(ENDS(rmp_validate_own(gpa(0x200000), PAGE_SIZE)),
                        "cannot validate page 200000: it faulted");
}

TEST_SETUP(own_memory_is_zero_after_validation_whatever_the_page_size, start)
{
    for (int large = 0; large < 2; large++) {
        vm_start();
        fake.large_pages = large;
        for (uint64_t at = 0x200000; at < 0x601000; at += PAGE_SIZE) {
            fake_give(gpa(at), FAKE_ASSIGNED);
            memset(fake_bytes(gpa(at)), 0x77, PAGE_SIZE);
        }
        rmp_validate_own(gpa(0x200000), 0x401000);
        for (uint64_t at = 0x200000; at < 0x601000; at += 64) {
            assert_int_equal(fake_bytes(gpa(at))[0], 0);
            assert_int_equal(fake_page(gpa(at))->owner, FAKE_VALIDATED);
        }
    }
}

TEST_SETUP(a_page_that_is_not_ours_is_not_shared_and_not_granted, start)
{
    fake_give(gpa(0x200000), FAKE_ASSIGNED);
    assert_string_equal(ENDS(rmp_rescind_own(gpa(0x200000))),
                        "attack: page 200000 was not validated");
    assert_string_equal(ENDS(rmp_rescind_own(gpa(0x300000))),
                        "cannot rescind page 300000: it faulted");
    assert_string_equal(ENDS(rmp_grant_own(gpa(0x200000), PAGE_SIZE, 2)),
                        "cannot grant page 200000 to VMPL 2: it faulted");
}

static bool injects_a_fault(gpa_t page)
{
    (void)page;
    return true;
}

TEST_SETUP(a_fault_injected_at_own_pages_ends_the_vm, start)
{
    uint8_t *page = page_allocate();

    fake.on_rmp = injects_a_fault;
    assert_string_equal(ENDS(rmp_rescind_own(direct_gpa(page))),
                        "cannot rescind page 8040000: it faulted");
}

TEST_SETUP(shared_pages_start_as_zeros_and_are_copied_within_bounds, start)
{
    static const uint8_t zeros[2 * PAGE_SIZE];
    struct shared_pages pages;
    uint8_t bytes[16] = "sixteen bytes..", copy[16];

    assert_int_equal(shared_memory_allocate(2, &pages), STATUS_OK);
    assert_int_equal(fake_page(pages.gpa)->owner, FAKE_HOSTS);
    assert_memory_equal(fake_bytes(pages.gpa), zeros, sizeof(zeros));
    shared_memory_put(&pages, sizeof(zeros) - 16, bytes, 16);
    shared_memory_get(&pages, sizeof(zeros) - 16, copy, 16);
    assert_memory_equal(copy, bytes, 16);
    assert_true(strstr(ENDS(shared_memory_put(&pages, sizeof(zeros) - 15, bytes, 16)),
                       "internal error") != NULL);
    assert_true(strstr(ENDS(shared_memory_get(&pages, SIZE_MAX, bytes, 16)), "internal error") !=
                NULL);
}

/* T206, the MSR protocol. */
static uint64_t msr_answer;

static void answers_the_msr(void)
{
    fake_this()->ghcb_msr = msr_answer;
}

TEST_SETUP(the_protocol_version_must_be_one_that_is_known, start)
{
    static const struct {
        uint16_t min, max;
        const char *end;
    } cases[] = {{1, 2, ""},
                 {2, 2, ""},
                 {2, 9, ""},
                 {1, 1, "terminate 1"},
                 {3, 9, "terminate 1"},
                 {0, 0, "terminate 1"},
                 {9, 1, "terminate 1"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fake_host.version_min = cases[i].min;
        fake_host.version_max = cases[i].max;
        assert_string_equal(ENDS(msr_protocol_negotiate()), cases[i].end);
    }
    fake.host = answers_the_msr;
    msr_answer = 2ull << 48 | 1ull << 32 | GHCB_MSR_PSC_RESP;
    assert_string_equal(ENDS(msr_protocol_negotiate()), "terminate 0");
}

TEST_SETUP(an_answer_to_another_question_is_none, start)
{
    uint64_t features;
    uint64_t before = fake_this()->ghcb_msr;

    fake.host = answers_the_msr;
    for (msr_answer = 0; msr_answer <= GHCB_MSR_INFO_MASK; msr_answer++) {
        bool is_features = msr_answer == GHCB_MSR_HV_FEATURES_RESP;

        assert_int_equal(msr_protocol_host_features(&features) == STATUS_OK, is_features);
        assert_int_equal(msr_protocol_run_vmpl(2) == STATUS_OK,
                         msr_answer == GHCB_MSR_RUN_VMPL_RESP);
        assert_string_equal(ENDS(msr_protocol_page_state(gpa(0x1000), PSC_SHARED)),
                            msr_answer == GHCB_MSR_PSC_RESP ? "" : "terminate 0");
        fake_this()->ghcb_msr = before;
    }
    msr_answer = 1ull << 32 | GHCB_MSR_PSC_RESP;
    assert_string_equal(ENDS(msr_protocol_page_state(gpa(0x1000), PSC_SHARED)), "terminate 0");
}

TEST_SETUP(the_ghcb_is_registered_where_it_was_said, start)
{
    uint64_t wrong[] = {0, GHCB_NO_GFN << 12 | GHCB_MSR_REGISTER_GPA_RESP,
                        0x2000 | GHCB_MSR_REGISTER_GPA_RESP, 0x1000 | GHCB_MSR_PSC_RESP};

    fake.host = answers_the_msr;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        msr_answer = wrong[i];
        assert_int_equal(msr_protocol_register_ghcb(gpa(0x1000)), STATUS_HOST_REFUSED);
    }
    msr_answer = 0x1000 | GHCB_MSR_REGISTER_GPA_RESP;
    assert_int_equal(msr_protocol_register_ghcb(gpa(0x1000)), STATUS_OK);
}

/* T206, the page: an honest answer, then one field of it spoilt. */
static size_t unmarked;

static void unmarks(void)
{
    uint8_t mark = (uint8_t)(1u << unmarked / 8 % 8);

    fake_host_answer();
    fake_ghcb()->valid_bitmap[unmarked / 64] &= (uint8_t)(0xff ^ mark);
}

TEST_SETUP(an_answer_that_is_not_marked_valid_is_none, start)
{
    struct ghcb_guest_request request = {
        .request = gpa(0x1000), .response = gpa(0x2000), .extended = true};
    uint32_t value;

    fake.host = unmarks;
    unmarked = offsetof(struct ghcb, rax);
    assert_int_equal(ghcb_io_in(&vm.cpus[0].link, 0x3FD, 1, &value), STATUS_HOST_BROKE_PROTOCOL);
    unmarked = offsetof(struct ghcb, rbx);
    assert_int_equal(ghcb_guest_request(&vm.cpus[0].link, &request), STATUS_HOST_BROKE_PROTOCOL);
    unmarked = offsetof(struct ghcb, sw_exitinfo2);
    assert_int_equal(ghcb_page_state(&vm.cpus[0].link, gpa(0x1000), 1, PSC_PRIVATE),
                     STATUS_HOST_BROKE_PROTOCOL);
    unmarked = offsetof(struct ghcb, sw_exitinfo1);
    assert_int_equal(ghcb_io_out(&vm.cpus[0].link, 0x3F8, 1, 0), STATUS_HOST_BROKE_PROTOCOL);
}

static uint64_t result_given;

static void gives_a_result(void)
{
    fake_host_answer();
    fake_ghcb()->sw_exitinfo1 = result_given;
}

TEST_SETUP(each_result_has_its_status, start)
{
    static const struct {
        uint64_t result;
        enum status status;
    } cases[] = {
        {0, STATUS_OK},
        {1, STATUS_HOST_REFUSED},
        {2, STATUS_HOST_REFUSED},
        {3, STATUS_HOST_BROKE_PROTOCOL},
        {0xFFFFFFFF, STATUS_HOST_BROKE_PROTOCOL},
        {0xFFFFFFFF00000000, STATUS_OK},
    };
    uint32_t value;

    fake.host = gives_a_result;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        result_given = cases[i].result;
        assert_int_equal(ghcb_io_out(&vm.cpus[0].link, 0x3F8, 1, 0), cases[i].status);
        assert_int_equal(ghcb_mmio_read(&vm.cpus[0].link, gpa(0xFEF00000), &value),
                         cases[i].status);
        assert_int_equal(ghcb_mmio_write(&vm.cpus[0].link, gpa(0xFEF00000), 0), cases[i].status);
        assert_int_equal(
            ghcb_ap_creation(&vm.cpus[0].link, AP_CREATE_ON_INIT, gpa(0x1000), 2, 0, 1),
            cases[i].status);
    }
}

TEST_SETUP(an_input_is_cut_to_its_size, start)
{
    uint32_t value;

    assert_int_equal(ghcb_io_in(&vm.cpus[0].link, 0x999, 1, &value), STATUS_OK);
    assert_int_equal(value, 0xFF);
}

/* T205: the host writes its answer anew behind each read of it. */
static struct psc_header lie;

static void lies_about_progress(void)
{
    fake_host_answer();
    memcpy(fake_ghcb()->shared_buffer, &lie, sizeof(lie));
}

TEST_SETUP(a_page_state_change_must_progress_within_its_list, start)
{
    fake.host = lies_about_progress;
    lie = (struct psc_header){.cur_entry = 2, .end_entry = 1};
    assert_int_equal(ghcb_page_state(&vm.cpus[0].link, gpa(0x1000), 2, PSC_PRIVATE), STATUS_OK);
    lie = (struct psc_header){.cur_entry = 2, .end_entry = 0};
    assert_int_equal(ghcb_page_state(&vm.cpus[0].link, gpa(0x1000), 2, PSC_PRIVATE),
                     STATUS_HOST_BROKE_PROTOCOL);
    lie = (struct psc_header){.cur_entry = 2, .end_entry = 1, .reserved = 1};
    assert_int_equal(ghcb_page_state(&vm.cpus[0].link, gpa(0x1000), 2, PSC_PRIVATE),
                     STATUS_HOST_BROKE_PROTOCOL);
    lie = (struct psc_header){.cur_entry = 0, .end_entry = 1};
    assert_int_equal(ghcb_page_state(&vm.cpus[0].link, gpa(0x1000), 2, PSC_PRIVATE),
                     STATUS_HOST_BROKE_PROTOCOL);
}

static unsigned times_asked;

static void goes_back(void)
{
    times_asked++;
    fake_host_answer();
    lie.cur_entry = lie.cur_entry == 1 ? 0 : 1;
    memcpy(fake_ghcb()->shared_buffer, &lie, sizeof(lie));
}

TEST_SETUP(a_page_state_change_that_goes_back_is_a_lie, start)
{
    lie = (struct psc_header){.end_entry = 1};
    times_asked = 0;
    fake.host = goes_back;
    assert_int_equal(ghcb_page_state(&vm.cpus[0].link, gpa(0x1000), 2, PSC_PRIVATE),
                     STATUS_HOST_BROKE_PROTOCOL);
    assert_int_equal(times_asked, 2);
}

static void refuses_the_change(void)
{
    fake_host_answer();
    fake_ghcb()->sw_exitinfo2 = 1ull << 32;
}

TEST_SETUP(long_lists_of_pages_are_changed_in_parts, start)
{
    assert_int_equal(ghcb_page_state(&vm.cpus[0].link, gpa(0x1000000), 1000, PSC_PRIVATE),
                     STATUS_OK);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(fake_page(gpa(0x1000000 + i * PAGE_SIZE))->owner, FAKE_ASSIGNED);
    fake.host = refuses_the_change;
    assert_int_equal(ghcb_page_state(&vm.cpus[0].link, gpa(0x1000), 1, PSC_PRIVATE),
                     STATUS_HOST_REFUSED);
}

TEST_SETUP(the_ghcb_never_holds_what_an_earlier_exit_left, start)
{
    ghcb_begin(&vm.cpus[0].link);
    GHCB_SET(&vm.cpus[0].link, rcx, 0x1122334455667788);
    ghcb_begin(&vm.cpus[0].link);
    assert_int_equal(fake_ghcb()->rcx, 0);
    assert_int_equal(fake_ghcb()->valid_bitmap[offsetof(struct ghcb, rcx) / 64], 0);
    assert_int_equal(fake_ghcb()->protocol_version, 2);
}

/* Clocks and random numbers. */
TEST_SETUP(a_timer_that_lies_gives_an_assumed_rate, start)
{
    struct clock clock;

    fake_host.timer_runs = false;
    assert_false(clock_init(&clock, &vm.cpus[0].link));
    assert_int_equal(clock.hz, 2000000000);
    fake_host.timer_runs = true;
    fake.tsc_step = 1ull << 40;
    assert_false(clock_init(&clock, &vm.cpus[0].link));
    fake.tsc_step = 1000;
    fake.host = gives_a_result;
    result_given = 1;
    assert_false(clock_init(&clock, &vm.cpus[0].link));
}

/* It does when a processor of a busy host leaves the VM in the middle of its measurement. */
TEST_SETUP(a_host_that_lets_the_vm_wait_while_the_timer_runs_does_not_change_the_clock, start)
{
    static const uint64_t stalls[] = {5000000, 18000000, 100000000};
    struct clock clock;

    for (size_t i = 0; i < sizeof(stalls) / sizeof(stalls[0]); i++) {
        fake_host.timer_stalls = 9;
        fake_host.stall = stalls[i];
        assert_true(clock_init(&clock, &vm.cpus[0].link));
        assert_in_range(clock.hz, 1950000000, 2050000000);
    }
    fake_host.timer_stalls = 1000;
    assert_true(clock_init(&clock, &vm.cpus[0].link)); /* the best of a bad lot */
}

TEST_SETUP(a_tsc_that_jumps_back_stops_no_wait_for_ever, start)
{
    uint64_t before = clock_now(&vm.cpus[0].clock);

    fake.tsc = 0; /* "before" the start: a long time later */
    assert_true(clock_now(&vm.cpus[0].clock) > before);
}

TEST_SETUP(no_random_numbers_end_the_vm, start)
{
    uint8_t bytes[13] = {0};

    random_init();
    random_bytes(bytes, sizeof(bytes));
    assert_true(bytes[12] != 0 || bytes[11] != 0 || bytes[10] != 0);
    fake.rdrand_sticks = true;
    assert_string_equal(ENDS(random_init()), "RDRAND is stuck");
    fake.rdrand_fails = true;
    assert_string_equal(ENDS(random_bytes(bytes, 1)), "RDRAND gives no random numbers");
}

/* The console. */
TEST_SETUP(a_dead_console_loses_lines_and_nothing_else, start)
{
    log_error("%s %c %d %u %x %lu %lx %05u %% %08lx", "text", 'c', -5, 6u, 0xABu, 7ul, 0xCDul, 42u,
              0xEFul);
    assert_true(strstr(vm_console(), "svsm: [error] text c -5 6 ab 7 cd 00042 % 000000ef\r\n") !=
                NULL);
    fake.host = gives_a_result;
    result_given = 1;
    log_info("lost");
    fake.host = fake_host_answer;
    log_info("lost, too");
    assert_null(strstr(vm_console(), "lost"));
}

TEST_SETUP(a_services_lines_are_printable_and_its_own, start)
{
    static const char words[] = "one\ntwo\x1b[31m\r\nsvsm: [info] forged";

    log_service("tpm", words, sizeof(words) - 1);
    assert_non_null(strstr(vm_console(), "svsm: [tpm] one\r\n"));
    assert_non_null(strstr(vm_console(), "svsm: [tpm] two[31m\r\n"));
    assert_non_null(strstr(vm_console(), "svsm: [tpm] svsm: [info] forged\r\n"));
    assert_null(strchr(vm_console(), 0x1b));
}

TEST_SETUP(a_line_costs_two_exits_for_each_fifo, start)
{
    unsigned before = fake_host.io_exits;

    assert_int_equal(uart_write(&vm.proxy, "0123456789abcdef0123456789abcdef!", 33), STATUS_OK);
    assert_int_equal(fake_host.io_exits - before, 6);
    assert_memory_equal(fake_host.from_vm.bytes, "0123456789abcdef0123456789abcdef!", 33);
}

/* The line's setting, seven times its level, two bytes, and the poll that finds no more. */
TEST_SETUP(what_arrives_costs_three_exits_for_each_fifo, start)
{
    uint8_t bytes[512];
    unsigned before;
    size_t got;

    for (unsigned i = 0; i < 100; i++)
        fake_host.to_vm.bytes[fake_host.to_vm.size++] = (uint8_t)i;
    before = fake_host.io_exits;
    assert_int_equal(uart_read(&vm.proxy, bytes, sizeof(bytes), &got), STATUS_OK);
    assert_int_equal(got, 100);
    assert_memory_equal(bytes, fake_host.to_vm.bytes, 100);
    assert_int_equal(fake_host.io_exits - before, 6 + 7 * 3 + 2 * 3 + 1);
}

TEST_SETUP(no_more_is_read_than_there_is_room_for, start)
{
    uint8_t bytes[64];

    fake_host.to_vm.size = sizeof(fake_host.to_vm.bytes);
    memset(fake_host.to_vm.bytes, 0x11, sizeof(fake_host.to_vm.bytes));
    for (size_t room = 0; room < sizeof(bytes); room++) {
        size_t got;

        memset(bytes, 0x22, sizeof(bytes));
        assert_int_equal(uart_read(&vm.proxy, bytes, room, &got), STATUS_OK);
        assert_int_equal(got, room);
        for (size_t i = 0; i < sizeof(bytes); i++)
            assert_int_equal(bytes[i], i < room ? 0x11 : 0x22);
    }
}

TEST_SETUP(what_arrives_interrupts_until_the_line_is_quiet, start)
{
    uint8_t bytes[64];
    unsigned before;
    size_t got;

    fake_host.to_vm.size = 20;
    assert_int_equal(uart_read(&vm.proxy, bytes, sizeof(bytes), &got), STATUS_OK);
    assert_int_equal(got, 20);
    assert_true(fake_host.proxy_interrupts);
    uart_quiet(&vm.proxy);
    assert_false(fake_host.proxy_interrupts);

    before = fake_host.io_exits;
    uart_quiet(&vm.proxy);
    assert_int_equal(uart_read(&vm.proxy, bytes, sizeof(bytes), &got), STATUS_OK);
    assert_int_equal(got, 0);
    assert_int_equal(fake_host.io_exits - before, 1);
    assert_false(fake_host.proxy_interrupts);
}

/* What nobody decodes reads as all ones. */
TEST_SETUP(an_absent_uart_has_nothing_to_read, start)
{
    struct uart absent;
    uint8_t bytes[64];
    bool has_data;
    size_t got;

    uart_init(&absent, FAKE_PROXY_PORT + 8);
    assert_int_equal(uart_has_data(&absent, &has_data), STATUS_OK);
    assert_false(has_data);
    assert_int_equal(uart_read(&absent, bytes, sizeof(bytes), &got), STATUS_OK);
    assert_int_equal(got, 0);
}

static void busy_for_ever(void)
{
    bool is_status = fake_ghcb()->sw_exitinfo1 >> IOIO_PORT_SHIFT == FAKE_PROXY_PORT + 5;

    fake_host_answer();
    if (is_status)
        fake_ghcb()->rax = 0;
}

TEST_SETUP(a_transmitter_that_never_drains_is_given_up, start)
{
    fake.host = busy_for_ever;
    assert_int_equal(uart_write(&vm.proxy, "x", 1), STATUS_TIMEOUT);
}
