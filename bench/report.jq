# SPDX-License-Identifier: MIT
# From the lines "NAME VALUE" of bench/run.sh: the report, an array of figures, each with all of its samples, their
# median, and the same of its peer. The ratio is the median of the runs' own ratios, ours / peer: what else the host
# does changes from run to run, and least between the two halves of one. A figure without samples is left out.
# Sizes come in bytes and are reported in MiB.
def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def measured: if . == null then null else {samples: ., median: median, runs: length} end;

# [section, figure, unit, our samples, the peer's, its name, goal, goal of the ratio, what samples are divided by]
def boot($figure; $ours; $peer; $peer_name; $goal; $ratio):
    ["boot", $figure, "s", $ours, $peer, $peer_name, $goal, $ratio, 1];
def size($figure; $ours; $goal): ["size", $figure, "MiB", $ours, null, null, $goal, null, 1048576];

def latency($figure; $name; $unit): ["TPM", $figure, $unit, "svsm.\($name)", "swtpm.\($name)", "swtpm", null, null, 1];

def figures:
    boot("start-cvm.sh to login"; "svsm.start_s"; "plain.start_s"; "plain QEMU"; 15; 3.2),
    boot("QEMU's start to login"; "svsm.qemu_s"; "plain.qemu_s"; "plain QEMU"; null; null),
    boot("the same without SVSM"; "no-svsm.qemu_s"; "plain.qemu_s"; "plain QEMU"; null; null),
    boot("what the SVSM adds"; "svsm.qemu_s"; "no-svsm.qemu_s"; "no SVSM"; null; null),
    boot("start-cvm.sh, with a lease"; "anchored.start_s"; "svsm.start_s"; "no lease"; null; null),
    boot("the SVSM of it, with a lease"; "anchored.until_guest_s"; "svsm.until_guest_s"; "no lease"; null; null),
    boot("what anchoring adds"; "anchored.adds_s"; null; null; 0.5; null),
    boot("Debian to login"; "debian.start_s"; "debian-plain.start_s"; "plain QEMU"; null; 4),
    latency("GetRandom, median"; "GetRandom.median_us"; "us"),
    latency("GetRandom, p99"; "GetRandom.p99_us"; "us"),
    latency("GetRandom, rate"; "GetRandom.per_s"; "/s"),
    latency("PCR_Extend, median"; "PCR_Extend.median_us"; "us"),
    latency("CreatePrimary, median"; "CreatePrimary.median_us"; "us"),
    latency("NV_Write, median"; "NV_Write.median_us"; "us"),
    latency("the clock, part of each"; "Clock.median_us"; "us"),
    ["processors", "a job on two vCPUs", "s", "svsm.two_busy_s", "no-svsm.two_busy_s", "no SVSM", null, 1.05, 1],
    ["processors", "GetRandom, 4 busy vCPUs", "us", "busy4.GetRandom.median_us", "busy1.GetRandom.median_us", "1 busy", null, null, 1],
    size("svsm.igvm less firmware"; "image.bytes"; 16),
    size("SVSM's memory"; "region.bytes"; 64),
    size("of it in use"; "region_used.bytes"; null),
    ["demo", "./demo.sh, all built", "s", "demo.s", null, null, 180, null, 1],
    ["host", "load of the host before", "", "host.load", null, null, null, null, 1];

(reduce (inputs | split(" ")) as [$name, $value] ({}; .[$name] += [$value | tonumber])) as $samples |
[figures as [$section, $figure, $unit, $ours, $peer, $peer_name, $goal, $ratio_goal, $divisor] |
    def of($name): $samples[$name // ""] | if . == null then . else map(. / $divisor) end | measured;
    {$section, $figure, $unit, ours: of($ours), peer_name: $peer_name, peer: of($peer), $goal, $ratio_goal} |
    select(.ours != null) |
    .ratio = if .peer == null then null else [.ours.samples, .peer.samples] | transpose | map(.[0] / .[1]) | median end]
