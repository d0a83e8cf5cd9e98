/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lib/jose/base64.h"
#include "tests/unit/registered.h"

static bool decodes(enum base64_variant variant, const char *text)
{
    uint8_t out[64];
    size_t size;

    return base64_decode(variant, text, strlen(text), out, sizeof(out), &size);
}

TEST(encodes_the_vectors_of_rfc_4648)
{
    static const char *const padded[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                         "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    static const char *const bare[] = {"", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"};
    char text[BASE64_LENGTH(6) + 1];

    for (size_t size = 0; size <= 6; size++) {
        assert_int_equal(base64_encode(BASE64_STANDARD, "foobar", size, text),
                         strlen(padded[size]));
        assert_string_equal(text, padded[size]);
        assert_int_equal(base64_encode(BASE64_URL, "foobar", size, text), strlen(bare[size]));
        assert_string_equal(text, bare[size]);
    }
}

TEST(every_byte_round_trips_in_its_own_alphabet)
{
    uint8_t bytes[256], back[256];
    char text[BASE64_LENGTH(256) + 1];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 167);
    for (size_t size = 0; size <= sizeof(bytes); size++)
        for (int variant = BASE64_STANDARD; variant <= BASE64_URL; variant++) {
            size_t length = base64_encode(variant, bytes, size, text);

            assert_int_equal(strcspn(text, variant == BASE64_URL ? "+/=" : "-_"), length);
            assert_true(base64_decode_exact(variant, text, length, back, size));
            assert_memory_equal(back, bytes, size);
        }
}

TEST(refuses_text_that_is_not_canonical)
{
    assert_false(decodes(BASE64_STANDARD, "Zg"));       /* padding missing */
    assert_false(decodes(BASE64_STANDARD, "Zg="));      /* padding short */
    assert_false(decodes(BASE64_STANDARD, "Zh=="));     /* stray bits */
    assert_false(decodes(BASE64_STANDARD, "Zm9="));     /* stray bits */
    assert_false(decodes(BASE64_STANDARD, "Zg==Zg==")); /* padding inside */
    assert_false(decodes(BASE64_STANDARD, "===="));
    assert_false(decodes(BASE64_STANDARD, "Z==="));
    assert_false(decodes(BASE64_STANDARD, "Zm9v\n"));
    assert_false(decodes(BASE64_STANDARD, " Zm9"));
    assert_false(decodes(BASE64_STANDARD, "Zm9-")); /* other alphabet */
    assert_false(decodes(BASE64_STANDARD, "Zm\xc3\xa9"));
    assert_false(decodes(BASE64_URL, "Zg==")); /* padding */
    assert_false(decodes(BASE64_URL, "Z"));
    assert_false(decodes(BASE64_URL, "Zh"));
    assert_false(decodes(BASE64_URL, "Zm9+"));
    assert_false(decodes(BASE64_URL, "Zm9v "));
}

TEST(refuses_what_does_not_fit)
{
    uint8_t out[4];
    size_t size;

    assert_true(base64_decode(BASE64_STANDARD, "Zm9vYg==", 8, out, 4, &size));
    assert_int_equal(size, 4);
    assert_false(base64_decode(BASE64_STANDARD, "Zm9vYg==", 8, out, 3, &size));
    assert_false(base64_decode_exact(BASE64_STANDARD, "Zm9v", 4, out, 4));
    assert_true(base64_decode(BASE64_STANDARD, "", 0, out, 0, &size));
    assert_int_equal(size, 0);
}
