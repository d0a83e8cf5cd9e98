#!/bin/bash
# SPDX-License-Identifier: MIT
# What the documents say of the tree is so: the tests that the threat model names exist.
#
# usage: tests/integration/documents.sh
# shellcheck disable=SC2016 # backquotes are part of the documents
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
cd "$ROOT"

THREATS=docs/threat-model.md

# The numbers of the rows, in the order of the document
row_numbers() { grep -oE '^### [TN][0-9]+' "$1" | cut -c5-; }

# disorder DOCUMENT: the rows that do not come after the one before
disorder() {
    row_numbers "$1" | awk "{ kind = substr(\$0, 1, 1); number = substr(\$0, 2) + 0 }
        number <= last[kind] { print }
        { last[kind] = number }"
}

# unknown_rows DOCUMENT: rows that are referred to and are not there
unknown_rows() { comm -13 <(row_numbers "$1" | sort -u) <(grep -ohE '\b[TN][0-9]+\b' "$1" docs/caveats.md | sort -u); }

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
        \`*) grep -qE "^(static )?void ${name//\`/}\(" "$file" ;;
        *) name=${name#\"} && grep -qF -- "${name%\"}" "$file" ;;
    esac
}

# missing_tests DOCUMENT: what its rows name and the tree has not, and rows that name nothing
missing_tests() {
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

# nothing NAME COMMAND...: the command finds nothing to complain of
nothing() {
    local name=$1 found
    shift
    found=$("$@")
    if [ -z "$found" ]; then pass "$name"; else fail "$name" "$found"; fi
}

nothing "rows of the threat model are in order" disorder $THREATS
nothing "rows that are referred to are there" unknown_rows $THREATS
nothing "each test that the threat model names is in the tree" missing_tests $THREATS

finish
