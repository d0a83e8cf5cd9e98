#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes the manual page of a program from its help text and a page with all that a help text is too short for.
#
# usage: make-page.sh PROGRAM PAGE.in DOCDIR >PAGE
#
# The help text is the one source of what the program can be told: lines of the page with one of these words alone are
# replaced by the part of the help text that they name (help-to-mdoc.awk says how it is read).
#
#   @SYNOPSIS@     how it is used
#   @DESCRIPTION@  its paragraphs
#   @LISTS@        its lists of options and commands
#   @COMMANDS@     the help text of each command in its list "Commands:", a subsection each
#   @OPTIONS@      "Options of every command:", which are in the help text of each
#   @STATUS@       its exit status
#
# @docdir@ in a line is the folder of the other documents.
set -euo pipefail
program=$1 page=$2 docdir=$3
here=$(dirname "$0")
name=$(basename "$program")

# part NAME OPTION...: that part of the help text on standard input
part() {
    wanted=$1
    shift
    awk -v program="$name" -v part="$wanted" "$@" -f "$here/help-to-mdoc.awk"
}

# The commands of the program: the one or two words that begin the items of that list
commands() {
    "$program" --help | sed -n '/^Commands:$/,/^$/p' | sed -nE 's/^  ([a-z-]+( [a-z-]+)?) .*/\1/p'
}

commands_sections() {
    commands | while read -r command; do
        # shellcheck disable=SC2086 # one word or two
        help=$("$program" $command --help | sed -e '/^Options of every command:/,$d' -e '/^Options:$/d')
        echo ".Ss $command"
        echo "$help" | part synopsis | sed '2,$s/^\.Nm$/.Pp\n&/'
        echo .Pp
        echo "$help" | part description
        echo "$help" | part lists -v inside=1
    done
}

common_options() {
    # shellcheck disable=SC2046 # one word or two
    "$program" $(commands | sed -n 1p) --help | sed -n '/^Options of every command:$/,$p' | sed 1d | part lists
}

while IFS= read -r line; do
    case $line in
        @SYNOPSIS@) "$program" --help | part synopsis ;;
        @DESCRIPTION@) "$program" --help | part description ;;
        @LISTS@) "$program" --help | part lists ;;
        @COMMANDS@) commands_sections ;;
        @OPTIONS@) common_options ;;
        @STATUS@) "$program" --help | part status ;;
        *) printf '%s\n' "${line//@docdir@/$docdir}" ;;
    esac
done <"$page"
