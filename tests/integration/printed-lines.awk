# SPDX-License-Identifier: MIT
# Which quoted lines does no program print? usage: awk -f printed-lines.awk STRINGS QUOTES
#
# STRINGS has the strings of the sources, one a line, with "\001" for each part that is filled in when they are printed
# (%s, $name). QUOTES has WHERE TAB LINE; those that nothing prints are written.
#
# A line is printed when it is a part of a string, or a whole string whose gaps are filled in: with one word, such as a
# number or a path, or with what is printed itself. A string whose own words are fewer than five characters says
# nothing.

BEGIN { FS = "\t" }

FNR == NR {
    plain = plain "\n" $0
    if (index($0, "\001") && length($0) - gsub(/\001/, "\001") >= 5) {
        templates[++count] = $0
        longest[count] = longest_part($0)
    }
    next
}

function longest_part(template,  parts, i, found) {
    found = ""
    for (i = split(template, parts, "\001"); i; i--)
        if (length(parts[i]) > length(found))
            found = parts[i]
    return found
}

# fits(LINE, TEMPLATE, DEPTH): whether the line is the template with its gaps filled in
function fits(line, template, depth,  gap, before, after, at, from) {
    gap = index(template, "\001")
    if (!gap)
        return line == template
    before = substr(template, 1, gap - 1)
    if (substr(line, 1, gap - 1) != before)
        return 0
    line = substr(line, gap)
    after = substr(template, gap + 1)
    match(after, /^[^\001]*/)
    if (RLENGTH == length(after))
        return length(line) > RLENGTH && substr(line, length(line) - RLENGTH + 1) == after &&
               filler(substr(line, 1, length(line) - RLENGTH), depth)
    if (RLENGTH == 0)
        return fits(line, after, depth) # two gaps in a row are one
    for (from = 1; at = index(substr(line, from), substr(after, 1, RLENGTH)); from += at) {
        if (filler(substr(line, 1, from + at - 2), depth) && fits(substr(line, from + at - 1), after, depth))
            return 1
        match(after, /^[^\001]*/)
    }
    return 0
}

function filler(text, depth) { return text ~ /^[^ ]+$/ || depth < 3 && printed(text, depth + 1) }

function printed(line, depth,  i) {
    if (depth ? index(plain "\n", "\n" line "\n") : index(plain, line))
        return 1
    for (i = 1; i <= count; i++)
        if (index(line, longest[i]) && fits(line, templates[i], depth))
            return 1
    return 0
}

!printed($2, 0) { print $1 ": " $2 }
