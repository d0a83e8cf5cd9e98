#!/bin/bash
# SPDX-License-Identifier: MIT
# The user's scripts: what they say and do on bad input, and the KBS's life cycle. No VM is started.
#
# usage: tests/integration/scripts.sh [BUILD_FOLDER]
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"

build=$(realpath "${1:-$ROOT/build}")
test_port
work=$(mktemp -d)
helpers=()
end() {
    "$ROOT/start-kbs.sh" --stop 2>/dev/null || true
    [ ${#helpers[@]} = 0 ] || kill "${helpers[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap end EXIT

mkdir -p "$work"/{state,build/{igvm,kbs/cli,proxy,state-volume,emulator/amd-sp},bin}
cat >"$work/vm.conf" <<EOF
BUILD_DIR=$work/build
PRISTINE_IMAGE=$work/build/guest.qcow2
IGVM_FILE=$work/build/svsm.igvm
STATE_DIR=$work/state
GUEST_IMAGE=$work/state/guest.qcow2
STATE_VOLUME=$work/state/tpm-state.raw
CHIP_DIR=$work/state/chip
KBS_DIR=$work/state/kbs
PROXY_SOCKET=$work/state/proxy.sock
LOG_DIR=$work/state/log
KBS_PORT=$port
KBS_ADMIN_PORT=$((port + 1))
QEMU=$work/bin/qemu
PLATFORM=emulated
POWER_OFF_TIMEOUT=2
EOF
export VM_CONF=$work/vm.conf
# shellcheck disable=SC2016 # that bash expands it
"$ROOT/tests/when-gone.sh" $$ bash -c '[ ! -e "$VM_CONF" ] || "$0" --stop' "$ROOT/start-kbs.sh"

# The real programs where there are, and a QEMU that only ends in the way that it is told.
for program in igvm/igvm kbs/kbs kbs/cli/kbsctl proxy/snp-vtpm-proxy emulator/amd-sp/amd-sp state-volume/state-volume; do
    [ ! -e "$build/$program" ] || cp "$build/$program" "$work/build/$program"
done
touch "$work/build/emulator/"{hypervisor.elf,reset.rom}
cat >"$work/bin/qemu" <<'EOF'
#!/bin/bash
[ "$1" != --version ] || { echo "QEMU emulator version ${FAKE_VERSION:-10.0.2}"; exit; }
job='' console=''
for argument; do
    case $argument in
        file=*/job,*) job=${argument#file=} job=${job%%,*} ;;
        file,id=console,path=*) console=${argument##*path=} console=${console%%,*} ;;
    esac
done
eval "$FAKE_VM"
EOF
chmod +x "$work/bin/qemu"

key=$(printf '%0128d' 7)
measurement=$(printf '%096d' 5)
volume=$work/state/tpm-state.raw
image=$work/state/guest.qcow2
igvm=$work/build/svsm.igvm

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
nothing_answers() { ! port_answers && [ ! -S "$work/state/proxy.sock" ]; }

# The smallest file that passes for an IGVM file at first sight: magic, ten zeros and its size, in place
igvm_stand_in() { printf 'IGVM\1\0\0\0\30\0\0\0\0\0\0\0\24\0\0\0' >"$igvm"; }

# project COMMANDS: in a shell that has the project's functions
project() { run env ROOT="$ROOT" work="$work" bash -c "set -euo pipefail; . \"\$ROOT/scripts/lib.sh\"; $1"; }

every_script_has_help() {
    local script
    for script in prepare remanufacture-tpm start-kbs register-resource-in-kbs start-cvm; do
        run "$ROOT/$script.sh" --help
        expect "$script.sh shows its usage" 0 '^usage: ./'"$script.sh" 'Exit status: '
        run "$ROOT/$script.sh" --nonsense
        expect "$script.sh refuses an unknown option" 2 'unknown option --nonsense'
    done
}

state_volume() {
    run "$ROOT/remanufacture-tpm.sh"
    expect "remanufacture-tpm.sh makes a volume where there was none" 0 'is blank'
    check "the new volume is 16 MiB of zeros" cmp -s -n $((16 << 20)) "$volume" /dev/zero
    check "the new volume has the configured size" [ "$(stat -c %s "$volume")" = $((16 << 20)) ]
    check "only its owner may read the volume" [ "$(stat -c %a "$volume")" = 600 ]

    run "$ROOT/remanufacture-tpm.sh"
    expect "a blank volume is replaced without a question" 0 'is blank'
    printf TPM | dd of="$volume" conv=notrunc status=none
    run "$ROOT/remanufacture-tpm.sh"
    expect "a volume that holds a TPM is not replaced unasked" 4 'holds a TPM' '--yes'
    check "the volume is unchanged then" [ "$(head -c 3 "$volume")" = TPM ]
    run "$ROOT/remanufacture-tpm.sh" --yes
    expect "a volume that holds a TPM is replaced with --yes" 0 'kept as .*\.bak'
    check "the old volume is kept" [ "$(head -c 3 "$volume.bak")" = TPM ]
    run flock "$volume" "$ROOT/remanufacture-tpm.sh" --yes
    expect "a volume that a VM uses is not replaced" 3 'in use by a running VM'

    (umask 077 && head -c 64 /dev/urandom >"$work/tpm.key" && head -c 63 /dev/urandom >"$work/short.key")
    cp "$volume" "$work/before"
    run "$ROOT/remanufacture-tpm.sh" --key-file "$work/short.key"
    expect "without a whole key no TPM is manufactured" 1 'nothing was changed'
    check "and the volume is as it was" cmp "$volume" "$work/before"
    run "$ROOT/remanufacture-tpm.sh" --key-file "$work/tpm.key" --ek "$work/ek.pub"
    expect "with a key a TPM is manufactured on this machine" 0 'holds a new TPM'
    check "its endorsement key is there" [ -s "$work/ek.pub" ]
    run "$build/state-volume/state-volume" verify --key-file "$work/tpm.key" "$volume"
    expect "it opens with that key" 0 'is valid'
    run "$ROOT/remanufacture-tpm.sh" --yes
}

registration() {
    local kbs=$ROOT/register-resource-in-kbs.sh
    run "$kbs" -p 1234 -m "$measurement"
    expect "a short key is refused" 2 'has 4 hexadecimal digits, and needs exactly 128'
    run "$kbs" -p "${key}00" -m "$measurement"
    expect "a long key is refused" 2 'has 130 hexadecimal digits, and needs exactly 128'
    run "$kbs" -p "${key%?}g" -m "$measurement"
    expect "a key that is not hexadecimal is refused" 2 'no hexadecimal digits'
    check "a refused key is not shown" [ "$(grep -c "${key%?}" <<<"$output")" = 0 ]
    run "$kbs" -p
    expect "a missing key is refused" 2 'needs a value'
    run "$kbs" -p ''
    expect "an empty key is refused" 2 'has 0 hexadecimal digits'
    run "$kbs" -p "$key" -m 12
    expect "a short measurement is refused" 2 'the measurement has 2'
    if [ ! -x "$work/build/kbs/cli/kbsctl" ] || [ ! -x "$work/build/igvm/igvm" ]; then
        run "$kbs"
        expect "what is not built is named" 3 'has not been built' 'prepare.sh'
        skip "a missing IGVM file and a KBS that does not run are named" "kbsctl and igvm are not built"
        return
    fi
    run "$kbs"
    expect "a missing IGVM file is named" 4 'there is no IGVM file'
    run "$kbs" -p "$key" -m "$measurement"
    expect "a KBS that does not run is named" 5 'the KBS does not answer' 'start-kbs.sh --background'
}

# With a KBS that runs
registered() {
    local kbs=$ROOT/register-resource-in-kbs.sh
    run "$kbs" -p "$key" -m "$measurement"
    expect "a given key is registered" 0 "given key" "$measurement"
    run "$kbs" -m "$measurement"
    expect "a random key replaces it" 0 "random key"
    run_kbsctl image list
    expect "the KBS has the image" 0 "$measurement"
    run_kbsctl --json volume list
    check "it has one volume, with its second key" \
        [ "$(jq -c '[.[] | [.image, .key_version]]' <<<"$output")" = "[[\"image-${measurement:0:16}\",2]]" ]
    run "$kbs" -m "6${measurement#?}"
    expect "another image takes the volume over" 0 "6${measurement#?}"
    run_kbsctl --json volume list
    check "there is still one volume" [ "$(jq length <<<"$output")" = 1 ]
    run_kbsctl audit verify
    expect "the audit log's chain is whole" 0
}

run_kbsctl() {
    run "$work/build/kbs/cli/kbsctl" --url "https://127.0.0.1:$((port + 1))" --ca "$work/state/kbs/tls/ca.pem" \
        --token-file "$work/state/kbs/owner.token" "$@"
}

kbs_life_cycle() {
    local kbs=$ROOT/start-kbs.sh listener
    if [ ! -x "$work/build/kbs/kbs" ] || [ ! -x "$work/build/proxy/snp-vtpm-proxy" ] || [ ! -x "$work/build/emulator/amd-sp/amd-sp" ]; then
        run "$kbs" --background
        expect "start-kbs.sh names what is not built" 3 'has not been built' 'prepare.sh'
        skip "the KBS starts in the background" "kbs, proxy and amd-sp are not built"
        return
    fi
    run "$kbs" --background
    expect "start-kbs.sh names a missing KBS" 3 'kbs/kbs.conf has not been built'
    "$work/build/emulator/amd-sp/amd-sp" --chip "$work/state/chip" --init-chip >/dev/null 2>&1
    run "$work/build/kbs/kbs" init "$work/state/kbs" --listen "127.0.0.1:$port" --admin-listen "127.0.0.1:$((port + 1))" \
        --kds none --trust-emulated "$work/state/chip/ark.pem"
    expect "kbs init makes one" 0 'owner.token'

    setpriv --pdeathsig KILL python3 -c "import socket,time; s=socket.create_server(('127.0.0.1', $port)); time.sleep(60)" &
    listener=$!
    helpers+=("$listener")
    until port_answers || ! kill -0 "$listener"; do sleep 0.1; done
    run "$kbs" --background
    expect "a port in use is named" 4 "port $port is in use by another program" 'KBS_PORT'
    kill "$listener"
    wait "$listener" 2>/dev/null || true

    # shellcheck disable=SC2016 # for the stand-in
    printf '%s\n' '#!/bin/bash' 'sleep 1' 'exec /usr/bin/setsid "$@"' >"$work/bin/setsid"
    chmod +x "$work/bin/setsid"
    PATH=$work/bin:$PATH run "$kbs" --background
    expect "the KBS starts in the background, however long its programs take to be loaded" 0 "answers at http://127.0.0.1:$port"
    rm "$work/bin/setsid"
    check "the KBS answers" port_answers
    check "the proxy listens" [ -S "$work/state/proxy.sock" ]
    run "$kbs" --background
    expect "a second KBS is refused" 5 'runs already'
    check "the refusal leaves the first alone" port_answers
    registered
    run "$kbs" --stop
    expect "the KBS stops" 0
    check "nothing answers then" nothing_answers
    run "$kbs" --stop
    expect "stopping it again is harmless" 0 'do not run'
    kbs_interrupted
    run "$kbs" --background --flush-db
    expect "the KBS starts, and destroys every key" 0
    run_kbsctl --json volume list
    check "no volume is left that has a key" [ "$(jq '[.[] | select(.retired == null)] | length' <<<"$output")" = 0 ]
    run "$ROOT/register-resource-in-kbs.sh" -m "$measurement"
    expect "a new volume is registered then" 0 "$measurement"
}

# A signal before the first program is what it shall be
kbs_interrupted() {
    local script
    printf '%s\n' '#!/bin/bash' "touch $work/begun" 'exec sleep 63.25' >"$work/bin/setsid"
    chmod +x "$work/bin/setsid"
    PATH=$work/bin:$PATH setpriv --pdeathsig TERM "$ROOT/start-kbs.sh" --background >"$work/messages" 2>&1 </dev/null &
    script=$!
    helpers+=("$script")
    until [ -e "$work/begun" ] || ! kill -0 $script 2>/dev/null; do sleep 0.1; done
    kill -TERM $script
    status=0
    wait $script || status=$?
    output=$(cat "$work/messages")
    expect "a start of the KBS that is interrupted ends" 130
    check "and leaves nothing behind" [ -z "$(pgrep -f 'sleep 63.25')" ]
    rm "$work/bin/setsid"
}

# as_modes_say COMMAND...: with no more rights to files than their modes give, root included
as_modes_say() {
    local limited=()
    [ "$(id -u)" != 0 ] || limited=(setpriv "--bounding-set=-dac_override,-dac_read_search" "--inh-caps=-dac_override,-dac_read_search")
    "${limited[@]}" "$@"
}

# on_read_only_disk FILE COMMAND...: with the file mounted read-only for that command
on_read_only_disk() {
    # shellcheck disable=SC2016 # for the shell that unshare starts
    unshare -rm sh -c 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"' "$@"
}

read_only_files() {
    local before
    before=$(sha256sum "$image")
    chmod a-w "$image"
    run as_modes_say "$cvm"
    expect "a read-only guest image is named" 201 'guest image .* cannot be written: Permission denied' 'chmod u\+w'
    chmod u+w "$image"
    if on_read_only_disk "$image" true 2>/dev/null; then
        run on_read_only_disk "$image" "$cvm"
        expect "one that is mounted read-only is told apart" 201 'cannot be written: Read-only file system' 'a copy'
    else
        skip "one that is mounted read-only is told apart" "nothing can be mounted here"
    fi
    equal "the image is as it was" "$(sha256sum "$image")" "$before"
}

vm_inputs() {
    local cvm=$ROOT/start-cvm.sh
    rm -f "$volume"
    run "$cvm"
    expect "a missing guest image is named" 201 'there is no guest image' '--image'
    run "$cvm" --image "$work"
    expect "a folder is no guest image" 201 'is not a file'
    echo something else >"$image"
    run "$cvm"
    expect "an image of another format is named" 201 'not a qcow2 image' 'qemu-img convert'
    chmod 0 "$image"
    run as_modes_say "$cvm"
    expect "an unreadable guest image is named" 201 'permission denied'
    rm -f "$image"
    qemu-img create -q -f qcow2 "$image" 1M
    read_only_files

    run "$cvm"
    expect "a missing IGVM file is named" 202 'there is no IGVM file' 'prepare.sh'
    echo MZ something else >"$igvm"
    run "$cvm"
    expect "a foreign file is not taken for an IGVM file" 202 'is not an IGVM file'
    : >"$igvm"
    run "$cvm"
    expect "an empty IGVM file is refused" 202 'is not an IGVM file'
    igvm_stand_in
    truncate -s 18 "$igvm"
    run "$cvm"
    expect "a truncated IGVM file is refused" 202 'is damaged'
    igvm_stand_in
    echo >>"$igvm"
    run "$cvm"
    expect "an IGVM file with something behind its end is refused" 202 'is damaged'
    igvm_stand_in

    FAKE_VERSION=7.2.22 run "$cvm"
    expect "a QEMU that is too old is named" 205 'is QEMU 7, and 10 or newer is needed' 'prepare.sh'
    (sed "s|^QEMU=.*|QEMU=$work/bin/no-qemu|" "$VM_CONF" >"$work/no-qemu.conf")
    VM_CONF=$work/no-qemu.conf run "$cvm"
    expect "a missing QEMU is named" 205 'there is no QEMU' 'prepare.sh'

    [ -x "$work/build/emulator/amd-sp/amd-sp" ] || {
        run "$cvm"
        expect "a platform that is not built is named" 208 'has not been built' 'prepare.sh'
        skip "what the VM needs besides" "amd-sp is not built"
        return
    }
    "$work/build/emulator/amd-sp/amd-sp" --chip "$work/state/chip" --init-chip >/dev/null 2>&1
    run "$cvm"
    expect "without a state volume no VM starts" 203 'there is no TPM state volume' 'remanufacture-tpm.sh'
    truncate -s 15M "$volume"
    run "$cvm"
    expect "a state volume of the wrong size is named" 203 'has 15728640 bytes, and should have 16777216'
    check "it is not touched" [ "$(stat -c %s "$volume")" = 15728640 ]
    truncate -s 16M "$volume"
    run flock "$volume" "$cvm"
    expect "a second VM on the same state volume is refused" 204 'in use by another VM'
    run flock "$image" "$cvm"
    expect "a second VM on the same guest image is refused" 204 'in use by another VM'
    "$ROOT/start-kbs.sh" --stop 2>/dev/null
    run "$cvm"
    expect "a proxy that does not run is named" 206 'no proxy listens' 'start-kbs.sh'

    run "$cvm" --memory lots
    expect "a memory size that is none is refused" 2 'is no size'
    run "$cvm" --memory 64M
    expect "too little memory is refused" 2 'too little'
    for cpus in 0 9 two; do
        run "$cvm" --cpus $cpus
        expect "$cpus is no number of processors" 2 "--cpus $cpus is no number from 1 to 8"
    done
    run "$cvm" --cpus 4 --dry-run
    expect "--cpus gives QEMU the number of processors" 0 '-smp 4'
    run "$cvm" --platform z80
    expect "an unknown platform is refused" 2 'no platform z80'
    run "$cvm" --timeout soon --run true
    expect "a time limit that is no number is refused" 2 'no number of seconds'
    run "$cvm" --memory 900000G
    expect "memory that this machine does not have is named" 216 'a VM of 900000G needs [0-9]*M of memory, and there are [0-9]*M in /' TMPDIR
    run "$cvm" --platform snp
    expect "a host without SEV-SNP is told so" 207 'cannot run SEV-SNP VMs' 'emulated'
    run "$cvm" --dry-run
    expect "--dry-run prints QEMU's command line" 0 "$work/bin/qemu" "file=$igvm" "$work/state/proxy.sock"
    run "$cvm" --dry-run --platform snp
    expect "--dry-run prints the command line of a real host" 0 'sev-snp-guest' 'device-plane=2' 'plane=0'
}

# shellcheck disable=SC2016 # what project runs
steps() {
    project 'step() { false; echo went on; }; run_logged "A step" "$work/step.log" step'
    expect "a function that fails in the middle fails the script" 1 'failed: A step'
    check "and does not go on" [ "$(grep -c 'went on' "$work/step.log")" = 0 ]
    project 'f() { x=$(false; echo went on); echo "$x"; }; f; echo end'
    expect "so does a command substitution" 1
    check "before anything comes of it" [ -z "$output" ]
    project 'WAIT_LINE_EVERY=1; work() { echo "[3/4] CC file.o"; sleep 3; }; run_logged "Building" "$work/step.log" work'
    expect "whoever waits without a terminal sees how far it is" 0 'Building: 75 %, [0-9]+ s  \[3/4\] CC file.o' 'Building done'
    project 'WAIT_LINE_EVERY=1; work() { echo " 1/10 base reader OK 0.1s"; sleep 3; }; run_logged "Testing" "$work/step.log" work'
    expect "and with meson test as well" 0 'Testing: 10 %'
}

# The first two wait for each other, so that they must run at the same time; the third gets the lane of one of them.
# shellcheck disable=SC2016
side_by_side() {
    project '. "$ROOT/scripts/side-by-side.sh"
        LANES=2
        told() { echo "$1 ended with $3, in lane $(cat "$2")"; }
        both="echo \$LANE; touch \"$work/lane\$LANE\"; until [ -e \"$work/lane0\" ] && [ -e \"$work/lane1\" ]; do sleep 0.05; done"
        queue_add one "$work/one.log" bash -c "$both; exit 3"
        queue_add two "$work/two.log" bash -c "$both"
        queue_add three "$work/three.log" bash -c "echo \$LANE"
        queue_run told'
    expect "as many commands as there are lanes run side by side, and each one's status is told" 0 \
        'one ended with 3, in lane 0' 'two ended with 0, in lane 1' 'three ended with 0, in lane [01]'
    project '. "$ROOT/scripts/side-by-side.sh"
        LANES=3 told=0
        told() { [ "$3" != "$1" ] || told=$((told + 1)); }
        for i in {1..21}; do queue_add $((i % 4)) "$work/$i.log" sh -c "exit $((i % 4))"; done
        queue_run told
        echo "$told are told of"'
    expect "of those that end at once, too" 0 '21 are told of'
    project '. "$ROOT/scripts/side-by-side.sh"
        LANES=2
        queue_add one "$work/one.log" bash -c "touch \"$work/begun\"; sleep 62.25; :"
        queue_add two "$work/two.log" bash -c "until [ -e \"$work/begun\" ]; do sleep 0.05; done; kill \$1; sleep 62.25; :" two $$
        queue_run true'
    expect "a signal ends what runs side by side" 130
    check "and leaves nothing running" [ -z "$(pgrep -f 'sleep 62.25')" ]
}

# shellcheck disable=SC2016
unified_kernel() {
    local stub=/usr/lib/systemd/boot/efi/linuxx64.efi.stub
    if [ ! -e $stub ]; then
        skip "a unified kernel image" "there is no $stub"
        return
    fi
    head -c 100000 /dev/urandom >"$work/kernel"
    printf 'quiet' >"$work/cmdline"
    printf 'quiet and very much longer than before' >"$work/longer"
    local make=". \"\$ROOT/scripts/unified-kernel.sh\"; cd \"\$work\"; add_sections $stub uki.efi .cmdline=cmdline .linux=kernel"
    project "$make; check_section uki.efi .linux kernel; replace_command_line uki.efi new.efi longer;
        check_section new.efi .cmdline longer; check_section new.efi .linux kernel; sections_of new.efi"
    expect "a unified kernel image has what was put into it" 0 '^.cmdline 0x' '^.linux 0x'
    check "no section overlaps another" no_overlap
    # As objcopy did with Debian 13's stub: status 0, and a section less.
    printf '%s\n' '#!/bin/bash' 'if [ "$1" = --add-section ]; then set -- "${@:5}"; fi' 'exec /usr/bin/objcopy "$@"' >"$work/bin/objcopy"
    chmod +x "$work/bin/objcopy"
    PATH=$work/bin:$PATH project "$make; echo made"
    expect "an objcopy that leaves a section out, with status 0, fails" 1 'objcopy left no section .cmdline in uki.efi'
    rm "$work/bin/objcopy"
}

# no_overlap: of the sections in $output
no_overlap() {
    local size address end=0
    while read -r _ size address; do
        [ $((address)) -ge $end ] || return 1
        end=$((address + size))
    done <<<"$output"
}

# With a stand-in for QEMU: what becomes of a VM's end. --no-svsm needs no proxy.
vm_ends() {
    local cvm=("$ROOT/start-cvm.sh" --no-svsm --igvm "$igvm" --run 'some command')
    if [ ! -x "$work/build/emulator/amd-sp/amd-sp" ]; then
        skip "the ends of a VM" "amd-sp is not built"
        return
    fi
    # shellcheck disable=SC2016 # for the stand-in
    local done='{ printf "snp-vtpm-result 7 4 3\n"; } | dd of=$job bs=1M seek=1 conv=notrunc status=none
        printf "out\nerr" | dd of=$job bs=1M seek=2 conv=notrunc status=none'
    FAKE_VM=$done run "${cvm[@]}"
    expect "the guest's command gives the script its status and output" 7 '^out$' '^err$'
    status=0
    output=$(FAKE_VM=$done "${cvm[@]}" 2>/dev/null </dev/null) || status=$?
    check "standard output has nothing but the command's" [ "$output" = out ]
    # shellcheck disable=SC2016
    FAKE_VM='dd if=$job bs=4096 skip=1 count=1 status=none | head -c 12 >&2; grep -qa "snp-vtpm-job 12" "$job" && exit 9' \
        run "${cvm[@]}"
    expect "the guest finds the command on the job disk" 210 'some command' 'status 9'
    FAKE_VM='exit 0' run "${cvm[@]}"
    expect "a VM that ends without finishing the command is reported" 210 'without finishing'
    # shellcheck disable=SC2016
    FAKE_VM='printf "svsm: [info] start\r\nsvsm: [error] the KBS refused\r\n" >"$console"; exit 0' run "${cvm[@]}"
    expect "an SVSM that refuses is quoted" 209 'the KBS refused' 'did not start the guest'
    FAKE_VM='exec sleep 60' run "${cvm[@]}" --timeout 1
    expect "a VM that does not get on is ended" 211 'did not get on for 1 seconds' 'the stage was launch' 'by the clock: launch' \
        'stood in line for a processor of the host \(load'
    # shellcheck disable=SC2016
    FAKE_VM='printf "svsm: [info] starting the guest\r\n" >"$console"; exec sleep 60' run "${cvm[@]}" --timeout 1
    expect "the message says what the VM was at" 211 'the stage was firmware'
    # shellcheck disable=SC2016
    FAKE_VM="for i in {1..30}; do echo \$i >>\$console; sleep 0.2; done; $done" run "${cvm[@]}" --timeout 2
    expect "a VM that gets on may take longer than that" 7 '^out$'
}

# With the machine's memory made up
# shellcheck disable=SC2016 # what project runs
host_memory() {
    local stand_ins='. "$ROOT/scripts/qemu.sh"; EXIT_MEMORY=216 QEMU_SNP=qemu memory=2G memory_bytes=$((2 << 30)); room_in() { echo $((1 << 40)); }'
    project '. "$ROOT/scripts/platform-emulated.sh"; '"$stand_ins"'
        available_memory() { echo $((1 << 31)); }
        TMPDIR=/a/disk emulated_run_parent
        available_memory() { echo $((1 << 40)); }
        emulated_run_parent'
    equal "the file for a VM's memory is on a disk while other programs have the memory, else in memory" "$output" $'/a/disk\n/dev/shm'
    project '. "$ROOT/scripts/platform-snp.sh"; '"$stand_ins"'
        snp_host() { :; }
        snp_qemu() { :; }
        qemu_major() { echo 11; }
        available_memory() { echo $((1 << 30)); }
        snp_check'
    expect "a real host that has too little is told so" 216 'a VM of 2G needs 2048M of memory, and there are 1024M on this machine'
}

# with_event DATA: what QEMU's monitor tells of the end, for the stand-in
with_event() { printf '%s' "echo '{\"event\": \"$1\", \"data\": {\"guest\": true, \"reason\": \"${2:-}\"}}' >\"\${job%/*}/monitor.out\""; }

vm_end_kinds() {
    local cvm=("$ROOT/start-cvm.sh" --no-svsm --igvm "$igvm") reset
    if [ ! -x "$work/build/emulator/amd-sp/amd-sp" ]; then
        skip "how a VM ended" "amd-sp is not built"
        return
    fi
    reset=$(with_event SHUTDOWN guest-reset)
    FAKE_VM=$(with_event SHUTDOWN guest-shutdown) run "${cvm[@]}"
    expect "a power-off is a good end" 0
    FAKE_VM=$reset run "${cvm[@]}" --no-reboot
    expect "a reboot ends the VM with --no-reboot" 212 'the guest rebooted'
    # shellcheck disable=SC2016 # for the stand-in
    FAKE_VM='count=$((count + $(cat "${VM_CONF%/*}/count"))); echo $((count + 1)) >"${VM_CONF%/*}/count"
        head -c 20 "$job" >>"${VM_CONF%/*}/jobs"; [ $count = 2 ] && exit 3; '$reset
    echo 0 >"$work/count"
    run env FAKE_VM="$FAKE_VM" "${cvm[@]}" --run reboot
    expect "else it starts the VM anew, as often as the guest wants" 210 'start number 2' 'start number 3' 'status 3'
    check "and the command learns the number of the boot" [ "$(tr -d '\0' <"$work/jobs" | tr '\n' ' ')" = \
        "snp-vtpm-job 6 1 snp-vtpm-job 6 2 snp-vtpm-job 6 3 " ]
    FAKE_VM=$(with_event GUEST_PANICKED) run "${cvm[@]}"
    expect "a panic is told by QEMU" 213 'kernel panicked'
    # shellcheck disable=SC2016
    FAKE_VM='echo "Kernel panic - not syncing: no init" >>"$console"; '$reset run "${cvm[@]}" --run true
    expect "a kernel without a driver for that resets the machine: its last words tell" 213 'kernel panicked' 'no init'
    FAKE_VM="$(with_event SHUTDOWN guest-shutdown); exit 37" run "${cvm[@]}"
    expect "an end by the platform is no power-off" 210 'what the platform cannot serve'
    FAKE_VM="$(with_event SHUTDOWN guest-shutdown); exit 35" run "${cvm[@]}"
    expect "a triple fault has a status of its own" 214 'triple fault' 'at the stage launch' 'CONFIG_AMD_MEM_ENCRYPT'
    # shellcheck disable=SC2016 # for the stand-in
    FAKE_VM='kill -BUS $BASHPID' run "${cvm[@]}"
    expect "an end for want of memory is told" 216 'no longer fitted into /.*SIGBUS'
    # shellcheck disable=SC2016
    FAKE_VM='kill -KILL $BASHPID' run "${cvm[@]}"
    expect "so is one by another program's hand" 210 'QEMU was killed'
    # shellcheck disable=SC2016
    FAKE_VM='echo "svsm: [info] starting the guest" >"$console"; sleep 1
        echo "BdsDxe: No bootable option or device was found." >>"$console"; exec sleep 60' run "${cvm[@]}" --run true
    expect "a disk that the firmware cannot boot ends the VM" 201 'found nothing to start' 'EFI/BOOT/BOOTX64.EFI'
    FAKE_VM='echo "Could not set up host forwarding rule tcp:127.0.0.1:80-:80" >&2; exit 1' run "${cvm[@]}" --net user,forward=80:80
    expect "a port that cannot be had is named" 215 'port that --net forwards' 'forwarding rule'
    # shellcheck disable=SC2016
    FAKE_VM='"$ROOT/start-cvm.sh" --status >"${VM_CONF%/*}/list" 2>&1; exec "$ROOT/start-cvm.sh" --no-svsm --igvm "$IGVM" >&2' \
        ROOT=$ROOT IGVM=$igvm run "${cvm[@]}"
    check "--status shows the VM that runs" grep -q '^-  *launch  *[0-9]* s  *[0-9]' "$work/list"
    check "with its image" grep -qF "state/guest.qcow2" "$work/list"
    expect "its disk is nobody else's meanwhile" 210 'in use by another VM'
    run "$ROOT/start-cvm.sh" --status
    expect "and none afterwards" 0 'No VM runs'
}

named_vms() {
    local vm=$ROOT/start-cvm.sh folder=$work/state/vms/web
    run "$vm" --name ../web
    expect "a name that is none is refused" 2 'lower-case letters'
    run "$ROOT/remanufacture-tpm.sh" --name web
    expect "a VM with a name has a volume of its own" 0 'vms/web/tpm-state.raw is blank'
    check "in its folder" [ -e "$folder/tpm-state.raw" ]
    qemu-img create -q -f qcow2 "$work/build/guest.qcow2" 1M
    run "$vm" --name web
    expect "and gets a copy of the demo guest" 202 'vms/web/guest.qcow2 is a new copy' 'no IGVM file .*vms/web/svsm.igvm' \
        'register-resource-in-kbs.sh --name web'
    run "$vm" --name web --dry-run
    expect "all its files are in its folder" 0 "file=$folder/guest.qcow2" "file=$folder/svsm.igvm" "file=$folder/tpm-state.raw"
}

devices() {
    local vm=$ROOT/start-cvm.sh text
    for text in lan user,forward=1 user,forward=0:22 user,forward=70000:22 none,forward=1:2 user,backward=1:2; do
        run "$vm" --net "$text"
        expect "--net $text is refused" 2 "--net $text"
    done
    run "$vm" --dry-run --net user,forward=2222:22,forward=0.0.0.0:80:8080
    expect "a network has the ports that were asked for" 0 'hostfwd=tcp:127.0.0.1:2222-:22.,hostfwd=tcp:0.0.0.0:80-:8080' 'virtio-net-pci'
    run "$vm" --dry-run --ssh
    expect "--ssh forwards a port, and says which" 0 'ssh -p 2[0-9]* USER@127.0.0.1' 'hostfwd=tcp:127.0.0.1:2[0-9]*-:22'
    run "$vm" --dry-run
    check "without these there is no network" [ "$(grep -c virtio-net <<<"$output")" = 0 ]
    run "$vm" --dry-run --disk "$work/one" --disk "$work/two"
    expect "other disks come after it, in their order" 0 "file=$work/one.,format=qcow2" 'drive=disk6.,addr=6.0' "file=$work/two" 'drive=disk7.,addr=7.0'
    # shellcheck disable=SC2046 # words are wanted
    run "$vm" $(printf -- "--disk $image.%s " {1..17})
    expect "too many disks are refused" 2 'at most 16'
    run "$vm" --disk "$work/none"
    expect "a missing disk is named" 201 'there is no guest image'
    qemu-img create -q -f qcow2 "$work/one" 1M
    chmod a-w "$work/one"
    run as_modes_say "$vm" --disk "$work/one"
    expect "a read-only disk is named" 201 'one cannot be written: Permission denied'
    chmod u+w "$work/one"
    run "$vm" --disk "$work/one" --disk "$work/one"
    expect "a disk is attached once" 204 'given twice'
}

# The time that QEMU's thread stands in line for a processor does not count: with a host that never gives it one, a VM that
# is silent for longer than the limit is not ended.
busy_host() {
    # shellcheck disable=SC2016
    project '
        for part in job-disk vm-devices vm-stages vm-end vm-watch; do . "$ROOT/scripts/$part.sh"; done
        LOG_DIR=$work/state/log GUEST_IMAGE=/dev/null STATE_VOLUME=/dev/null run_dir=$work console_log=$work/none signals=0 disks=()
        touch "$work/job"
        rm -f "$LOG_DIR/stages"
        queued_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
        sleep 4 & qemu_pid=$!
        wait_for_vm 1
        echo "status $status overdue $overdue"
        queued_ms() { echo 0; }
        sleep 60 & qemu_pid=$!
        wait_for_vm 1
        echo "status $status overdue $overdue"'
    expect "on a busy host a VM may be silent for longer, by the clock" 0 'status 0 overdue no'
    expect "on an idle one it is ended" 0 'status 137 overdue yes'
    # shellcheck disable=SC2016
    project '
        . "$ROOT/bench/machines.sh"
        RUN_TIMEOUT=1
        queued_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
        sleep 4 & end_when_silent $! "$work/job"
        status=0; wait $! || status=$?
        queued_ms() { echo 0; }
        sleep 60 & end_when_silent $! "$work/job"
        wait $! || echo "status $status, and $? without a host to blame"'
    expect "so is it with what the benchmark compares" 0 'status 0, and 137 without'
}

# Samples that end at all moments of the wait for them, with another process beside: each is seen, and the VM's end as well.
samples() {
    # shellcheck disable=SC2016
    project '
        for part in job-disk vm-devices vm-stages vm-end vm-watch; do . "$ROOT/scripts/$part.sh"; done
        run_dir=$work signals=0 disks=() seen=0
        sleep() { :; }
        queued_ms() { echo 0; }
        vm_phase() { echo launch; }
        vm_signs() { :; }
        nothing_to_boot() { echo no; }
        watch_take() { seen=$((seen + 1)) && { [ $seen -lt 150 ] || kill $qemu_pid; }; }
        setpriv --pdeathsig KILL sleep 600 & beside=$!
        setpriv --pdeathsig KILL sleep 600 & qemu_pid=$!
        wait_for_vm
        kill $beside
        echo "status $status after $seen samples"'
    expect "however a sample ends, the wait for the VM goes on" 0 'status 143 after 150 samples'
}

# signalled SIGNAL...: a VM whose firmware runs is sent these, one after the other. The stand-in's guest does as $guest says,
# with the buttons that were pressed in $work/buttons.
signalled() {
    local script signal
    rm -f "$work/run-dir" "$work/buttons" "$work/state/log/stages"
    # shellcheck disable=SC2016
    FAKE_VM='printf "svsm: [info] starting the guest\r\n" >"$console"; dirname "$job" >"${VM_CONF%/*}/run-dir"; '$guest \
        setpriv --pdeathsig TERM env --default-signal=INT "$ROOT/start-cvm.sh" --no-svsm --igvm "$igvm" --run true >"$work/messages" 2>&1 </dev/null &
    script=$!
    helpers+=("$script")
    until grep -q firmware "$work/state/log/stages" 2>/dev/null || ! kill -0 $script 2>/dev/null; do sleep 0.1; done
    for signal; do
        kill "-$signal" $script 2>/dev/null || true
        until grep -q 'power button' "$work/messages" || ! kill -0 $script 2>/dev/null; do sleep 0.1; done
    done
    status=0
    wait $script || status=$?
    output=$(cat "$work/messages")
}

vm_signals() {
    local guest
    if [ ! -x "$work/build/emulator/amd-sp/amd-sp" ]; then
        skip "signals that end a VM" "amd-sp is not built"
        return
    fi
    # shellcheck disable=SC2016 # for the stand-in
    guest='while read -r line; do echo "$line" >>"${VM_CONF%/*}/buttons"; [[ $line != *system_powerdown* ]] || exit 0; done <"${job%/*}/monitor.in"'
    signalled TERM
    expect "SIGTERM presses the guest's power button" 143 'Pressing the guest.s power button'
    check "by the monitor of QEMU" grep -q system_powerdown "$work/buttons"
    signalled INT
    expect "so does SIGINT" 130 'power button'
    # shellcheck disable=SC2016
    guest='[ ! -e "${VM_CONF%/*}/again" ] || exit 3; touch "${VM_CONF%/*}/again"
        while read -r line; do [[ $line != *system_powerdown* ]] || { '$(with_event SHUTDOWN guest-reset)'; exit; }; done <"${job%/*}/monitor.in"'
    signalled TERM
    expect "a guest that reboots then is not started again" 143 'power button'
    check "of which nothing is said" [ "$(grep -c 'start number' <<<"$output")" = 0 ]
    guest='exec sleep 61.25'
    signalled TERM
    expect "a guest that does not act on it is ended, and the price is named" 143 'did not power off in 2 seconds' \
        'failed authorization'
    signalled TERM TERM
    expect "a second signal ends the VM at once" 143 'ended at once, as a second signal asked' 'failed authorization'
    check "no process is left running" [ -z "$(pgrep -f "$work/state/chip|sleep 61.25")" ]
    check "no temporary file is left" [ ! -e "$(cat "$work/run-dir")" ]
}

every_script_has_help
state_volume
registration
kbs_life_cycle
vm_inputs
vm_ends
vm_end_kinds
host_memory
devices
named_vms
busy_host
samples
vm_signals
steps
side_by_side
unified_kernel
finish
