# SPDX-License-Identifier: MIT
# The report of bench/kbs-report.jq as a table.
def right($width): tostring | " " * ($width - length) + .;
def left($width): . + " " * ($width - length);
def round1: . * 10 | round / 10;

"openssl speed: P-384 signs \(.primitives.sign | round) and verifies \(.primitives.verify | round) a second, P-521 ECDH \(.primitives.derive | round)",
"",
"\("profile" | left(9)) clients  per second  allowed  of it  CPU ms  of it   p50 ms   p99 ms",
(.load[] |
    "\(.profile | left(9)) \(.clients | right(7))  \(.per_second | round | right(10))  \(.allowed_per_second | round | right(7))" +
    "  \(.percent | round | right(3)) %  \(.cpu_ms | . * 100 | round / 100 | right(6))  \(.cpu_percent | round | right(3)) %" +
    "  \(.p50_ms | round1 | right(7))  \(.p99_ms | round1 | right(7))"),
"",
"memory: \(.memory.before_kib) KiB, after \(.memory.attestations) more attestations \(.memory.after_kib) KiB",
"load of the host before: \(.host)"
