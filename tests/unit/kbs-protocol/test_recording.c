/* SPDX-License-Identifier: MIT */
/* Every refused attestation is one line of the audit log, whatever bytes the client chose. */
#include <stdlib.h>

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include "kbs/audit/audit.h"
#include "tests/unit/kbs-protocol/client.h"
#include "tests/unit/registered.h"

/* Attests with a VCEK of such a subject. */
static unsigned attest_as(struct world *world, int type, const char *subject, size_t size,
                          char code[64])
{
    struct certificate_spec spec = chip_vcek_spec(&world_chip);
    unsigned status;
    X509 *vcek;

    spec.subject = subject;
    spec.subject_type = type;
    spec.subject_size = (int)size;
    vcek = chip_certificate(&spec);
    world_table_size = chip_table(NULL, world_chip.ask, vcek, world_table, sizeof(world_table));
    client_authenticate(&client, world);
    status = client_attest(&client, world, client_coconut(&client), code, NULL);
    world_table_size =
        chip_table(NULL, world_chip.ask, world_chip.vcek, world_table, sizeof(world_table));
    X509_free(vcek);
    return status;
}

/* Fails the test unless such a VCEK is refused for its name, and one line shows detail. */
static void expect_line(struct world *world, int type, const char *subject, size_t size,
                        const char *detail)
{
    uint64_t before = world_audit_count(world);
    char code[64];
    unsigned status = attest_as(world, type, subject, size, code);

    if (status != 401 || strcmp(code, "chain-name") != 0)
        fail_msg("%s: expected 401 chain-name, found %u %s", detail, status, code);
    assert_int_equal(world_audit_count(world), before + 1);
    world_expect_audit(world, "result", "refused");
    world_expect_audit(world, "detail", detail);
}

#define EXPECT_LINE(type, subject, shown)                                                          \
    expect_line(*state, (type), (subject), sizeof(subject) - 1,                                    \
                "VCEK: expected subject SEV-VCEK, found " shown)

TEST_FIXTURE(a_name_that_is_not_ascii_is_refused_with_a_line, client_begin, client_end)
{
    EXPECT_LINE(V_ASN1_T61STRING, "SEV-VCEKx", "SEV-VCEKx");
    EXPECT_LINE(V_ASN1_T61STRING, "SEV-VCEK\xff", "SEV-VCEK\\xff");
    EXPECT_LINE(V_ASN1_T61STRING, "SEV-VCEK\xed\xa0\x80", "SEV-VCEK\\xed\\xa0\\x80");
    EXPECT_LINE(V_ASN1_UTF8STRING, "caf\xc3\xa9", "caf\\xc3\\xa9");
    EXPECT_LINE(V_ASN1_BMPSTRING, "\0S\0E", "\\x00S\\x00E");
}

TEST_FIXTURE(a_name_with_controls_is_shown_without_them, client_begin, client_end)
{
    EXPECT_LINE(V_ASN1_UTF8STRING, "\n{\"seq\":1}\r", "\\x0a{\"seq\":1}\\x0d");
    EXPECT_LINE(V_ASN1_UTF8STRING, "\x1b[2J\x7f\\n", "\\x1b[2J\\x7f\\n");
}

/* C would see the right name only. */
TEST_FIXTURE(a_name_that_goes_on_behind_a_nul_is_another_one, client_begin, client_end)
{
    EXPECT_LINE(V_ASN1_UTF8STRING, "SEV-VCEK\0", "SEV-VCEK\\x00");
    EXPECT_LINE(V_ASN1_UTF8STRING, "SEV-VCEK\0.evil.example", "SEV-VCEK\\x00.evil.example");
}

TEST_FIXTURE(a_name_of_many_bytes_is_cut, client_begin, client_end)
{
    char name[2000];

    memset(name, '\xff', sizeof(name));
    expect_line(*state, V_ASN1_T61STRING, name, sizeof(name),
                "VCEK: expected subject SEV-VCEK, found "
                "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff"
                "\\xff\\xff\\xff\\xff\\xff\\xff\\xff...(1978 bytes more)");
}

TEST_GROUP(world_make_chip, world_free_chip)
