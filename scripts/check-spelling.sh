#!/bin/bash
# SPDX-License-Identifier: MIT
# What has one spelling in all C sources: a header's guard is made of its path (lib/base/reader.h: SNPVTPM_LIB_BASE_READER_H),
# and a pointer is tested as such, "!pointer": it is compared with NULL only where the result is wanted as a value. What is
# const is a table or what a pointer leads to: not a local variable as such.
#
# usage: scripts/check-spelling.sh
#
# Exit status: 0 nothing found, 1 the output says what is spelt otherwise, 2 usage.
set -euo pipefail
[ $# = 0 ] || { sed -n '3,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
cd "$(dirname "$(readlink -f "$0")")/.."

# guards HEADER...: those whose first directives are not the two of such a guard
guards() {
    awk '
        FNR == 1 { guard = "SNPVTPM_" toupper(FILENAME); gsub(/[^A-Z0-9]/, "_", guard); seen = 0 }
        /^#/ && seen < 2 {
            seen++
            wanted = (seen == 1 ? "#ifndef " : "#define ") guard
            if ($0 != wanted) {
                print FILENAME ":" FNR ": " $0 ", not " wanted
                found = seen = 2
            }
        }
        END { exit found != 0 }' "$@"
}

status=0
mapfile -t headers < <(git ls-files -co --exclude-standard -- '*.h')
guards "${headers[@]}" || status=1
! git grep --untracked -nE '== *NULL\b|\bNULL *[!=]=|!= *NULL *(&&|\|\||\?)|(if|while) \([^()]* != NULL\)' -- '*.[ch]' || status=1
! git grep --untracked -nE '^ +const ((struct|enum|union|unsigned|signed|long|short) )*[A-Za-z_0-9]+ [A-Za-z_0-9]+( =|;)' -- '*.[ch]' ||
    status=1
exit $status
