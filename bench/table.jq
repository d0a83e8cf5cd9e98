# SPDX-License-Identifier: MIT
# The report of bench/report.jq as a table.
def left($width): . + " " * ($width - length);
def right($width): " " * ($width - length) + .;
def number: if . >= 1000 then round elif . >= 10 then (. * 10 | round) / 10 else (. * 100 | round) / 100 end | tostring;
def amount($unit): if . == null then "" else "\(.median | number) \($unit)" end;
def goals: [(select(.goal) | "\(.goal) \(.unit)"), (select(.ratio_goal) | "\(.ratio_goal)x")] | join(", ");

def line($figure; $ours; $peer; $name; $ratio; $goal; $runs):
    "\($figure | left(30)) \($ours | right(12)) \($peer | right(12))  \($name | left(10)) " +
    "\($ratio | right(7))  \($goal | left(8)) \($runs | right(4))" | sub(" +$"; "");

line("median of"; "here"; "beside"; ""; "ratio"; "goal"; "runs"),
(.[] | .unit as $unit |
    line(.figure; .ours | amount($unit); .peer | amount($unit); .peer_name // "";
        if .ratio then "\(.ratio | number)x" else "" end; goals; .ours.runs | tostring))
