/* SPDX-License-Identifier: MIT */
/* Every function of the reader and the writer at every bound: it succeeds whole or changes nothing.
 */
#include <string.h>

#include "lib/base/reader.h"
#include "lib/base/writer.h"
#include "tests/unit/registered.h"

#define SIZE 16

static uint8_t bytes[SIZE];
static uint64_t read_value;

static int number(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(0xF0 + i);
    return 0;
}

#define READS(name, type)                                                                          \
    static bool read_##name(struct reader *r)                                                      \
    {                                                                                              \
        type value = 0;                                                                            \
        bool ok = reader_##name(r, &value);                                                        \
                                                                                                   \
        read_value = value;                                                                        \
        return ok;                                                                                 \
    }                                                                                              \
    static bool write_##name(struct writer *w)                                                     \
    {                                                                                              \
        return writer_##name(w, (type)0x8182838485868788);                                         \
    }

READS(u8, uint8_t)
READS(le16, uint16_t)
READS(le32, uint32_t)
READS(le64, uint64_t)
READS(be16, uint16_t)
READS(be32, uint32_t)
READS(be64, uint64_t)

static const struct {
    bool (*read)(struct reader *r);
    bool (*write)(struct writer *w);
    size_t size;
    uint64_t value; /* of the first bytes */
    uint8_t written[8];
} integers[] = {
    {read_u8, write_u8, 1, 0xF0, {0x88}},
    {read_le16, write_le16, 2, 0xF1F0, {0x88, 0x87}},
    {read_le32, write_le32, 4, 0xF3F2F1F0, {0x88, 0x87, 0x86, 0x85}},
    {read_le64,
     write_le64,
     8,
     0xF7F6F5F4F3F2F1F0,
     {0x88, 0x87, 0x86, 0x85, 0x84, 0x83, 0x82, 0x81}},
    {read_be16, write_be16, 2, 0xF0F1, {0x87, 0x88}},
    {read_be32, write_be32, 4, 0xF0F1F2F3, {0x85, 0x86, 0x87, 0x88}},
    {read_be64,
     write_be64,
     8,
     0xF0F1F2F3F4F5F6F7,
     {0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88}},
};

static void assert_untouched(const struct reader *r, size_t size)
{
    assert_ptr_equal(r->next, bytes);
    assert_int_equal(r->left, size);
}

TEST_SETUP(an_integer_is_read_whole_or_not_at_all, number)
{
    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
        for (size_t left = 0; left <= SIZE; left++) {
            struct reader r = reader_over(bytes, left);
            bool fits = left >= integers[i].size;

            assert_int_equal(integers[i].read(&r), fits);
            if (!fits) {
                assert_untouched(&r, left);
                continue;
            }
            assert_true(read_value == integers[i].value);
            assert_ptr_equal(r.next, bytes + integers[i].size);
            assert_int_equal(r.left, left - integers[i].size);
        }
    }
}

TEST_SETUP(bytes_are_taken_whole_or_not_at_all, number)
{
    static const size_t huge[] = {SIZE + 1, SIZE_MAX / 2, SIZE_MAX - 1, SIZE_MAX};

    for (size_t left = 0; left <= SIZE; left++) {
        for (size_t size = 0; size <= SIZE + sizeof(huge) / sizeof(huge[0]); size++) {
            size_t wanted = size <= SIZE ? size : huge[size - SIZE - 1];
            bool fits = wanted <= left;
            struct reader r = reader_over(bytes, left), part = {0};
            const uint8_t *borrowed = NULL;
            uint8_t copy[SIZE + 1] = {0};

            assert_int_equal(reader_skip(&r, wanted), fits);
            if (!fits)
                assert_untouched(&r, left);
            r = reader_over(bytes, left);
            assert_int_equal(reader_borrow(&r, &borrowed, wanted), fits);
            assert_ptr_equal(borrowed, fits ? bytes : NULL);
            r = reader_over(bytes, left);
            assert_int_equal(reader_copy(&r, copy, wanted), fits);
            if (fits)
                assert_memory_equal(copy, bytes, wanted);
            assert_int_equal(copy[fits ? wanted : 0], 0);
            r = reader_over(bytes, left);
            assert_int_equal(reader_split(&r, &part, wanted), fits);
            if (fits) {
                assert_ptr_equal(part.next, bytes);
                assert_int_equal(part.left, wanted);
                assert_int_equal(r.left, left - wanted);
                assert_int_equal(reader_at_end(&r), left == wanted);
            } else {
                assert_untouched(&r, left);
            }
        }
    }
}

TEST(only_zeros_are_taken_as_zeros)
{
    for (size_t other = 0; other <= SIZE; other++) {
        uint8_t buffer[SIZE + 1] = {0};

        buffer[other] = 1;
        for (size_t size = 0; size <= SIZE + 1; size++) {
            struct reader r = reader_over(buffer, SIZE);
            bool zeros = size <= other;

            assert_int_equal(bytes_are_zero(buffer, size), zeros);
            assert_int_equal(reader_zeros(&r, size), zeros && size <= SIZE);
            assert_int_equal(r.left, zeros && size <= SIZE ? SIZE - size : SIZE);
        }
    }
    assert_false(bytes_are_zero(bytes, 1));
    assert_true(bytes_are(bytes, 1, 0xF0));
    assert_false(bytes_are(bytes, 2, 0xF0));
    assert_true(bytes_are(bytes, 0, 0x0F));
}

TEST_SETUP(a_window_lies_within, number)
{
    static const size_t sizes[] = {0, 1, SIZE - 1, SIZE, SIZE + 1, SIZE_MAX - 1, SIZE_MAX};
    size_t count = sizeof(sizes) / sizeof(sizes[0]);

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            struct reader r = reader_over(bytes, SIZE), window = {0};
            bool fits = sizes[i] <= SIZE && sizes[j] <= SIZE - sizes[i];

            assert_int_equal(reader_window(&r, &window, sizes[i], sizes[j]), fits);
            assert_untouched(&r, SIZE);
            if (fits) {
                assert_ptr_equal(window.next, bytes + sizes[i]);
                assert_int_equal(window.left, sizes[j]);
            }
        }
    }
}

static void assert_unwritten(const struct writer *w, const uint8_t *buffer, size_t room)
{
    assert_int_equal(w->used, 0);
    assert_int_equal(w->room, room);
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(buffer[i], 0x33);
}

TEST_SETUP(an_integer_is_written_whole_or_not_at_all, number)
{
    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
        for (size_t room = 0; room <= SIZE; room++) {
            uint8_t buffer[SIZE];
            struct writer w = writer_over(buffer, room);
            bool fits = room >= integers[i].size;

            memset(buffer, 0x33, sizeof(buffer));
            assert_int_equal(integers[i].write(&w), fits);
            if (!fits) {
                assert_unwritten(&w, buffer, room);
                continue;
            }
            assert_memory_equal(buffer, integers[i].written, integers[i].size);
            assert_int_equal(buffer[integers[i].size], 0x33);
            assert_int_equal(w.used, integers[i].size);
            assert_int_equal(w.room, room - integers[i].size);
        }
    }
}

TEST_SETUP(bytes_are_put_whole_or_not_at_all, number)
{
    static const size_t huge[] = {SIZE + 1, SIZE_MAX / 2, SIZE_MAX};

    for (size_t room = 0; room < SIZE; room++) {
        for (size_t size = 0; size < SIZE + sizeof(huge) / sizeof(huge[0]); size++) {
            size_t wanted = size < SIZE ? size : huge[size - SIZE];
            bool fits = wanted <= room;
            uint8_t buffer[SIZE], *reserved = NULL;
            struct writer w = writer_over(buffer, room);

            memset(buffer, 0x33, sizeof(buffer));
            assert_int_equal(writer_reserve(&w, &reserved, wanted), fits);
            assert_ptr_equal(reserved, fits ? buffer : NULL);
            w = writer_over(buffer, room);
            assert_int_equal(writer_put(&w, bytes, wanted), fits);
            if (!fits)
                assert_unwritten(&w, buffer, room);
            else
                assert_memory_equal(buffer, bytes, wanted);
            assert_int_equal(buffer[fits ? wanted : 0], 0x33);
            memset(buffer, 0x33, sizeof(buffer));
            w = writer_over(buffer, room);
            assert_int_equal(writer_zeros(&w, wanted), fits);
            for (size_t i = 0; i < SIZE; i++)
                assert_int_equal(buffer[i], fits && i < wanted ? 0 : 0x33);
        }
    }
}

TEST(no_bytes_need_no_place)
{
    struct writer w = writer_over(NULL, 0);
    struct reader r = reader_over(NULL, 0), part;

    assert_true(writer_put(&w, NULL, 0));
    assert_true(writer_zeros(&w, 0));
    assert_true(reader_copy(&r, NULL, 0));
    assert_true(reader_skip(&r, 0));
    assert_true(reader_zeros(&r, 0));
    assert_true(reader_split(&r, &part, 0));
    assert_false(writer_zeros(&w, 1));
    assert_int_equal(w.used, 0);
}
