#!/bin/bash
# SPDX-License-Identifier: MIT
# The rules of leases in C and those of the model (tests/model) do the same: random runs of each are repeated by the other.
#
# usage: tie.sh LEASE_TRACE
#
# Exit status: 0 they agree, 1 the output says where they do not, 77 spin is not installed.
set -euo pipefail
program=$1
model=$(dirname "$(readlink -f "$0")")/../../model
command -v spin >/dev/null || exit 77
work=$(mktemp -d "${TMPDIR:-/tmp}/snp-vtpm-tie-XXXXXX")
trap 'rm -rf "$work"' EXIT

"$model/explore.sh" --traces >"$work/traces"
"$program" check <"$work/traces"

cp "$model"/*.pml "$work"
for seed in {1..8}; do
    "$program" generate "$seed" 80 >"$work/trace.pml"
    (cd "$work" && spin -T -B replay.pml) >"$work/output" 2>&1 || true
    # spin says something only if it does not get to the end.
    if [ -s "$work/output" ]; then
        echo "the model does not do what the rules in C did with seed $seed"
        tail -n 30 "$work/output"
        exit 1
    fi
done
echo "the model repeats 8 runs of the rules in C"
