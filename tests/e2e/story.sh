#!/bin/bash
# SPDX-License-Identifier: MIT
# The whole story as demo.sh tells it; each of its verdicts is a test.
#
# usage: tests/e2e/story.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"

verdicts=0
while IFS= read -r line; do
    case $line in
        '    holds '*) pass "${line#    holds          }" ;;
        '    DOES NOT HOLD '*) fail "${line#    DOES NOT HOLD  }" ;;
        'status '*) status=${line#status } && continue ;;
        *) echo "# $line" && continue ;;
    esac
    verdicts=$((verdicts + 1))
done < <(
    status=0
    "$ROOT/demo.sh" 2>&1 </dev/null || status=$?
    echo "status $status"
)
check "the demo has scenarios" [ $verdicts != 0 ]
check "the demo ends with status 0" [ "$status" = 0 ]
finish
