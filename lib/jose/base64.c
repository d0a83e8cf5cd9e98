/* SPDX-License-Identifier: MIT */
#include "lib/jose/base64.h"

#include <string.h>

#include <openssl/evp.h>

#define QUAD   4 /* characters ... */
#define TRIPLE 3 /* ... that carry this many bytes */
#define PART   (TRIPLE << 16)

static void swap_digit(char *text, size_t length, char from, char to)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] == from)
            text[i] = to;
}

/* Rewrites padded standard text as URL-safe text without padding; returns its length. */
static size_t standard_to_url(char *text, size_t length)
{
    while (length > 0 && text[length - 1] == '=')
        text[--length] = '\0';
    swap_digit(text, length, '+', '-');
    swap_digit(text, length, '/', '_');
    return length;
}

size_t base64_encode(enum base64_variant variant, const void *bytes, size_t size, char *text)
{
    size_t length = 0;

    /* In parts of whole triples, so that the int of EVP_EncodeBlock bounds nothing. */
    text[0] = '\0';
    for (const uint8_t *next = bytes, *end = next + size; next < end;) {
        size_t part = (size_t)(end - next) < PART ? (size_t)(end - next) : PART;

        length += (size_t)EVP_EncodeBlock((unsigned char *)text + length, next, (int)part);
        next += part;
    }
    return variant == BASE64_URL ? standard_to_url(text, length) : length;
}

/* Pads the last, possibly short, quad and maps its digits to the standard alphabet. */
static bool quad_to_standard(enum base64_variant variant, const char *text, size_t length,
                             char quad[QUAD])
{
    if (length < QUAD && variant == BASE64_STANDARD)
        return false;
    memset(quad, '=', QUAD);
    memcpy(quad, text, length);
    if (variant == BASE64_URL) {
        swap_digit(quad, length, '-', '+');
        swap_digit(quad, length, '_', '/');
    }
    return true;
}

static size_t padding_of(const char quad[QUAD])
{
    if (quad[3] != '=')
        return 0;
    return quad[2] == '=' ? 2 : 1;
}

/* Whether the bytes encode to precisely this text: what makes the decoder strict. */
static bool encodes_to(enum base64_variant variant, const uint8_t *bytes, size_t size,
                       const char *text, size_t length)
{
    char again[QUAD + 1];

    return base64_encode(variant, bytes, size, again) == length && memcmp(again, text, length) == 0;
}

bool base64_decode(enum base64_variant variant, const char *text, size_t length, void *out,
                   size_t room, size_t *size)
{
    uint8_t *next = out;

    while (length > 0) {
        size_t digits = length < QUAD ? length : QUAD;
        char quad[QUAD];
        uint8_t triple[TRIPLE];
        size_t got;

        if (!quad_to_standard(variant, text, digits, quad) ||
            EVP_DecodeBlock(triple, (const unsigned char *)quad, QUAD) != TRIPLE)
            return false;
        got = TRIPLE - padding_of(quad);
        if (got > room || !encodes_to(variant, triple, got, text, digits))
            return false;
        if (got < TRIPLE && length > QUAD) /* padding only at the very end */
            return false;
        memcpy(next, triple, got);
        next += got;
        room -= got;
        text += digits;
        length -= digits;
    }
    *size = (size_t)(next - (uint8_t *)out);
    return true;
}

bool base64_decode_exact(enum base64_variant variant, const char *text, size_t length, void *out,
                         size_t size)
{
    size_t got;

    return base64_decode(variant, text, length, out, size, &got) && got == size;
}
