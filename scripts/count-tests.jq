# SPDX-License-Identifier: MIT
# From Meson's testlog.json (one object for each test program): "PASSED FAILED SKIPPED", counting the cases that
# a cmocka program reports, else the program. A program that failed without a failed case (a crash, a sanitizer's
# report, a timeout) counts as one failure more.
def cases($mark): (.stdout // "") | split("\n") | map(select(startswith($mark))) | length;

def counts:
    cases("[       OK ]") as $passed | cases("[  FAILED  ]") as $failed | cases("[  SKIPPED ]") as $skipped |
    if .result == "OK" or .result == "EXPECTEDFAIL" then
        if $passed + $skipped == 0 then [1, 0, 0] else [$passed, 0, $skipped] end
    elif .result == "SKIP" then [0, 0, 1]
    else [$passed, ([$failed, 1] | max), $skipped]
    end;

map(counts) | if length == 0 then [0, 0, 0] else transpose | map(add) end | map(tostring) | join(" ")
