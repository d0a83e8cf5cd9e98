#!/bin/bash
# SPDX-License-Identifier: MIT
# Which folder may include which: fails on an include that goes upward, and on a cycle of files, of modules or of folders.
#
# usage: scripts/check-includes.sh
#
# Exit status: 0 nothing found, 1 the output says which file includes what it must not, 2 usage.
set -euo pipefail
[ $# = 0 ] || { sed -n '3,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
cd "$(dirname "$(readlink -f "$0")")/.."

# Each folder may include itself and those left of it in its line.
LAYERS=(
    "lib igvm"
    "lib kbs"
    "lib proxy"
    "lib services state-volume"
    "lib emulator/platform emulator/amd-sp emulator/cpu emulator/vmm"
    "lib svsm/base svsm/arch svsm/mm svsm/sev svsm/console svsm/virtio svsm/params svsm/guest svsm/process svsm/requests svsm/trap"
)

# Lines "FILE INCLUDED" of our own sources, by the path from here.
includes() {
    git ls-files -co --exclude-standard -- lib igvm kbs proxy services state-volume emulator svsm |
        grep -E '\.[chS]$' | xargs -d '\n' grep -HoE '^ *# *include "[^"]+"' 2>/dev/null |
        sed -E 's/^([^:]+):.*"([^"]+)"$/\1 \2/'
}

upward() {
    awk -v layers="$(printf '%s\n' "${LAYERS[@]}")" '
        BEGIN {
            lines = split(layers, line, "\n")
            for (l = 1; l <= lines; l++) {
                count = split(line[l], name, " ")
                for (i = 1; i <= count; i++) {
                    known[name[i]] = 1
                    for (j = 1; j <= i; j++)
                        allowed[name[i] " " name[j]] = 1
                }
            }
        }
        function folder(path, part) {
            split(path, part, "/")
            return (part[1] "/" part[2]) in known ? part[1] "/" part[2] : part[1]
        }
        {
            from = folder($1)
            to = folder($2)
            if (!(from in known) || !(to in known)) { # main.c and the like, which are above all
                if (to in known || to == from || $2 !~ "/") next
            }
            if ((from " " to) in allowed) next
            print $1 " includes " $2
            found = 1
        }
        END { exit found }'
}

# Lines "FOLDER FOLDER" of the includes between folders. The one knot that is known: evidence asks for collateral, which is
# made of evidence's certificates.
folders() {
    includes | sed -nE 's,^(.*)/[^/ ]+ (.*)/[^/]+$,\1 \2,p' | awk '$1 != $2' | sort -u |
        grep -vx 'kbs/evidence kbs/collateral'
}

# Knots of modules that are right as they are, as "SECOND FIRST". Most are two files of one module, which was divided because
# it was long: the second has types of the first's header, and is called by the first alone. In svsm/arch/ a processor's area
# has what ended a service, and the stacks have guard pages, which page tables leave out.
KNOTS="
emulator/amd-sp/chip_manufacture emulator/amd-sp/chip
emulator/cpu/counts emulator/cpu/vcpu
emulator/cpu/orders emulator/cpu/vcpu
kbs/evidence/gather kbs/evidence/evidence
kbs/policy/setting kbs/policy/policy
kbs/policy/text kbs/policy/policy
kbs/protocol/attest_ek kbs/protocol/attestation
kbs/protocol/attest_lease kbs/protocol/attestation
kbs/protocol/session_table kbs/protocol/session
kbs/server/config_table kbs/server/config
kbs/store/db kbs/store/store
lib/igvm/launch_parts lib/igvm/launch_pages
lib/release/record_body lib/release/record
lib/volume/version1 lib/volume/slots
svsm/arch/cpu_area svsm/arch/usermode
svsm/arch/paging svsm/arch/segments
svsm/process/loader svsm/process/process
svsm/process/syscall svsm/process/process
"

# Lines "MODULE MODULE" of the includes between modules; a module is a header and the C file beside it.
modules() {
    includes | sed -E 's/\.[chS]( |$)/\1/g' | awk '$1 != $2' | sort -u | grep -vxF -f <(sed '/^$/d' <<<"$KNOTS")
}

status=0
includes | upward || status=1
if ! loops=$(folders | tsort 2>&1 >/dev/null); then
    echo "folders that include each other:"
    sed -n 's/^tsort: \(.*[^:]\)$/    \1/p' <<<"$loops" | grep -v 'contains a loop'
    status=1
fi
if ! loops=$(includes | tsort 2>&1 >/dev/null); then
    echo "a cycle of includes:"
    sed -n 's/^tsort: \(.*\.[ch]\)$/    \1/p' <<<"$loops"
    status=1
fi
if ! loops=$(modules | tsort 2>&1 >/dev/null); then
    echo "modules that include each other:"
    sed -n 's/^tsort: \(.*[^:]\)$/    \1/p' <<<"$loops" | grep -v 'contains a loop'
    status=1
fi
exit $status
