/* SPDX-License-Identifier: MIT */
#include "kbs/cli/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include "kbs/cli/plain_text.h"

#define COLUMNS_MAX   12
#define GAP           2  /* spaces between columns */
#define DIGEST_SHOWN  12 /* characters of a digest on a terminal */
#define WIDTH_DEFAULT 80
#define NUMBER_MAX    32

bool table_has_colours(void)
{
    const char *off = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && !(off && *off);
}

const char *table_colour(enum colour colour)
{
    static const char *const sequences[] = {
        [COLOUR_NONE] = "",         [COLOUR_GOOD] = "\033[32m", [COLOUR_BAD] = "\033[31m",
        [COLOUR_WARN] = "\033[33m", [COLOUR_DIM] = "\033[2m",
    };

    return table_has_colours() ? sequences[colour] : "";
}

const char *table_colour_end(void)
{
    return table_has_colours() ? "\033[0m" : "";
}

/* A value as a person reads it; the caller frees it. NULL without memory. */
static char *value_text(const json_t *value, const struct column *column)
{
    char number[NUMBER_MAX];

    if (json_is_string(value))
        return plain_text(json_string_value(value));
    if (json_is_integer(value)) {
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return strdup(number);
    }
    if (json_is_boolean(value))
        return strdup(json_is_true(value) ? "yes" : "no");
    return strdup(column->otherwise ? column->otherwise : "-");
}

void table_print_text(FILE *out, const char *text)
{
    char *plain = text ? plain_text(text) : NULL;

    fputs(plain ? plain : "?", out);
    free(plain);
}

static size_t terminal_width(void)
{
    struct winsize size = {0};

    if (!isatty(STDOUT_FILENO))
        return SIZE_MAX;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                           : WIDTH_DEFAULT;
}

/* Cuts plain text to at most width columns, of which the last then is an ellipsis. */
static void shorten(char *text, size_t width)
{
    static const char ellipsis[] = "…";
    size_t kept = 0;
    char *end = text;

    if (plain_width(text) <= width || width == 0)
        return;
    while (kept + 1 < width) {
        do
            end++;
        while (((uint8_t)*end & 0xC0) == 0x80);
        kept++;
    }
    /* What is cut off may be one byte only, and the ellipsis has three. */
    if (strlen(end) >= sizeof(ellipsis) - 1)
        strcpy(end, ellipsis);
    else
        strcpy(end, "+");
}

struct grid {
    size_t columns, rows;
    char **cells; /* rows of columns, the headings first */
    size_t widths[COLUMNS_MAX];
};

static char **cell(const struct grid *grid, size_t row, size_t column)
{
    return &grid->cells[row * grid->columns + column];
}

static void free_grid(struct grid *grid)
{
    for (size_t i = 0; grid->cells && i < grid->rows * grid->columns; i++)
        free(grid->cells[i]);
    free(grid->cells);
}

static bool fill_grid(struct grid *grid, const json_t *rows, const struct column *columns)
{
    bool terminal = isatty(STDOUT_FILENO);

    while (grid->columns < COLUMNS_MAX && columns[grid->columns].heading)
        grid->columns++;
    if (grid->columns == 0)
        return false;
    grid->rows = json_array_size(rows) + 1;
    grid->cells = calloc(grid->rows * grid->columns, sizeof(*grid->cells));
    for (size_t row = 0; grid->cells && row < grid->rows; row++)
        for (size_t i = 0; i < grid->columns; i++) {
            const json_t *object = row > 0 ? json_array_get(rows, row - 1) : NULL;
            char **text = cell(grid, row, i);

            *text = row > 0 ? value_text(json_object_get(object, columns[i].member), &columns[i])
                            : strdup(columns[i].heading);
            if (!*text)
                return false;
            if (terminal && columns[i].digest)
                shorten(*text, DIGEST_SHOWN);
            if (plain_width(*text) > grid->widths[i])
                grid->widths[i] = plain_width(*text);
        }
    return grid->cells != NULL;
}

/* Takes from the widest column until the line fits or nothing is left to take. */
static void fit_grid(struct grid *grid)
{
    size_t room = terminal_width(), least = 8;
    size_t total = GAP * (grid->columns - 1), widest;

    for (size_t i = 0; i < grid->columns; i++)
        total += grid->widths[i];
    for (; total > room; total--) {
        widest = 0;
        for (size_t i = 1; i < grid->columns; i++)
            if (grid->widths[i] > grid->widths[widest])
                widest = i;
        if (grid->widths[widest] <= least)
            return;
        grid->widths[widest]--;
    }
}

static enum colour colour_of(const char *text)
{
    static const struct {
        const char *text;
        enum colour colour;
    } words[] = {
        {"accepted", COLOUR_GOOD}, {"released", COLOUR_GOOD}, {"done", COLOUR_GOOD},
        {"refused", COLOUR_BAD},   {"any", COLOUR_WARN},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(text, words[i].text) == 0)
            return words[i].colour;
    return COLOUR_NONE;
}

static void print_cell(const struct grid *grid, size_t row, size_t column)
{
    char *text = *cell(grid, row, column);
    bool last = column + 1 == grid->columns;
    enum colour colour = row == 0 ? COLOUR_DIM : colour_of(text);

    shorten(text, grid->widths[column]);
    printf("%s%s%s", table_colour(colour), text, colour != COLOUR_NONE ? table_colour_end() : "");
    if (!last)
        printf("%*s", (int)(grid->widths[column] - plain_width(text) + GAP), "");
}

void table_print(const json_t *rows, const struct column *columns, const char *none)
{
    struct grid grid = {0};

    if (json_array_size(rows) == 0) {
        fprintf(stderr, "%s\n", none);
        return;
    }
    if (fill_grid(&grid, rows, columns)) {
        fit_grid(&grid);
        for (size_t row = 0; row < grid.rows; row++) {
            for (size_t i = 0; i < grid.columns; i++)
                print_cell(&grid, row, i);
            putchar('\n');
        }
    }
    free_grid(&grid);
}

void table_print_object(const json_t *object, const struct column *columns)
{
    size_t width = 0;

    for (const struct column *column = columns; column->heading; column++)
        if (strlen(column->heading) > width)
            width = strlen(column->heading);
    for (const struct column *column = columns; column->heading; column++) {
        char *text = value_text(json_object_get(object, column->member), column);

        printf("%s%-*s%s  %s\n", table_colour(COLOUR_DIM), (int)width, column->heading,
               table_colour_end(), text ? text : "?");
        free(text);
    }
}
