#!/bin/bash
# SPDX-License-Identifier: MIT
# kbsctl against a KBS's admin API over TLS: usage kbsctl.sh KBSCTL SERVE_ADMIN IGVM_TOOL IMAGE.igvm FOREIGN.igvm
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
kbsctl=$1 igvm=$3 sample=$4 foreign=$5
. "$here/../kbs-admin/serving.sh"

start_serving "$2"
export HOME=$work/home NO_COLOR=1
mkdir -p "$HOME/.config"
unset KBSCTL_CONFIG

# run STATUS OPTION...: kbsctl as the owner, which must end with that status; its output is in $out, $err
run() {
    local wanted=$1 status=0
    shift
    "$kbsctl" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
    out=$(cat "$work/out") err=$(cat "$work/err")
    [ "$status" = "$wanted" ] || fail "kbsctl $*: expected status $wanted, found $status: $out $err"
}

# says TEXT: whether the last run said it
says() { [[ "$out$err" == *"$1"* ]] || fail "expected \"$1\", found: $out $err"; }

# The connection

run 2 image list
says "where is the KBS?"
run 2 --url "http://127.0.0.1:$port" image list
says "must be https://HOST:PORT"
run 2 --url "https://127.0.0.1:$port" image list
says "who are you?"
run 5 --url "https://127.0.0.1:$port" --token-file "$work/owner.token" image list
says "cannot be reached"
run 5 --url "https://127.0.0.1:1" --ca "$work/ca.pem" --token-file "$work/owner.token" image list
run 3 --url "https://127.0.0.1:$port" --ca "$work/none.pem" --token-file "$work/owner.token" image list
run 3 --url "https://127.0.0.1:$port" --ca "$work/ca.pem" --token-file "$work/none" image list
cp "$work/owner.token" "$work/open.token"
chmod 644 "$work/open.token"
run 3 --url "https://127.0.0.1:$port" --ca "$work/ca.pem" --token-file "$work/open.token" image list
says "chmod 600"
ok "a connection needs an address, a CA that is believed, and a token that only its owner can read"

cat >"$HOME/.config/kbsctl.conf" <<CONF
url = "https://127.0.0.1:$port/";
ca = "$work/ca.pem";
token-file = "../../owner.token";
CONF
run 0 image list
says "there are no images"
echo 'color = "red";' >"$work/odd.conf"
run 4 --config "$work/odd.conf" image list
says "odd.conf:1: there is no setting color"
KBSCTL_CONFIG=$work/none.conf run 3 image list
ok "settings come from a file, and mistakes in it are named"

run 6 --token-file "$work/auditor.token" volume retire x
says "role-insufficient"
echo "kbs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" >"$work/wrong.token"
chmod 600 "$work/wrong.token"
run 6 --token-file "$work/wrong.token" image list
says "token-invalid"
run 0 --token-file "$work/auditor.token" image list
ok "roles are kept apart"

run 2 nonsense
run 2 image
run 2 image add
run 2 image list extra
run 2 image list --replace
says "takes no --replace"
run 2 image list --nonsense
run 0 --help
says "audit verify"
for command in "image add" "policy check" "secret put" "volume create" "token create" "key rotate" "audit tail" explain; do
    # shellcheck disable=SC2086
    run 0 $command --help
    says "Usage: kbsctl $command"
done
ok "a wrong command line is explained"

# Images and explanations

measurement=$(printf 'ab%.0s' $(seq 48))
run 2 image add web
run 2 image add web --measurement "$measurement" --igvm x
run 4 image add web --measurement 11
says "96 hexadecimal digits"
run 4 image add '<script>' --measurement "$measurement"
says "name-invalid"
run 4 image add ../volumes --measurement "$measurement"
run 0 image add web --measurement "$measurement"
run 4 image add web --measurement "$measurement"
says "exists"
run 0 image list
says "$measurement"
run 0 image list --json
says "[{\"name\":\"web\",\"measurement\":\"$measurement\""
run 0 image show web
run 0 image retire web
run 4 image add web --measurement "${measurement//a/c}"
says "choose another name"
run 0 image add web --measurement "$measurement"
run 4 image show ../volumes
run 4 image show none
run 3 image add file --igvm "$work/none.igvm"
run 4 image add file --igvm "$work/ca.pem"
ok "images are added and shown"

# Another image, of which one byte differs in the last page but one; the last is the processor.
cp "$sample" "$work/one.igvm"
cp "$sample" "$work/two.igvm"
chmod u+w "$work/two.igvm"
printf '\377' | dd of="$work/two.igvm" bs=1 seek=$(($(stat -c %s "$sample") - 4097)) conv=notrunc status=none
run 0 image add one --igvm "$work/one.igvm"
says "$("$igvm" measure "$work/one.igvm")"
run 0 image show one
says firmware
run 0 explain --igvm "$work/one.igvm"
says "it is image one, which is registered"
run 0 explain --igvm "$work/two.igvm"
says "the closest registered image is one, with 1 page that differs"
says "has other contents"
run 0 explain "$("$igvm" measure --vcpus 4 "$work/one.igvm" | sed -n '2s/ .*//p')"
says "3 processors more, in reset state as of QEMU's -cpu EPYC"
ok "an IGVM file is compared page by page, and a measurement by what may have gone wrong"

run 0 explain "$(printf '01%.0s' $(seq 48))"
says "it is none of the 2 registered images"
run 2 explain
run 4 explain xyz
run 4 explain --audit 1000
ok "what is not known is said to be so"

run 0 image add foreign --igvm "$foreign"
says "$("$igvm" measure "$foreign")"
run 0 explain --igvm "$foreign"
says "it is image foreign, which is registered"
cp "$foreign" "$work/arm.igvm"
chmod u+w "$work/arm.igvm"
printf '\001' | dd of="$work/arm.igvm" bs=1 seek=24 conv=notrunc status=none
run 4 image add arm --igvm "$work/arm.igvm"
says "it is for processors other than x86-64"
ok "an image as another SVSM's build makes it, of IGVM format 2, is added"

# Policies

run 0 policy default
cp "$work/out" "$work/policy.conf"
run 0 policy check --file "$work/policy.conf"
run 0 policy add strict --file "$work/policy.conf"
run 4 policy add strict --file "$work/policy.conf"
run 0 policy add strict --file "$work/policy.conf" --replace
run 0 policy show strict
cmp "$work/out" "$work/policy.conf" || fail "the policy came back different"
echo 'nonsense = 1;' >"$work/odd.conf"
run 4 policy check --file "$work/odd.conf"
run 4 policy add odd --file "$work/odd.conf"
says "policy-invalid"
echo 'images = [ "wbe" ];' >"$work/misspelt.conf"
run 0 policy add misspelt --file "$work/misspelt.conf"
says "no image wbe is registered"
run 0 policy remove misspelt
run 4 policy add misspelt --file "$work/misspelt.conf"
says "with replace (kbsctl: --replace) only"
run 4 policy remove default
says "attestation-policy in the server's kbs.conf"
run 0 policy list
ok "policies are checked, stored and given back"

# Secrets

printf 'a secret' >"$work/secret"
chmod 600 "$work/secret"
run 2 secret put a/b/c --file "$work/secret"
run 0 secret put a/b/c --file "$work/secret" --policy strict
run 4 secret put a/b/c --file "$work/secret" --policy strict
printf 'another' | "$kbsctl" secret put a/b/c --file - --policy strict --replace >"$work/out"
run 0 secret show a/b/c --json
says '"version":2,"size":7'
run 4 secret put a/b --file "$work/secret" --policy strict
run 4 policy remove strict
says "in-use"
chmod 644 "$work/secret"
run 3 secret put d/e/f --file "$work/secret" --policy strict
run 0 secret list
run 0 secret retire a/b/c
run 4 secret show a/b/c
chmod 600 "$work/secret"
run 4 secret put a/b/c --file "$work/secret" --policy strict
says "with replace (kbsctl: --replace) only"
run 0 secret put a/b/c --file "$work/secret" --policy strict --replace
run 0 secret show a/b/c --json
says '"version":3'
ok "secrets go in and stay there"

# Volumes

head -c 64 /dev/urandom >"$work/key.bin"
od -An -v -tx1 "$work/key.bin" | tr -d ' \n' >"$work/key.hex"
head -c 60 /dev/urandom >"$work/key.short"
chmod 600 "$work"/key.*
run 2 volume create one
run 0 volume create one --image web --key-file "$work/key.bin"
run 0 volume create two --image web --key-file "$work/key.hex" --release any --id 01234567-89ab-cdef-0123-456789abcdef
run 0 volume create three --image web --policy strict
run 4 volume create four --image web --key-file "$work/key.short"
says "64 bytes or 128 hexadecimal digits"
run 4 volume create four --image none
says "image-unknown"
run 0 volume list
says "01234567-89ab-cdef-0123-456789abcdef"
[ "$(wc -l <"$work/out")" = 4 ] || fail "expected a heading and three volumes: $out"
run 0 volume set-key one
run 0 volume set-key two --key-file "$work/key.bin"
run 0 volume set-image three --image one
run 0 volume retire three
run 4 volume set-key three
run 0 volume show three
says "retired"
run 4 volume create three --image web
says "choose another name"
ok "volumes are created, changed and retired"

# Leases; that VMs have them, and complain, is in tests/unit/kbs-admin/test_leases.c

run 2 volume set-lease one
run 2 volume set-lease one --mode classed --same-epoch maybe
run 2 volume set-lease one --mode classed --first often
run 2 volume set-lease one --lease-time soon
run 4 volume set-lease one --mode sometimes
says "mode-invalid"
run 4 volume set-lease one --lease-time 5
says "10 to 604800 seconds"
run 0 volume show one
says "rollback and clones are not noticed"
run 0 volume set-lease one --mode classed
says "nothing at a power cut"
run 0 volume set-lease one --same-epoch no --lease-time forever --confirm-time 120 --unopened ephemeral --first either
run 0 volume lease show one --json
says '"mode":"classed"'
says '"same_epoch":false,"lease_time":null,"confirm_time":120,"unopened":"ephemeral","manufacture":true,"adopt":true'
run 0 volume set-lease one --first neither --lease-time 60
run 0 volume lease show one
says "a power cut loses unimportant changes"
says "committed state  none"
! grep -q "last released" "$work/out" || fail "the lease alone was asked for: $out"
run 0 volume show one --json
says '"manufacture":false,"adopt":false'
run 2 volume lease one
run 2 volume lease mend one
says "show|break"
run 4 volume lease break one
says "lease-free"
run 4 volume lease break two
says "kbsctl volume set-lease"
run 4 volume accept-disk one blank
says "complaint-none"
run 2 volume accept-disk one
run 0 volume freeze one
says "until the volume is thawed"
run 4 volume freeze one
run 0 volume show one
[[ $out =~ frozen\ +yes ]] || fail "it is frozen: $out"
run 0 volume thaw one
says "those of before"
run 4 volume thaw one
says "not-frozen"
run 6 --token-file "$work/auditor.token" volume freeze one
run 0 --token-file "$work/auditor.token" volume lease show one
run 0 --token-file "$work/auditor.token" volume evidence one --nonce a-nonce-of-12
[[ $out =~ ^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$ ]] || fail "no JWS: $out"
run 0 volume evidence one --nonce a-nonce-of-12 --json
says '"statement":"volume-epoch"'
says '"eat_nonce":"a-nonce-of-12"'
says '"epoch":0'
run 4 volume evidence one --nonce short
says "8 to 88 characters"
run 4 volume evidence two
says "kbsctl volume set-lease"
run 2 volume evidence
run 0 audit tail
says "volume-evidence"
run 4 volume set-lease three --mode boot
says "retired"
run 0 volume set-key one --forget-state
run 0 volume set-lease one --mode boot
run 0 volume rekey one
says "make another one"
run 4 volume rekey one
says "rekey-pending"
run 0 volume show one
[[ $out =~ next\ key\ +[0-9] ]] || fail "there is a key to change over to: $out"
run 2 volume rekey one --cancel --key-file "$work/none"
run 0 volume rekey one --cancel
says "stays under its key"
run 4 volume rekey one --cancel
says "rekey-none"
ok "leases are set, shown and overridden, and it is said what that gives up"

# Tokens and keys

run 2 token create deputy
run 2 token create deputy --role owner --expires soon
run 0 token create deputy --role owner --expires 90d --out "$work/deputy.token"
[ "$(stat -c %a "$work/deputy.token")" = 600 ] || fail "others can read the new token"
run 0 --token-file "$work/deputy.token" token list
run 3 token create other --role auditor --out "$work/deputy.token"
run 4 token create owner --role auditor --out "$work/other.token"
[ ! -e "$work/other.token" ] || fail "a token that was refused left a file"
run 4 token revoke other
says "not-found"
run 0 token revoke deputy
run 6 --token-file "$work/deputy.token" token list
run 4 token create deputy --role owner --out "$work/other.token"
says "choose another name"
run 4 token revoke owner
says "last-owner"
run 0 key rotate release
run 0 key show "$out"
says "BEGIN PUBLIC KEY"
run 4 key rotate nonsense
run 0 key list
old=$(awk '$2 == "release" && $3 == "no" {print $1}' "$work/out")
run 0 key retire "$old"
run 0 key list
active=$(awk '$2 == "token" && $3 == "yes" {print $1}' "$work/out")
run 4 key retire "$active"
says "key-active"
ok "tokens and keys are made and retired"

# The audit log

run 0 audit verify
says "whole"
head=${out##* }
lines=${out#*: }
lines=${lines%% *}
run 0 audit tail -n 3
[ "$(wc -l <"$work/out")" = 3 ] || fail "expected three lines: $out"
says "op=key-retire"
run 0 audit tail --json -n 1
says "{\"seq\":"
run 0 audit show 1
run 4 audit show 100000
run 2 audit tail -n 0
setpriv --pdeathsig KILL "$kbsctl" audit tail -f -n 1 >"$work/followed" 2>&1 &
follower=$!
sleep 1
run 0 volume retire two
for _ in $(seq 50); do
    ! grep -q "op=volume-retire object=two" "$work/followed" || break
    sleep 0.1
done
kill $follower
grep -q "op=volume-retire object=two" "$work/followed" || fail "the follower saw: $(cat "$work/followed")"
run 0 audit verify --expect-head "$head"
run 7 audit verify --expect-head "$(printf '00%.0s' $(seq 32))"
says "no line has the expected hash"
run 0 status
says "whole"
says "verified up to line"
ok "the log is shown, followed and verified"

# Nothing secret is in it, nor in what the server printed.
token=$(cat "$work/owner.token")
run 0 audit tail --json -n 1000
! grep -qF -e "$token" -e "$(cat "$work/key.hex")" "$work/out" "$work/server.log" || fail "a secret is in the log"
ok "the log has no secrets"

# Archives

# verifies STATUS FILE...: kbsctl audit verify with files and no KBS, by somebody who has no settings
verifies() {
    local wanted=$1
    shift
    HOME=$work/nobody run "$wanted" audit verify "$@"
}

archive=$work/archive
mkdir "$archive"
run 2 audit archive
run 2 audit archive "$archive" --older-than soon
run 3 audit archive "$work/none"
run 0 audit archive "$archive" --older-than 100y
says "no lines to archive"
run 6 --token-file "$work/auditor.token" audit archive "$archive" --older-than 0h
[ -z "$(ls -A "$archive")" ] || fail "an archive that was refused left $(ls -A "$archive")"
run 0 audit verify --json
before=$(jq .lines <<<"$out")
run 0 audit archive "$archive" --older-than 0h --keep
says "still in the KBS"
first=$(echo "$archive"/audit-*.jsonl)
run 0 audit verify --json
[ "$(jq .first <<<"$out")" = 1 ] || fail "a segment that is kept was pruned: $out"
verifies 0 "$first"
says "which the files bring along"
run 0 audit tail --json -n 1000
says '"op":"audit-close"'
ok "a segment is closed and written to a file, which is verified without the KBS"

# As if the command had ended at each point: with the file gone, damaged, and there.
cp "$first" "$work/kept.jsonl"
rm "$first"
run 0 audit archive "$archive" --older-than 100y --keep
cmp "$first" "$work/kept.jsonl" || fail "the segment was written otherwise than before"
sed 's/"op":"image-add"/"op":"image-rid"/' "$work/kept.jsonl" >"$first"
run 7 audit archive "$archive" --older-than 100y
says "nothing was pruned"
run 0 audit verify --json
[ "$(jq .first <<<"$out")" = 1 ] || fail "lines were pruned that are in no file: $out"
head -n -1 "$work/kept.jsonl" >"$first"
run 7 audit archive "$archive" --older-than 100y
cp "$work/kept.jsonl" "$first"
run 0 audit archive "$archive" --older-than 100y
says "no longer in the KBS"
run 0 audit archive "$archive" --older-than 100y
says "no lines to archive"
ok "a command that was interrupted is finished by the next one, and prunes nothing that is not on the disk"

last=$(tail -n 2 "$first" | head -n 1 | jq .seq)
[ "$last" -le "$before" ] || fail "more lines were archived than there were"
run 0 audit verify
says "from line $((last + 1)) on"
run 4 audit show 1
says "archived"
run 0 status
says "($last before them are archived)"
run 0 audit tail --json -n 1000
says "\"op\":\"audit-prune\",\"object\":\"$last\""
says "head $(jq -r .head <(tail -n 1 "$first"))"
run 7 audit verify --expect-head "$head"
says "archived"
run 0 audit verify "$first" --live --expect-head "$head"
run 0 key list
key=$(awk '$2 == "audit" && $3 == "yes" {print $1}' "$work/out")
"$kbsctl" key show "$key" >"$work/audit.pem"
verifies 0 "$first" --key "$work/audit.pem" --expect-head "$head"
says "signed by key $key"
ok "the log goes on from the archived head, and says where it begins"

run 0 audit archive "$archive" --older-than 0h
second=$(echo "$archive"/audit-*.jsonl)
second=${second#"$first" }
verifies 0 "$archive"/audit-*.jsonl --key "$work/audit.pem"
says "whole"
verifies 0 "$second"
says "from line $((last + 1)) on"
verifies 7 "$second" "$first"
says "begins with another line"
verifies 7 "$first" "$first"
verifies 3 "$archive/none"
verifies 7 "$work/ca.pem"
verifies 4 "$first" --key "$work/ca.pem"
run 0 key rotate audit
"$kbsctl" key show "$out" >"$work/other.pem"
verifies 7 "$first" --key "$work/other.pem"
says "signed by another key"
run 4 key retire "$key"
says "in-use"
run 2 audit verify --live
run 0 audit verify "$first" "$second" --live
run 7 audit verify "$first" --live
says "missing"
ok "archived files are verified in their order, with the KBS's key, and a gap is found"

for delay in 00 01 02 03 04 06 08 10 15 20 30; do
    "$kbsctl" audit archive "$archive" --older-than 0h >"$work/out" 2>&1 &
    sleep "0.0$delay"
    kill -9 $! 2>/dev/null || true
    wait $! 2>/dev/null || true
    run 0 image list
done
run 0 audit archive "$archive" --older-than 0h
run 0 audit verify "$archive"/audit-*.jsonl --live --expect-head "$head"
ok "an archive that is killed at any moment loses no line"

lines=$(("$("$kbsctl" audit verify --json | jq '.first + .lines')" - 1))
for _ in 1 2 3; do run 0 key rotate token; done
lines=$((lines + 3))

if command -v sqlite3 >/dev/null; then
    sqlite3 "$work/kbs.db" "UPDATE audit SET line = replace(line, 'admin', 'nobody') WHERE seq = $((lines - 2))"
    run 7 audit verify
    says "BROKEN after line $((lines - 3)), at line $((lines - 2)): the line does not follow"
    for _ in $(seq 150); do
        run 0 status
        [[ $out != *whole* ]] || sleep 0.2
    done
    says "BROKEN at line $((lines - 2))"
    ok "a line that was changed in the database breaks the chain"
fi
echo "$passed passed"
