# SPDX-License-Identifier: MIT
# Turns the help text of a program into a part of its manual page, in mdoc(7).
#
# usage: PROGRAM --help | awk -v program=NAME -v part=PART -f help-to-mdoc.awk
#
#   synopsis     the lines of "Usage:", each of which begins with the program's name
#   description  the paragraphs between it and the first list or heading
#   lists        lists, headings ("Limits:"), and what is between them. With -v inside=1 headings are lines of text,
#                for use in a subsection
#   status       the list in "Exit status: 0 done, 2 wrong usage, ..."
#
# An item of a list is a term, two spaces or more, and its text; or an option alone on a line. Lines below it that
# begin to the right of its term belong to it; items there are a list inside of it. Lines after an empty one that begin
# with four spaces are an example.

# plain(LINE): running text as mdoc takes it; options are bold and keep their hyphens
function plain(line,  done, option) {
    gsub(/\\/, "\\e", line)
    done = ""
    line = " " line
    while (match(line, /[ (`"]--?[a-z][a-z-]*/)) {
        option = substr(line, RSTART + 1, RLENGTH - 1)
        gsub(/-/, "\\-", option)
        done = done substr(line, 1, RSTART) "\\fB" option "\\fR"
        line = substr(line, RSTART + RLENGTH)
    }
    line = substr(done line, 2)
    gsub(/\. +/, ".\n", line) # a sentence, a line
    return line ~ /^[.']/ ? "\\&" line : line
}

# word(TOKEN): an option, a word to be typed, or one to be replaced
function word(token) {
    if (token ~ /^-/)
        return "Fl " substr(token, 2)
    if (token ~ /^[a-z][a-z0-9-]*$/)
        return "Cm " token
    return token ~ /^([|,]|\.\.\.)$/ ? token : "Ar " token
}

# markup(LINE): the words of a usage line or a term. The end of a line closes the brackets in it, so what is between
# brackets gets a line of its own.
function markup(line,  count, tokens, i, level, out, fresh) {
    gsub(/\[|\]|\||,|\.\.\./, " & ", line)
    count = split(line, tokens, " ")
    for (i = 1; i <= count; i++) {
        if (tokens[i] == "[") {
            out = out (out == "" ? "" : level++ ? " " : "\n.") "Op"
            fresh = 0
        } else if (tokens[i] == "]") {
            fresh = --level == 0
        } else {
            out = out (out == "" ? "" : fresh && tokens[i] != "..." ? "\n." : " ") word(tokens[i])
            fresh = fresh && tokens[i] == "..."
        }
    }
    return out
}

function end_usage() {
    if (part == "synopsis" && usage != "")
        print ".Nm\n." markup(usage)
    usage = ""
}

function end_text() {
    if (text != "")
        print plain(text)
    text = ""
}

# Ends the lists that are further to the right than INDENT.
function end_lists(indent) {
    end_text()
    for (; depth && indents[depth] > indent; depth--)
        print ".El"
}

function item(indent, term) {
    end_lists(indent)
    if (!depth || indents[depth] < indent) {
        print ".Bl -tag -width Ds"
        indents[++depth] = indent
    }
    term = markup(term)
    gsub(/\n\./, " ", term)
    printed = 1
    print ".It " term
}

function paragraph(line) {
    end_lists(-1)
    if (gap && printed)
        print ".Pp"
    gap = 0
    printed = 1
    print line
}

function example(line) {
    if (!in_example)
        print ".Bd -literal -offset indent"
    in_example = 1
    gsub(/\\/, "\\e", line)
    print line
}

function end_example() {
    if (in_example)
        print ".Ed"
    in_example = 0
}

/^[Uu]sage: / { in_usage = 1; sub(/^[Uu]sage: /, "") }
in_usage && /^$/ { in_usage = 0; end_usage() }
in_usage {
    if ($1 == program) {
        end_usage()
        $1 = ""
    }
    usage = usage " " $0
    next
}

/^Exit status: / { in_status = 1; sub(/^Exit status: /, "") }
in_status && /^$/ { in_status = 0 }
in_status { statuses = statuses $0 " "; next }

part != "description" && part != "lists" { next }

/^$/ {
    end_lists(-1)
    end_example()
    gap = 1
    next
}

{
    match($0, /^ */)
    indent = RLENGTH
    line = substr($0, indent + 1)
    if (line ~ /^--/ && indent >= 6)
        indent -= 4 # of "-o, "
    text_at = match(line, /  +/) ? RSTART + RLENGTH : 0
    term = text_at ? substr(line, 1, RSTART - 1) : line
    is_item = indent != 4 && text_at || indent && line ~ /^-/
    is_heading = line ~ /^[A-Z][^.]*:$/
}

is_item || is_heading { in_lists = 1 }
part == (in_lists ? "description" : "lists") { gap = 0; next }

is_heading && !inside {
    end_lists(-1)
    print ".Ss " substr(line, 1, length(line) - 1)
    printed = 0
    next
}

# In a list, what is as far to the right as the text of the item goes on with it, and so does what is no item.
depth && (indent >= column || !is_item && indent > indents[depth] + 3) {
    text = text (text == "" ? "" : " ") line
    next
}

is_item {
    item(indent, term)
    column = indent + (text_at ? text_at - 1 : 4)
    text = text_at ? substr(line, text_at) : ""
    next
}

indent == 4 && (gap || in_example) { example(line); next }

{ paragraph(plain(line)) }

END {
    end_lists(-1)
    end_example()
    if (part != "status")
        exit
    sub(/\. .*/, "", statuses)
    gsub(/, [0-9]+ /, "\n&", statuses)
    gsub(/\n, /, "\n", statuses)
    count = split(statuses, pieces, "\n")
    print ".Bl -tag -width Ds -compact"
    for (i = 1; i <= count; i++) {
        number = pieces[i] + 0
        sub(/^[0-9]+ /, "", pieces[i])
        print ".It " number "\n" pieces[i]
    }
    print ".El"
}
