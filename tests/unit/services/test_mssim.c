/* SPDX-License-Identifier: MIT */
#include "lib/base/writer.h"
#include "services/tpm/mssim.h"
#include "tests/unit/registered.h"

static enum mssim_parse parse(enum mssim_port port, const uint8_t *bytes, size_t size,
                              struct mssim_message *message, size_t *used)
{
    struct reader r = reader_over(bytes, size);
    enum mssim_parse outcome = mssim_parse(port, &r, message);

    *used = size - r.left;
    return outcome;
}

TEST(a_command_is_whole_only_with_its_last_byte)
{
    const uint8_t bytes[] = {0, 0, 0, 8, 3, 0, 0, 0, 2, 0xaa, 0xbb, 0xcc};
    struct mssim_message message;
    size_t used;

    for (size_t size = 0; size < 11; size++) {
        assert_int_equal(parse(MSSIM_COMMAND_PORT, bytes, size, &message, &used), MSSIM_INCOMPLETE);
        assert_int_equal(used, 0);
    }
    assert_int_equal(parse(MSSIM_COMMAND_PORT, bytes, 12, &message, &used), MSSIM_WHOLE);
    assert_int_equal(used, 11);
    assert_int_equal(message.request, MSSIM_SEND_COMMAND);
    assert_int_equal(message.locality, 3);
    assert_int_equal(message.command.left, 2);
    assert_int_equal(message.command.next[0], 0xaa);
}

TEST(a_command_larger_than_the_tpm_takes_is_malformed_at_once)
{
    uint8_t bytes[] = {0, 0, 0, 8, 0, 0, 0, 0x0f, 0xf8};
    struct mssim_message message;
    size_t used;

    assert_int_equal(parse(MSSIM_COMMAND_PORT, bytes, sizeof(bytes), &message, &used),
                     MSSIM_MALFORMED);
    bytes[8] = 0xf7;
    assert_int_equal(parse(MSSIM_COMMAND_PORT, bytes, sizeof(bytes), &message, &used),
                     MSSIM_INCOMPLETE);
}

TEST(each_port_takes_its_own_requests)
{
    const uint32_t for_platform[] = {1, 2, 3, 4, 9, 10, 11, 12, 17, 20, 21};
    struct mssim_message message;
    size_t used;

    for (uint32_t request = 0; request < 40; request++) {
        bool shared = request == MSSIM_SESSION_END || request == MSSIM_STOP;
        bool platform = false;
        uint8_t bytes[16] = {0};

        put_be32(bytes, request);
        for (size_t i = 0; i < sizeof(for_platform) / sizeof(for_platform[0]); i++)
            platform |= for_platform[i] == request;
        assert_int_equal(parse(MSSIM_PLATFORM_PORT, bytes, sizeof(bytes), &message, &used),
                         platform ? MSSIM_WHOLE : MSSIM_MALFORMED);
        assert_int_equal(parse(MSSIM_COMMAND_PORT, bytes, sizeof(bytes), &message, &used),
                         shared || request == MSSIM_SEND_COMMAND || request == MSSIM_HANDSHAKE
                             ? MSSIM_WHOLE
                             : MSSIM_MALFORMED);
    }
}
