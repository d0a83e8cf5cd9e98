#!/bin/bash
# SPDX-License-Identifier: MIT
# Each installed program has a manual page, which is made from its help text: both name every option, command and exit
# status that the sources have, and mandoc finds nothing to complain of.
#
# usage: tests/integration/man-pages.sh [BUILD_FOLDER]
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"

SECTIONS=(NAME SYNOPSIS DESCRIPTION "EXIT STATUS" EXAMPLES "SEE ALSO")

# Where the options of each program are parsed
declare -A SOURCES=([igvm]=igvm [kbs]=kbs/server [kbsctl]=kbs/cli [snp-vtpm-proxy]=proxy
    [state-volume]=state-volume)

build=$(realpath "${1:-$ROOT/build}")
bindir=$(meson introspect --buildoptions "$build" |
    jq -r 'map({(.name): .value}) | add | .prefix + "/" + .bindir')

# installed FOLDER: what meson installs there, as FILE_OF_BUILD TAB NAME
installed() {
    meson introspect --installed "$build" |
        jq -r --arg folder "$1" 'to_entries[] | select(.value | startswith($folder)) |
            [.key, (.value | ltrimstr($folder))] | @tsv'
}

# The words of a page, as a reader sees it: without what is overstruck
words_of_page() { mandoc -Tascii "$1" | sed 's/.\x08//g'; }

# The help text of a program and of its commands
whole_help() {
    local program=$1 command
    "$program" --help
    "$program" --help | sed -n '/^Commands:$/,/^$/p' | sed -nE 's/^  ([a-z-]+( [a-z-]+)?) .*/\1/p' |
        while read -r command; do
            # shellcheck disable=SC2086 # one word or two
            "$program" $command --help
        done
}

# The names in the tables of getopt_long(), and in kbsctl's own
options_of() {
    grep -hoE '\{"[a-z][a-z0-9-]*", *(no|required|optional)_argument|^ *O\([A-Z_]+, "[a-z-]+"' "$1"/*.[ch] |
        cut -d'"' -f2 | sort -u
}

commands_of() { sed -nE 's/^ *\{"([a-z-]+)", *(command_[a-z_]+|[a-z_]+_command)\},$/\1/p' "$1"/main.c; }

statuses_of() { grep -ohE '\b(EXIT|TOOL)_[A-Z]+ = [0-9]+' "$1"/*.[ch] | grep -oE '[0-9]+$' | sort -u; }

# missing_words FILE PATTERN_BEFORE WORD...: which of them do not stand in the file, as words behind that
missing_words() {
    local file=$1 before=$2 word
    shift 2
    for word; do
        grep -qE -- "(^|[^a-z0-9-])$before$word($|[^a-z0-9-])" "$file" || echo "$before$word"
    done
}

# nothing NAME FOUND: the test passes when nothing was found
nothing() { if [ -z "$2" ]; then pass "$1"; else fail "$1" "$2"; fi; }

# page_of NAME: the file of the build that is installed as its page
page_of() { installed "" | awk -F'\t' -v page="/man1/$1.1" 'index($2 "\n", page "\n") { print $1 }'; }

missing_sections() {
    local section
    for section in "${SECTIONS[@]}"; do
        grep -qx "$section" "$1" || echo "no section $section"
    done
}

check_program() {
    local program=$1 name=$2 source=${SOURCES[$2]:-} page options commands statuses
    page=$(page_of "$name")
    check "$name: there is a manual page" [ -s "$page" ]
    check "$name: it is known where its options are parsed (SOURCES in this script)" [ -n "$source" ]
    [ -s "$page" ] && [ -n "$source" ] || return 0
    whole_help "$program" >"$work/help"
    words_of_page "$page" >"$work/page"
    sed -n '/^EXIT STATUS/,/^[A-Z]* *[A-Z]*$/p' "$work/page" >"$work/statuses"
    mapfile -t options < <(options_of "$ROOT/$source")
    mapfile -t commands < <(commands_of "$ROOT/$source")
    mapfile -t statuses < <(statuses_of "$ROOT/$source")
    check "$name: its sources have options" [ ${#options[@]} != 0 ]
    check "$name: its sources have exit statuses" [ ${#statuses[@]} != 0 ]
    nothing "$name: the help text has all options" "$(missing_words "$work/help" -- "${options[@]}")"
    nothing "$name: the help text has all commands" "$(missing_words "$work/help" "" "${commands[@]}")"
    nothing "$name: the page has all options" "$(missing_words "$work/page" -- "${options[@]}")"
    nothing "$name: the page has all commands" "$(missing_words "$work/page" "" "${commands[@]}")"
    nothing "$name: the page has all exit statuses" "$(missing_words "$work/statuses" " +" "${statuses[@]}")"
    nothing "$name: the page is complete" "$(missing_sections "$work/page")"
    # Not so an option and its text that only one space separates
    nothing "$name: each line of the help text is understood" \
        "$(grep -nE '^\.It .*( Cm [^ ]+){4}|@[A-Z]+@' "$page" || true)"
    nothing "$name: mandoc has no complaints" "$(mandoc -Tlint -Wwarning "$page" || true)"
}

if ! command -v mandoc >/dev/null; then
    skip "manual pages" "there is no mandoc"
    exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
while IFS=$'\t' read -r program name; do
    check_program "$program" "$name"
done < <(installed "$bindir/")
finish
