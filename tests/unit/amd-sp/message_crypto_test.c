/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "emulator/amd-sp/message_crypto.h"
#include "tests/unit/amd-sp/guest.h"
#include "tests/unit/amd-sp/hex.h"
#include "tests/unit/registered.h"

static uint8_t key[VMPCK_SIZE];
static struct msg_report_req payload;
static uint8_t page[GUEST_MESSAGE_SIZE];

static struct guest_message_header *sealed_header(void)
{
    return (struct guest_message_header *)(void *)page;
}

static int seal_reference_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(payload.report_data); i++)
        payload.report_data[i] = (uint8_t)i;
    guest_seal(key, guest_header(MSG_REPORT_REQ, 0, 1, sizeof(payload)), &payload, page);
    return 0;
}

static bool opens(void)
{
    uint8_t opened[sizeof(payload)];

    return message_open(key, sealed_header(), page + GUEST_MESSAGE_HEADER, opened);
}

TEST_SETUP(a_sealed_message_is_the_reference_vector, seal_reference_message)
{
    const uint8_t *ciphertext = page + GUEST_MESSAGE_HEADER;

    assert_hex(ciphertext, 16, "e22d803ca0aaea00420d0fc830cc86c4");
    assert_hex(ciphertext + sizeof(payload) - 16, 16, "b5f3e8b761e80896f353185b4abd740d");
    assert_hex(sealed_header()->authtag, 32,
               "0f354f26b13f7433d3674d8eebcaf84700000000000000000000000000000000");
}

TEST_SETUP(a_sealed_message_opens_again, seal_reference_message)
{
    struct msg_report_req opened;

    assert_true(
        message_open(key, sealed_header(), page + GUEST_MESSAGE_HEADER, (uint8_t *)&opened));
    assert_memory_equal(&opened, &payload, sizeof(payload));
}

TEST_SETUP(a_message_changed_in_any_authenticated_byte_does_not_open, seal_reference_message)
{
    for (size_t i = 0; i < GUEST_MESSAGE_HEADER + sizeof(payload); i++) {
        bool size_or_unauthenticated = (i >= GUEST_MESSAGE_TAG_SIZE && i < 0x20) ||
                                       (i >= 0x28 && i < 0x30) ||
                                       i == offsetof(struct guest_message_header, msg_size) ||
                                       i == offsetof(struct guest_message_header, msg_size) + 1;

        if (size_or_unauthenticated)
            continue;
        page[i] ^= 1;
        assert_false(opens());
        page[i] ^= 1;
    }
    assert_true(opens());
}

TEST_SETUP(another_key_does_not_open_a_message, seal_reference_message)
{
    key[31] ^= 1;
    assert_false(opens());
}
