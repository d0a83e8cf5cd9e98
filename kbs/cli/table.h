/* SPDX-License-Identifier: MIT */
/*
 * Lists for people: on a terminal with headings, colours and as much as fits into a line; elsewhere
 * aligned columns with whole values.
 */
#ifndef SNPVTPM_KBS_CLI_TABLE_H
#define SNPVTPM_KBS_CLI_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

enum colour {
    COLOUR_NONE,
    COLOUR_GOOD,
    COLOUR_BAD,
    COLOUR_WARN,
    COLOUR_DIM,
};

struct column {
    const char *heading;
    const char *member;    /* of each row's object */
    const char *otherwise; /* when it is null or missing */
    bool digest;           /* may be shortened to its beginning */
};

/* Whether stdout is a terminal that shows colours: NO_COLOR is not set. */
bool table_has_colours(void);

/* Escape sequences around coloured text, empty without colours. */
const char *table_colour(enum colour colour);
const char *table_colour_end(void);

/* Prints an array of objects; columns end with one without a heading. Says none for no rows. */
void table_print(const json_t *rows, const struct column *columns, const char *none);

/* Prints the members of one object, one a line. */
void table_print_object(const json_t *object, const struct column *columns);

/* Prints a value's text so that it is harmless to a terminal; "?" for NULL. */
void table_print_text(FILE *out, const char *text);

#endif
