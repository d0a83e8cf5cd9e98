#!/bin/bash
# SPDX-License-Identifier: MIT
# What the documents say of the tree is so: the tests that the threat model names exist, files and links too, and lines
# that are quoted from a run are such as the programs print.
#
# usage: tests/integration/documents.sh
# shellcheck disable=SC2016 # backquotes are part of the documents
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
cd "$ROOT"

DOCUMENTS=(README.md docs/*.md)
THREATS=(docs/threat-model*.md)
CODE=(bench emulator guest igvm kbs lib proxy scripts services state-volume svsm tests)
FOLDERS='bench|docs|emulator|guest|igvm|kbs|lib|proxy|scripts|services|state-volume|svsm|tests'

# row_numbers DOCUMENT...: the numbers of its rows, in its order
row_numbers() { cat "$@" | grep -oE '^### [TN][0-9]+' | cut -c5-; }

# disorder DOCUMENT...: the rows that do not come after the one before in their document, and numbers that two have
disorder() {
    local document
    for document in "$@"; do
        row_numbers "$document" | awk "{ kind = substr(\$0, 1, 1); number = substr(\$0, 2) + 0 }
            number <= last[kind] { print }
            { last[kind] = number }"
    done
    row_numbers "$@" | sort | uniq -d
}

# unknown_rows DOCUMENT...: rows that documents and sources refer to, and that are not there
unknown_rows() {
    comm -13 <(row_numbers "$@" | sort -u) \
        <({
            grep -ohE '\b[TN][0-9]+\b' "${DOCUMENTS[@]}"
            grep -rohE --include='*.[chS]' --include='*.sh' '\bT[0-9]+\b' "${CODE[@]}"
        } | sort -u)
}

# named_tests DOCUMENT: each item of a list of tests as ROW TAB FILE TAB NAMES, its lines joined
named_tests() {
    awk '
        function flush() { if (item != "") print row "\t" item; item = "" }
        /^#/ { flush(); listing = 0; row = $2; sub(/\.$/, "", row) }
        /^\*\*Tests\.\*\*/ { listing = 1; next }
        listing && /^- / { flush(); item = substr($0, 3); next }
        listing && /^  / { item = item substr($0, 2); next }
        { flush() }
        END { flush() }' "$1"
}

# has_test FILE NAME: a function that is defined there, or words of a test that is named in words
has_test() {
    local file=$1 name=$2
    case $name in
        \`*) grep -qE "^((static )?void |TEST(_[A-Z]+)?\()${name//\`/}[(,)]" "$file" ;;
        *) name=${name#\"} && grep -qF -- "${name%\"}" "$file" ;;
    esac
}

# missing_tests DOCUMENT...: what their rows name and the tree has not, and rows that name nothing
missing_tests() {
    local document
    for document in "$@"; do tests_missing_in "$document"; done
}

tests_missing_in() {
    local row item file name
    comm -23 <(row_numbers "$1" | grep ^T | sort) <(named_tests "$1" | cut -f1 | sort -u) | sed 's/$/: no tests, nor "none yet"/'
    while IFS=$'\t' read -r row item; do
        [[ $item != "none yet"* ]] || continue
        file=$(sed -nE 's/^`([^`]+)`.*/\1/p' <<<"$item")
        if [ -z "$file" ] || [ ! -e "$file" ]; then
            echo "$row: no such file: $item"
            continue
        fi
        grep -oE '`[a-z0-9_]+`|"[^"]+"' <<<"${item#*\`: }" | while read -r name; do
            has_test "$file" "$name" || echo "$row: $file has no $name"
        done
    done < <(named_tests "$1")
}

# The strings of the sources, as printed-lines.awk takes them; in a script a line without quotes may be in the midst of one
printed_strings() {
    find svsm services kbs proxy igvm lib emulator -name '*.[ch]' -exec cat {} + |
        sed -zE 's/\\"/\x02/g; s/"[[:space:]]*\n[[:space:]]*"//g; s/" SVSM_VERSION/%s"/g; s/" LIBTPMS_PACKAGE/ (Debian%s %s)"/g' |
        grep -oE '"[^"]*"' | sed -E 's/%[-0-9.*]*(ll|l|z)?[sduxXc]/\x01/g; s/\\n//g'
    cat ./*.sh scripts/*.sh |
        sed -E 's/\\"/\x02/g; s/\$\{(green|red|reset)\}//g; s/\$\(\(?[^()]*\)\)?|\$\{[^}]*\}|\$[A-Za-z_]+/\x01/g' |
        sed -E "/[\"'#]/!s/.*/\"&\"/" | grep -oE "\"[^\"]*\"|'[^']*'"
}

# Lines that the documents quote from a run: what the SVSM says on the console, what scripts complain of, the steps of
# the demo, and what stands in the first column of tables of troubles
quoted_lines() {
    local document
    for document in "${DOCUMENTS[@]}"; do
        {
            sed -nE -e 's/.*svsm: \[[a-z]+\] ((error|warning|info): )?([^`]*).*/\3/p' \
                -e 's/^    [a-z-]+\.sh: //p' -e 's/^    (    holds +|==> )//p' "$document"
            sed -n '/^## \(Troubleshooting\|When something goes wrong\)/,/^## [^TW]/p' "$document" |
                sed -nE 's/^\| (`[^|]*) \|.*/\1/p' | grep -oE '`[^`]+`' | tr -d '`'
        } | sed "s|^|$document\t|"
    done
}

unprinted_lines() {
    awk -f tests/integration/printed-lines.awk <(printed_strings | sed 's/^.//; s/.$//' | tr '\002' '"' | sort -u) \
        <(quoted_lines)
}

# matches PATTERN FILE: what matches, which may be nothing
matches() { grep -oE "$1" "$2" || true; }

# Files of the source that documents name, and are not there. Names with *, {} or a word in capitals stand for several.
missing_files() {
    local document file
    for document in "${DOCUMENTS[@]}"; do
        matches "\`($FOLDERS)/[A-Za-z0-9_./-]*\`" "$document" | tr -d '`' | sort -u |
            sed -E '/\/(NAME|PART)|_X\./d' |
            while read -r file; do
                [ -e "$file" ] || echo "$document: $file"
            done
    done
}

# Functions and tests that documents name and the tree has not: what has four words or more, or () behind it
missing_names() {
    local document name
    for document in "${DOCUMENTS[@]}"; do
        matches '`[a-z0-9]+(_[a-z0-9]+){3,}`|`[a-z0-9_]+\(\)`' "$document" | tr -d '`()' | sort -u | while read -r name; do
            grep -qrwF --include='*.[chS]' --include='*.sh' -- "$name" "${CODE[@]}" || echo "$document: $name"
        done
    done
}

# The headings of a document as links name them
anchors() {
    grep -E '^#+ ' "$1" | sed -E 's/^#+ //; s/[^A-Za-z0-9 _-]//g; s/ /-/g' | tr '[:upper:]' '[:lower:]'
}

broken_links() {
    local document link target
    for document in "${DOCUMENTS[@]}"; do
        matches '\]\([^):]*(\)|$)' "$document" | sed -E 's/^\]\(//; s/\)$//' | sort -u | while read -r link; do
            target=${link%%#*}
            target=${target:+$(dirname "$document")/$target}
            target=${target:-$document}
            if [ ! -e "$target" ]; then
                echo "$document: $link"
            elif [[ $link == *#* ]] && ! anchors "$target" | grep -xF -- "${link#*#}" >/dev/null; then
                echo "$document: $link: no such heading"
            fi
        done
    done
}

first_picture() { sed -n '/^```$/,/^```$/p' "$1" | sed '2,$ { /^```$/ q }'; }

same_picture() {
    local picture
    picture=$(first_picture README.md)
    [ -n "$picture" ] && [ "$picture" = "$(first_picture docs/architecture.md)" ]
}

# nothing NAME COMMAND...: the command finds nothing to complain of
nothing() {
    local name=$1 found
    shift
    found=$("$@")
    if [ -z "$found" ]; then pass "$name"; else fail "$name" "$found"; fi
}

nothing "rows of the threat model are in order" disorder "${THREATS[@]}"
nothing "rows that are referred to are there" unknown_rows "${THREATS[@]}"
nothing "each test that the threat model names is in the tree" missing_tests "${THREATS[@]}"
nothing "lines that the documents quote are such as the programs print" unprinted_lines
nothing "files of the source that the documents name are there" missing_files
nothing "functions that the documents name are there" missing_names
nothing "links from document to document lead somewhere" broken_links
check "README and architecture.md have the same picture" same_picture

finish
