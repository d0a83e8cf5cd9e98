# SPDX-License-Identifier: MIT
# From the samples of bench/kbs.sh: what the primitives take (median of all looks at them), and for each profile and
# number of clients the attestations a second, what the primitives allow (mean of the looks before and after), and how
# much of that it is: by the clock, and by the CPU time that the KBS took, which other work on the host does not change.
def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;

# A report's signature is verified; an ephemeral key is made and agreed with; a release record may be signed.
def seconds($profile): 1 / .verify + 2 / .derive + {"coconut": 0, "signed": 1, "coco": 0, "anchor": 1}[$profile] / .sign;

map(select(.kind == "load")) as $loads |
[$loads[0].before, $loads[].after] as $looks |
{
    primitives: {sign: ($looks | map(.sign) | median), verify: ($looks | map(.verify) | median),
        derive: ($looks | map(.derive) | median)},
    host: (map(select(.kind == "host"))[0].load),
    load: [$loads[] |
        .seen.profile as $profile |
        ([.before, .after] | map(seconds($profile)) | add / 2) as $seconds |
        .seen + {
            allowed_per_second: (1 / $seconds),
            percent: (100 * .seen.per_second * $seconds),
            cpu_ms: (1e3 * .cpu_s / .seen.attestations),
            cpu_percent: (100 * $seconds * .seen.attestations / .cpu_s)
        }],
    memory: (map(select(.kind == "memory"))[0] | del(.kind))
}
