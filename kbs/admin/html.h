/* SPDX-License-Identifier: MIT */
/* Writing HTML: what is not a literal of ours goes through html_text() alone. */
#ifndef SNPVTPM_KBS_ADMIN_HTML_H
#define SNPVTPM_KBS_ADMIN_HTML_H

#include <stdio.h>

/* Writes text so that it means itself, in an element or a quoted attribute. Characters that control
 * something become U+FFFD. NULL is nothing. */
void html_text(FILE *page, const char *text);

/* A cell of a table; label repeats the column's heading where the cells of a row are stacked. */
void html_cell(FILE *page, const char *label, const char *text);

/* The same, in a fixed-width font, of which the style sheet shows as much as there is room for. */
void html_digest_cell(FILE *page, const char *label, const char *digest);

/* The same, as one of the marks of the style sheet: "good", "bad", "dim" or "warn". */
void html_mark_cell(FILE *page, const char *label, const char *mark, const char *text);

/* Opens a table with a caption and headings up to a NULL; html_end_table closes it. */
void html_begin_table(FILE *page, const char *caption, const char *const headings[]);
void html_end_table(FILE *page);

#endif
