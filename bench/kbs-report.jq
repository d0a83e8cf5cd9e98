# SPDX-License-Identifier: MIT
# From the samples of bench/kbs.sh: what the primitives take (median of all looks at them), and for each profile and
# number of clients the attestations a second, what the primitives allow, and how much of that it is: by the clock, and
# by the CPU time that the KBS took, which other work on the host does not change.
def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;

(map(select(.kind == "primitives")) |
    {sign: (map(.sign) | median), verify: (map(.verify) | median), derive: (map(.derive) | median)}) as $rate |
# A report's signature is verified; an ephemeral key is made and agreed with; a release record may be signed.
{"coconut": 0, "signed": 1, "coco": 0} as $signatures |
{
    primitives: $rate,
    host: (map(select(.kind == "host"))[0].load),
    load: map(select(.kind == "load") |
        (1 / $rate.verify + 2 / $rate.derive + $signatures[.seen.profile] / $rate.sign) as $seconds |
        .seen + {
            allowed_per_second: (1 / $seconds),
            percent: (100 * .seen.per_second * $seconds),
            cpu_ms: (1e3 * .cpu_s / .seen.attestations),
            cpu_percent: (100 * $seconds * .seen.attestations / .cpu_s)
        }),
    memory: (map(select(.kind == "memory"))[0] | del(.kind))
}
