/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/init_data.h"

#include <string.h>

#include <openssl/evp.h>

/* The rest of one line. */
struct line {
    const char *next, *end;
};

static struct line next_line(const char **next, const char *end)
{
    const char *newline = memchr(*next, '\n', (size_t)(end - *next));
    struct line line = {.next = *next, .end = newline ? newline : end};

    *next = newline ? newline + 1 : end;
    if (line.end > line.next && line.end[-1] == '\r')
        line.end--;
    return line;
}

static void skip_blanks(struct line *line)
{
    while (line->next < line->end && (*line->next == ' ' || *line->next == '\t'))
        line->next++;
}

static bool skip_char(struct line *line, char wanted)
{
    skip_blanks(line);
    if (line->next == line->end || *line->next != wanted)
        return false;
    line->next++;
    return true;
}

/* Nothing but a comment is left. */
static bool is_over(struct line *line)
{
    skip_blanks(line);
    return line->next == line->end || *line->next == '#';
}

static bool is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* NAME = "STRING" without escapes. */
static bool read_setting(struct line line, struct line *name, struct line *value)
{
    skip_blanks(&line);
    name->next = line.next;
    while (line.next < line.end && is_of_name(*line.next))
        line.next++;
    name->end = line.next;
    if (name->next == name->end || !skip_char(&line, '=') || !skip_char(&line, '"'))
        return false;
    value->next = line.next;
    while (line.next < line.end && *line.next != '"' && *line.next != '\\')
        line.next++;
    value->end = line.next;
    return skip_char(&line, '"') && is_over(&line);
}

static bool is_text(const struct line *found, const char *wanted)
{
    size_t length = (size_t)(found->end - found->next);

    return length == strlen(wanted) && memcmp(found->next, wanted, length) == 0;
}

static const EVP_MD *algorithm_of(const struct line *value)
{
    if (is_text(value, "sha256"))
        return EVP_sha256();
    if (is_text(value, "sha384"))
        return EVP_sha384();
    return is_text(value, "sha512") ? EVP_sha512() : NULL;
}

/* The algorithm among the settings that come before the first table. */
static const EVP_MD *find_algorithm(const char *toml, size_t length)
{
    const char *next = toml, *end = toml + length;
    const EVP_MD *algorithm = NULL;

    while (next < end) {
        struct line line = next_line(&next, end), name, value;

        skip_blanks(&line);
        if (is_over(&line))
            continue;
        if (*line.next == '[')
            break;
        if (!read_setting(line, &name, &value))
            return NULL;
        if (!is_text(&name, "algorithm"))
            continue;
        if (algorithm)
            return NULL;
        algorithm = algorithm_of(&value);
        if (!algorithm)
            return NULL;
    }
    return algorithm;
}

bool init_data_digest(const char *toml, size_t length, uint8_t host_data[HOST_DATA_SIZE])
{
    const EVP_MD *algorithm = find_algorithm(toml, length);
    uint8_t digest[EVP_MAX_MD_SIZE];

    if (!algorithm || EVP_Digest(toml, length, digest, NULL, algorithm, NULL) != 1)
        return false;
    memcpy(host_data, digest, HOST_DATA_SIZE);
    return true;
}
