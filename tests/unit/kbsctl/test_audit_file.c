/* SPDX-License-Identifier: MIT */
/* Segments of the audit log in files: nothing in one can be changed without being noticed. */
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/cli/audit_file.h"
#include "tests/unit/registered.h"

#define LINES 3 /* of each segment */

static EVP_PKEY *kbs_key, *other_key;

static int make_keys(void **state)
{
    (void)state;
    kbs_key = EVP_EC_gen("P-256");
    other_key = EVP_EC_gen("P-256");
    return kbs_key && other_key ? 0 : -1;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(kbs_key);
    EVP_PKEY_free(other_key);
    return 0;
}

static void key_id(const EVP_PKEY *key, uint8_t id[SIGNING_KEY_ID_SIZE])
{
    uint8_t digest[SHA384_DIGEST_LENGTH], *der = NULL;
    int size = i2d_PUBKEY(key, &der);

    SHA384(der, (size_t)size, digest);
    memcpy(id, digest, SIGNING_KEY_ID_SIZE);
    OPENSSL_free(der);
}

static char *public_pem(EVP_PKEY *key)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text, *copy;
    long length;

    assert_int_equal(PEM_write_bio_PUBKEY(memory, key), 1);
    length = BIO_get_mem_data(memory, &text);
    copy = strndup(text, (size_t)length);
    BIO_free(memory);
    return copy;
}

/* A file in memory. */
struct text {
    char *bytes;
    size_t size;
};

/* Writes the segment of that number, from 0 on; about is what the statement says instead. */
static struct text write_segment(unsigned number, EVP_PKEY *key, const struct statement *about)
{
    struct statement closed = {.kind = STATEMENT_CLOSED,
                               .first = (uint64_t)number * LINES + 1,
                               .last = (uint64_t)(number + 1) * LINES,
                               .time = 1000};
    struct audit_chain chain = {0};
    uint8_t id[SIGNING_KEY_ID_SIZE];
    char line[64], *pem = public_pem(key), *statement;
    struct text text = {0};
    FILE *file = open_memstream(&text.bytes, &text.size);

    for (unsigned i = 1; i < closed.first; i++) {
        snprintf(line, sizeof(line), "{\"seq\":%u,\"event\":\"test\"}", i);
        assert_true(audit_chain_add(&chain, line, strlen(line)));
    }
    memcpy(closed.before, chain.head, sizeof(closed.before));
    assert_true(audit_file_begin(file, closed.first, closed.before));
    for (uint64_t i = closed.first; i <= closed.last; i++) {
        snprintf(line, sizeof(line), "{\"seq\":%u,\"event\":\"test\"}", (unsigned)i);
        assert_true(audit_chain_add(&chain, line, strlen(line)));
        fprintf(file, "%s\n", line);
    }
    memcpy(closed.head, chain.head, sizeof(closed.head));
    key_id(key, id);
    statement = statement_sign(key, id, about ? about : &closed);
    assert_non_null(statement);
    assert_true(audit_file_end(file, closed.head, pem, statement));
    fclose(file);
    free(statement);
    free(pem);
    return text;
}

static bool verify(const struct text *text, EVP_PKEY *key, struct audit_chain *chain)
{
    FILE *file = fmemopen(text->bytes, text->size, "r");
    struct audit_file_seal seal;
    bool good;

    assert_non_null(file);
    good = audit_file_verify(file, key, chain, &seal);
    fclose(file);
    return good;
}

static void assert_problem(const struct text *text, EVP_PKEY *key, const char *problem)
{
    struct audit_chain chain = {0};

    assert_false(verify(text, key, &chain));
    assert_string_equal(chain.problem, problem);
}

TEST(files_are_verified_one_after_the_other)
{
    struct text first = write_segment(0, kbs_key, NULL), second = write_segment(1, kbs_key, NULL);
    struct audit_chain chain = {0};

    assert_true(verify(&first, kbs_key, &chain));
    assert_int_equal(chain.seq, LINES);
    assert_true(verify(&second, kbs_key, &chain));
    assert_int_equal(chain.seq, 2 * LINES);
    assert_int_equal(chain.base, 0);
    assert_false(verify(&second, kbs_key, &chain));
    free(first.bytes);
    free(second.bytes);
}

TEST(a_later_file_alone_is_verified_from_where_it_begins)
{
    struct text second = write_segment(1, kbs_key, NULL);
    struct audit_chain chain = {0};

    assert_true(verify(&second, NULL, &chain));
    assert_int_equal(chain.base, LINES);
    assert_int_equal(chain.seq, 2 * LINES);
    free(second.bytes);
}

TEST(a_gap_between_files_is_found)
{
    struct text first = write_segment(0, kbs_key, NULL), third = write_segment(2, kbs_key, NULL);
    struct audit_chain chain = {0};

    assert_true(verify(&first, kbs_key, &chain));
    assert_false(verify(&third, kbs_key, &chain));
    assert_int_equal(chain.seq, LINES);
    free(first.bytes);
    free(third.bytes);
}

/* But for the key that it brings along, which is not looked at. */
TEST(every_bit_is_verified)
{
    struct text text = write_segment(0, kbs_key, NULL);
    const char *key = strstr(text.bytes, "key\""), *behind = strstr(text.bytes, "statement");

    assert_non_null(key);
    assert_non_null(behind);
    for (size_t i = 0; i < text.size; i++)
        for (int bit = 0; bit < 8; bit++) {
            struct audit_chain chain = {0};

            /* Digits of either case are the same, and so is the key. */
            if ((text.bytes + i >= key && text.bytes + i < behind) || bit == 5)
                continue;
            text.bytes[i] = (char)(text.bytes[i] ^ (1 << bit));
            if (verify(&text, kbs_key, &chain))
                fail_msg("bit %d of byte %zu was changed", bit, i);
            text.bytes[i] = (char)(text.bytes[i] ^ (1 << bit));
        }
    free(text.bytes);
}

TEST(a_file_that_is_cut_or_goes_on_is_refused)
{
    struct text text = write_segment(0, kbs_key, NULL), cut = text;

    for (cut.size = 1; cut.size < text.size; cut.size++) {
        struct audit_chain chain = {0};

        assert_false(verify(&cut, kbs_key, &chain));
    }
    cut.bytes = malloc(text.size + 1);
    memcpy(cut.bytes, text.bytes, text.size);
    cut.bytes[text.size] = '\n';
    cut.size = text.size + 1;
    assert_problem(&cut, kbs_key, "there is something behind the file's last line");
    free(cut.bytes);
    free(text.bytes);
}

TEST(the_head_is_the_kbss)
{
    struct text own = write_segment(0, kbs_key, NULL), foreign = write_segment(0, other_key, NULL);
    struct audit_chain chain = {0};

    assert_problem(&foreign, kbs_key, "the head is signed by another key");
    assert_problem(&own, other_key, "the head is signed by another key");
    assert_true(verify(&foreign, NULL, &chain)); /* whoever's it is */
    free(own.bytes);
    free(foreign.bytes);
}

TEST(what_is_signed_is_that_this_segment_is_closed)
{
    struct statement genuine = {.kind = STATEMENT_CLOSED, .first = 1, .last = LINES};
    struct statement others[] = {genuine, genuine, genuine};

    others[0].last++;
    others[1].kind = STATEMENT_PRUNED;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct text text = write_segment(0, kbs_key, &others[i]);

        assert_problem(&text, kbs_key, "what is signed is about other lines");
        free(text.bytes);
    }
}

/* The first line of a log follows zeros. */
TEST(no_line_comes_before_the_first)
{
    struct text text = write_segment(0, kbs_key, NULL);
    char *before = strstr(text.bytes, "\"before\":\"0");

    assert_non_null(before);
    before[strlen("\"before\":\"")] = '1';
    assert_problem(&text, kbs_key, "the file does not follow from what came before it");
    free(text.bytes);
}

TEST_GROUP(make_keys, free_keys)
