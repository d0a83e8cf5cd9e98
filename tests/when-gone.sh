#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs a command when a process is gone, however it ended: for what a test starts that does not die with it by itself, as
# a daemon. (What is a child of the test is started by setpriv --pdeathsig.) Returns at once.
#
# usage: when-gone.sh PID COMMAND [ARGUMENT]...
set -euo pipefail

[ $# -ge 2 ] || {
    sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
# In a session of its own, which nobody ends with the test's, and without the test's files, which nobody waits for.
# shellcheck disable=SC2016 # that bash expands it
setsid bash -c 'tail --pid="$1" -f /dev/null; shift; exec "$@"' when-gone "$@" \
    >/dev/null 2>&1 </dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
