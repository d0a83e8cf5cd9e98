/* SPDX-License-Identifier: MIT */
/* What the guest may write into a request's memory. */
#include <string.h>

#include "lib/base/bytes.h"
#include "svsm/requests/attest_request.h"
#include "svsm/requests/pvalidate_list.h"
#include "svsm/requests/vtpm_request.h"
#include "tests/unit/registered.h"

static bool header_ok(uint64_t list, uint16_t entries, uint16_t next)
{
    struct svsm_pvalidate_list header = {.entries = entries, .next = next};

    return pvalidate_header_ok(gpa(list), &header);
}

TEST(a_pvalidate_list_lies_in_one_page)
{
    assert_true(header_ok(0x1000, 511, 0));
    assert_false(header_ok(0x1000, 512, 0));
    assert_true(header_ok(0x1008, 510, 0));
    assert_false(header_ok(0x1008, 511, 0));
    assert_false(header_ok(0x1FF8, 1, 0));
    assert_true(header_ok(0x1FF0, 1, 0));
    assert_false(header_ok(0x1004, 1, 0));
    assert_false(header_ok(0x1000, UINT16_MAX, 0));
}

TEST(a_pvalidate_list_has_something_left_to_do)
{
    assert_false(header_ok(0x1000, 0, 0));
    assert_false(header_ok(0x1000, 3, 3));
    assert_false(header_ok(0x1000, 3, UINT16_MAX));
    assert_true(header_ok(0x1000, 3, 2));
}

TEST(a_pvalidate_entry_is_read_field_by_field)
{
    struct pvalidate_entry entry;

    assert_true(pvalidate_entry_decode(0x12345000 | 4 | 8, &entry));
    assert_int_equal(entry.page.v, 0x12345000);
    assert_int_equal(entry.size, PAGE_SIZE);
    assert_true(entry.validate);
    assert_true(entry.ignore_unchanged);
    assert_true(pvalidate_entry_decode(0x40000000 | 1, &entry));
    assert_int_equal(entry.size, LARGE_PAGE_SIZE);
    assert_false(entry.validate);
}

TEST(bad_pvalidate_entries_are_refused)
{
    struct pvalidate_entry entry;

    assert_false(pvalidate_entry_decode(0x1000 | 2, &entry));
    assert_false(pvalidate_entry_decode(0x1000 | 3, &entry));
    assert_false(pvalidate_entry_decode(0x1000 | 1, &entry)); /* 2 MiB, not aligned */
    for (unsigned bit = 4; bit < 12; bit++)
        assert_false(pvalidate_entry_decode(0x1000 | 1u << bit, &entry));
}

static uint8_t vtpm_buffer[SVSM_VTPM_BUFFER_SIZE];

static enum status decode_vtpm(uint32_t platform_command, uint8_t locality, uint32_t size,
                               struct vtpm_request *request)
{
    put_le32(vtpm_buffer, platform_command);
    vtpm_buffer[4] = locality;
    put_le32(vtpm_buffer + 5, size);
    return vtpm_request_decode(vtpm_buffer, request);
}

TEST(a_tpm_command_is_bounded_by_its_page)
{
    struct vtpm_request request;

    assert_int_equal(decode_vtpm(8, 0, 10, &request), STATUS_OK);
    assert_ptr_equal(request.command, vtpm_buffer + 9);
    assert_int_equal(request.size, 10);
    assert_int_equal(decode_vtpm(8, 0, 4096 - 9, &request), STATUS_OK);
    assert_int_equal(decode_vtpm(8, 0, 4096 - 8, &request), STATUS_BAD_FORMAT);
    assert_int_equal(decode_vtpm(8, 0, UINT32_MAX, &request), STATUS_BAD_FORMAT);
}

TEST(other_platform_commands_and_localities_are_refused)
{
    struct vtpm_request request;

    assert_int_equal(decode_vtpm(1, 0, 10, &request), STATUS_BAD_FORMAT);
    assert_int_equal(decode_vtpm(UINT32_MAX, 0, 10, &request), STATUS_BAD_FORMAT);
    assert_int_equal(decode_vtpm(8, 1, 10, &request), STATUS_BAD_FORMAT);
}

static uint8_t operation[ATTEST_SINGLE_SIZE];
static const uint8_t which[20] = "any GUID, version 1.";

static int valid_operation(void **state)
{
    (void)state;
    memset(operation, 0, sizeof(operation));
    put_le64(operation + 0x00, 0x10000);
    put_le32(operation + 0x08, 0x1000);
    put_le64(operation + 0x10, 0x20FC0); /* the last 64 bytes of a page */
    put_le16(operation + 0x18, 64);
    put_le64(operation + 0x20, 0x30000);
    put_le32(operation + 0x28, 0x1000);
    put_le64(operation + 0x30, 0x40000);
    put_le32(operation + 0x38, 0x4000);
    memcpy(operation + 0x40, which, sizeof(which));
    return 0;
}

TEST_SETUP(an_attestation_operation_is_read_field_by_field, valid_operation)
{
    struct attest_request request;

    assert_int_equal(attest_request_decode(operation, true, &request), STATUS_OK);
    assert_int_equal(request.report.at.v, 0x10000);
    assert_int_equal(request.nonce.v, 0x20FC0);
    assert_int_equal(request.manifest.size, 0x1000);
    assert_int_equal(request.certificates.at.v, 0x40000);
    assert_int_equal(request.which_size, sizeof(which));
    assert_memory_equal(request.which, which, sizeof(which));
    assert_int_equal(attest_request_decode(operation, false, &request), STATUS_OK);
    assert_int_equal(request.which_size, 0); /* the manifest is that of all services */
}

TEST_SETUP(reserved_bytes_of_an_attestation_operation_are_zero, valid_operation)
{
    static const size_t reserved[] = {0x0C, 0x0F, 0x1A, 0x1F, 0x2C, 0x3C, 0x3F, 0x54, 0x57};
    struct attest_request request;

    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        valid_operation(state);
        operation[reserved[i]] = 1;
        assert_int_equal(attest_request_decode(operation, true, &request), STATUS_BAD_FORMAT);
    }
}

TEST_SETUP(addresses_of_an_attestation_operation_are_aligned, valid_operation)
{
    static const size_t addresses[] = {0x00, 0x20, 0x30};
    struct attest_request request;

    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        valid_operation(state);
        operation[addresses[i]] = 1;
        assert_int_equal(attest_request_decode(operation, true, &request), STATUS_BAD_FORMAT);
    }
    valid_operation(state);
    put_le64(operation + 0x10, 0x20FC1); /* a nonce across two pages */
    assert_int_equal(attest_request_decode(operation, true, &request), STATUS_BAD_FORMAT);
}

TEST_SETUP(sizes_of_an_attestation_operation_are_bounded, valid_operation)
{
    struct attest_request request;

    put_le32(operation + 0x38, 0x4001);
    assert_int_equal(attest_request_decode(operation, true, &request), STATUS_BAD_FORMAT);
    put_le32(operation + 0x38, 0); /* no certificates wanted: their address does not matter */
    put_le64(operation + 0x30, 1);
    assert_int_equal(attest_request_decode(operation, true, &request), STATUS_OK);
    put_le16(operation + 0x18, 63);
    assert_int_equal(attest_request_decode(operation, true, &request), STATUS_BAD_FORMAT);
}
