/* SPDX-License-Identifier: MIT */
#include "kbs/admin/html.h"

static void html_character(FILE *page, unsigned char character)
{
    switch (character) {
    case '&':
        fputs("&amp;", page);
        break;
    case '<':
        fputs("&lt;", page);
        break;
    case '>':
        fputs("&gt;", page);
        break;
    case '"':
        fputs("&quot;", page);
        break;
    case '\'':
        fputs("&#39;", page);
        break;
    default:
        if ((character < 0x20 && character != '\n' && character != '\t') || character == 0x7F)
            fputs("&#xFFFD;", page);
        else
            fputc(character, page);
    }
}

void html_text(FILE *page, const char *text)
{
    for (; text && *text; text++)
        html_character(page, (unsigned char)*text);
}

static void begin_cell(FILE *page, const char *label)
{
    fputs("<td data-label=\"", page);
    html_text(page, label);
    fputs("\">", page);
}

void html_cell(FILE *page, const char *label, const char *text)
{
    begin_cell(page, label);
    html_text(page, text && *text ? text : "–");
    fputs("</td>", page);
}

void html_digest_cell(FILE *page, const char *label, const char *digest)
{
    if (!digest || !*digest) {
        html_cell(page, label, NULL);
        return;
    }
    begin_cell(page, label);
    fputs("<code title=\"", page);
    html_text(page, digest);
    fputs("\">", page);
    html_text(page, digest);
    fputs("</code></td>", page);
}

void html_mark_cell(FILE *page, const char *label, const char *mark, const char *text)
{
    begin_cell(page, label);
    fprintf(page, "<span class=\"%s\">", mark);
    html_text(page, text);
    fputs("</span></td>", page);
}

void html_begin_table(FILE *page, const char *caption, const char *const headings[])
{
    fputs("<table><caption>", page);
    html_text(page, caption);
    fputs("</caption><thead><tr>", page);
    for (; *headings; headings++) {
        fputs("<th scope=\"col\">", page);
        html_text(page, *headings);
        fputs("</th>", page);
    }
    fputs("</tr></thead><tbody>\n", page);
}

void html_end_table(FILE *page)
{
    fputs("</tbody></table>\n", page);
}
