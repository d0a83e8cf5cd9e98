/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-evidence/real_evidence.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/asn1.h>
#include <openssl/x509.h>

const char *real_path(const char *name)
{
    static char path[4096];
    const char *shared = getenv("SNP_VTPM_SHARED");

    snprintf(path, sizeof(path), "%s/%s", shared ? shared : "", name);
    return path;
}

size_t real_load(const char *name, void *bytes, size_t size)
{
    FILE *file = fopen(real_path(name), "r");
    size_t got = file ? fread(bytes, 1, size, file) : 0;

    if (file)
        fclose(file);
    return got;
}

void real_load_certificate(const char *name, struct der *der)
{
    X509 *certificate = certificate_load(real_path(name));
    uint8_t *out = der->bytes;
    int size;

    assert_non_null(certificate);
    size = i2d_X509(certificate, NULL);
    assert_in_range(size, 1, DER_MAX);
    der->size = (size_t)i2d_X509(certificate, &out);
    X509_free(certificate);
}

MUST_CHECK static bool parse(const struct der *der, X509 **certificate)
{
    *certificate = der->size > 0 ? certificate_parse(der->bytes, der->size) : NULL;
    return der->size == 0 || *certificate;
}

MUST_CHECK static bool parse_crl(const struct der *der, X509_CRL **crl)
{
    *crl = der->size > 0 ? crl_parse(der->bytes, der->size) : NULL;
    return der->size == 0 || *crl;
}

enum verdict attempt_run(struct attempt *attempt)
{
    struct certificates certificates = {0};
    struct evidence evidence = {
        .report = (const uint8_t *)&attempt->report,
        .report_size = sizeof(attempt->report),
        .certificates = &certificates,
    };
    struct verifier verifier = {.trust = &attempt->trust, .chains = attempt->chains};
    struct expectation expected = {.requirements = &attempt->requirements, .now = attempt->now};

    memcpy(expected.report_data, attempt->report_data, REPORT_DATA_SIZE);
    attempt->attested = (struct attested){0};
    attempt->finding = (struct finding){.verdict = VERDICT_CERTIFICATE_TABLE};
    if (parse(&attempt->ark, &certificates.ark) && parse(&attempt->ask, &certificates.ask) &&
        parse(&attempt->leaf, attempt->vlek ? &certificates.vlek : &certificates.vcek) &&
        parse_crl(&attempt->crl, &certificates.crl) &&
        evidence_verify(&verifier, &evidence, &expected, &attempt->attested, &attempt->finding))
        assert_int_equal(attempt->finding.verdict, VERDICT_OK);
    certificates_free(&certificates);
    return attempt->finding.verdict;
}

void alter_all_bytes(struct attempt *attempt, const char *role, uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        uint8_t bit = (uint8_t)(1u << at % 8);

        bytes[at] ^= bit;
        if (attempt_run(attempt) == VERDICT_OK)
            fail_msg("%s accepted with bit %zu of byte %zu flipped", role, at % 8, at);
        assert_false(attempt->attested.genuine);
        bytes[at] ^= bit;
    }
}

/* The fields of certificates */

struct span {
    size_t start, end; /* with the header */
};

/* The element that starts at *at within der, which moves behind it; inner: where its content is. */
static struct span next_element(const struct der *der, size_t *at, size_t *inner)
{
    const uint8_t *p = der->bytes + *at;
    struct span span = {.start = *at};
    long length;
    int tag, class;

    assert_int_equal(ASN1_get_object(&p, &length, &tag, &class, (long)(der->size - *at)) & 0x80, 0);
    *inner = (size_t)(p - der->bytes);
    *at = span.end = *inner + (size_t)length;
    return span;
}

/* Where the fields of a certificate are (RFC 5280, section 4.1). */
static void find_fields(const struct der *der, struct span fields[FIELD_COUNT])
{
    size_t at = 0, inner, tbs;
    struct span whole;

    whole = next_element(der, &at, &inner);
    assert_int_equal(whole.end, der->size);
    at = inner;
    next_element(der, &at, &tbs);
    fields[FIELD_ALGORITHM] = next_element(der, &at, &inner);
    fields[FIELD_SIGNATURE] = next_element(der, &at, &inner);
    for (int field = FIELD_VERSION; field <= FIELD_EXTENSIONS; field++)
        fields[field] = next_element(der, &tbs, &inner);
}

/* Flips each bit of a field, or of each 3rd byte of a long one; returns how many led to its own
 * reason. */
static unsigned alter_field(struct attempt *attempt, const struct alteration *alteration,
                            const struct span *span, enum verdict own)
{
    size_t step = span->end - span->start < 64 ? 1 : 3;
    unsigned hits = 0;

    for (size_t at = span->start; at < span->end; at += step)
        for (unsigned bit = 0; bit < 8; bit++) {
            *alteration->altered = *alteration->original;
            alteration->altered->bytes[at] ^= (uint8_t)(1u << bit);
            if (attempt_run(attempt) == VERDICT_OK)
                fail_msg("%s accepted with bit %u of byte %zu flipped", alteration->role, bit, at);
            assert_false(attempt->attested.genuine);
            hits += attempt->finding.verdict == own;
        }
    *alteration->altered = *alteration->original;
    return hits;
}

void alter_all_fields(struct attempt *attempt, const struct alteration *alteration)
{
    struct span fields[FIELD_COUNT];

    find_fields(alteration->original, fields);
    for (int field = 0; field < FIELD_COUNT; field++)
        if (alter_field(attempt, alteration, &fields[field], alteration->own[field]) == 0)
            fail_msg("%s: field %d never gave %s", alteration->role, field,
                     verdict_code(alteration->own[field]));
}
