#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian as guest: what is on its disk; it starts without a failed unit, is reached by SSH, and its LUKS volumes open at each boot
# without a question: one by literal PCRs, one by a signature for PCR 11. Not with another command line, kernel or TPM. With
# GRUB, too.
#
# usage: tests/full/debian.sh [PART]...
#
#   PART   image, volumes, grub (default: all)
#
# A boot takes minutes under emulation. The images are built once, and kept (guest/build-debian.sh --cached).
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/full/debian-vm.sh"
. "$ROOT/scripts/guest-disk.sh"

# The guest's side. The passphrase is what a volume's owner keeps for bad days; boots use the TPM's slot.
# shellcheck disable=SC2016 # for the guest
VOLUME_FUNCTIONS='
# seal_volume NAME DEVICE CRYPTENROLL_OPTION...: a new volume, opened at each boot from now on
seal_volume() {
    name=$1 device=$2
    shift 2
    (umask 077 && printf secret >/root/passphrase)
    cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$device" /root/passphrase &&
        systemd-cryptenroll --unlock-key-file=/root/passphrase --tpm2-device=auto "$@" "$device" &&
        cryptsetup open --key-file /root/passphrase "$device" "$name" && mkfs.ext4 -q "/dev/mapper/$name" || return 1
    echo "$name UUID=$(cryptsetup luksUUID "$device") - tpm2-device=auto,headless=true,nofail" >>/etc/crypttab
    echo "/dev/mapper/$name /$name ext4 nofail 0 2" >>/etc/fstab
    mkdir "/$name" && mount "/dev/mapper/$name" "/$name" && echo "secret of $name" >"/$name/secret" && umount "/$name"
}
# secrets NAME...: of the volumes that this boot opens. The boot waits for none of them.
secrets() {
    for name; do
        until state=$(systemctl show -P ActiveState "systemd-cryptsetup@$name") && [ "$state" = active -o "$state" = failed ]; do
            sleep 1
        done
        [ "$state" = failed ] || { systemctl start "$name.mount" && cat "/$name/secret"; }
    done
}
reasons() { journalctl -b -o cat -u "systemd-cryptsetup@*" | grep -iE "tpm|pcr|signature"; }
'

both_secrets=$'secret of literal\nsecret of signed'

UNIFIED_KERNEL=EFI/BOOT/BOOTX64.EFI

# esp_get IMAGE NAME FILE, esp_put FILE IMAGE NAME: a file of the EFI system partition, as an owner would install another one
esp_get() {
    qemu-img convert -q -O raw "$1" "$work/disk"
    mcopy -n -o -i "$work/disk@@1M" "::/$2" "$3"
    rm "$work/disk"
}
esp_put() {
    qemu-img convert -q -O raw "$2" "$work/disk"
    mcopy -o -i "$work/disk@@1M" "$1" "::/$3"
    qemu-img convert -q -O qcow2 "$work/disk" "$2"
    rm "$work/disk"
}

keys() {
    local key
    kept_key ssh ssh-keygen -q -t ed25519 -N '' -f
    ssh_key=$key
    kept_key pcr openssl genrsa -out
    pcr_key=$key
    kept_key other-pcr openssl genrsa -out
    other_pcr_key=$key
}

# build_signed IMAGE PCR_KEY [OPTION]...
build_signed() { build_debian "$1" --authorized-keys "$ssh_key.pub" --pcr-key "$2" "${@:3}"; }

# update_signed_by PCR_KEY: $work/changed.qcow2 is the first image after an update
update_signed_by() {
    build_signed "$work/other.qcow2" "$1" --append updated=1
    esp_get "$work/other.qcow2" $UNIFIED_KERNEL "$work/update.efi"
    rm "$work/other.qcow2"
    changed_image "$work/update.efi"
}

# in_root COMMAND: debugfs's, on the root file system of $work/disk
in_root() { debugfs -R "$1" "$work/disk?offset=$root_at" 2>/dev/null; }

# An image, looked at without a VM
image() {
    local table root_at
    build_signed "$work/debian.qcow2" "$pcr_key"
    qemu-img convert -q -O raw "$work/debian.qcow2" "$work/disk"
    table=$(sfdisk --json "$work/disk")
    equal "the image has three partitions" "$(jq -r '.partitiontable.partitions | map(.name) | join(" ")' <<<"$table")" 'esp root data'
    mcopy -n -o -i "$work/disk@@1M" "::/$UNIFIED_KERNEL" "$work/kernel.efi"
    read_section "$work/kernel.efi" .pcrsig "$work/pcrsig"
    equal "PCR 11 is signed for three points of the boot" "$(tr -d '\0' <"$work/pcrsig" | jq '.sha256 | map(.sig) | unique | length')" 3
    read_section "$work/kernel.efi" .pcrpkey "$work/pcrpkey"
    check "by the key that was given" cmp <(openssl rsa -in "$pcr_key" -pubout 2>/dev/null) <(tr -d '\0' <"$work/pcrpkey")
    read_section "$work/kernel.efi" .cmdline "$work/cmdline"
    check "the command line names the root" grep -q 'root=PARTUUID=' "$work/cmdline"
    root_at=$((512 * $(jq '.partitiontable.partitions[1].start' <<<"$table")))
    equal "the keys of --authorized-keys are root's" "$(in_root 'cat /root/.ssh/authorized_keys')" "$(cat "$ssh_key.pub")"
    equal "no host key of SSH's is in it, which all guests would share" "$(in_root 'ls -p /etc/ssh' | grep -o 'ssh_[^/]*' | sort)" $'ssh_config\nssh_config.d'
    equal "nor a machine's identity" "$(in_root 'cat /etc/machine-id')" ''
    rm "$work/disk"
    run "$ROOT/guest/build-debian.sh" --open --include no-such-package "$work/none.qcow2"
    expect "a package that there is not is named" 1 'no-such-package: they cannot be installed' 'E: Unable to locate package'
    equal "and nothing is left of that image" "$(compgen -G "$work/none*"; compgen -G "$work/debian.??????")" ''
    one_at_a_time
}

# Another one that uses the same packages is waited for.
one_at_a_time() {
    local builder lock
    exec {lock}>"$CACHE_DIR/debian.lock"
    flock $lock
    build_signed "$work/second.qcow2" "$pcr_key" {lock}>&- &
    builder=$!
    until grep -qs 'Waiting for another build-debian.sh' "$work/build.log" || ! kill -0 $builder 2>/dev/null; do sleep 0.1; done
    check "while another image is built, the script waits" kill -0 $builder
    exec {lock}>&-
    check "and then it goes on" wait $builder
    check "with the same image" cmp "$work/debian.qcow2" "$work/second.qcow2"
    rm "$work/second.qcow2"
}

serve_file() {
    test_port
    mkdir "$work/served"
    echo "a file of this machine" >"$work/served/file"
    setpriv --pdeathsig KILL busybox httpd -f -p "127.0.0.1:$port" -h "$work/served" &
}

# log_in COMMAND: by SSH as root, as soon as the guest's server answers; fails when the VM ends before
log_in() {
    local guest_port
    await 'waiting for a login' || return 1
    guest_port=$(sed -n 's/.*: ssh -p \([0-9]*\) .*/\1/p' "$work/vm-messages")
    until run ssh -q -p "$guest_port" -i "$ssh_key" -o BatchMode=yes -o UserKnownHostsFile="$work/known-hosts" \
        -o StrictHostKeyChecking=accept-new root@127.0.0.1 "$1" && [ $status = 0 ]; do
        kill -0 "$vm" 2>/dev/null || return 1
        sleep 1
    done
}

first_boots() {
    serve_file
    # shellcheck disable=SC2016 # for the guest
    debian_start "$VOLUME_FUNCTIONS"'
started >>/root/started
if [ $BOOT = 1 ]; then
    seal_volume literal /dev/disk/by-partlabel/data --tpm2-pcrs=0+1+2+3+4+7 --tpm2-public-key= || fail literal
    seal_volume signed /dev/vdc --tpm2-pcrs= --tpm2-public-key=/run/systemd/tpm2-pcr-public-key.pem --tpm2-public-key-pcrs=11 || fail signed
    restart
fi
emit started </root/started
readlink -f /sys/class/tpm/tpm0/device | emit driver
secrets literal signed | emit secrets
bash -c "exec 3<>/dev/tcp/10.0.2.2/'"$port"' && printf \"GET /file HTTP/1.0\r\n\r\n\" >&3 && cat <&3" | emit fetched
systemctl suspend 2>&1 | emit suspended
systemd-analyze >&2
reasons >&2
echo "waiting for a login" >/dev/console
until [ -e /run/logged-in ] && [ -z "$(ss -Htn state established sport = :22)" ]; do sleep 1; done' "$work/debian.qcow2" --disk "$work/second.qcow2" --ssh
    check "root logs in by SSH" log_in 'readlink -f /sys/class/tpm/tpm0/device && touch /run/logged-in'
    equal "and sees the SVSM's TPM" "$output" /sys/devices/platform/tpm-svsm
    vm_status
    expect "Debian enrolls its volumes and starts again" 0
    equal "both times systemd is content, and no unit failed" "$(section started)" $'running\nrunning'
    equal "its TPM is the SVSM's" "$(section driver)" /sys/devices/platform/tpm-svsm
    equal "the second boot opened both volumes" "$(section secrets)" "$both_secrets"
    check "it does not suspend, from which nothing would wake it" grep -q 'disabled by config' <(section suspended)
    check "the guest reaches this machine by the network" grep -q 'a file of this machine' <(section fetched)
}

# opens NAME IMAGE SECRETS [REASON]: a start of the image opens these volumes, and systemd says for the others why not
opens() {
    debian "$VOLUME_FUNCTIONS"'secrets literal signed | emit secrets; reasons | emit reasons' "$2" --disk "$work/second.qcow2" --net user
    equal "$1" "$status $(section secrets)" "0 $3"
    [ $# = 3 ] || check "$1: systemd says so" grep -qE "$4" <(section reasons)
}

# changed_image: $work/changed.qcow2 with that boot loader
changed_image() {
    cp "$work/debian.qcow2" "$work/changed.qcow2"
    esp_put "$1" "$work/changed.qcow2" $UNIFIED_KERNEL
}

# One byte of the kernel's name in the kernel, which nothing looks at; signature and command line are those of the other.
change_kernel() {
    local at
    esp_get "$work/debian.qcow2" $UNIFIED_KERNEL "$work/changed.efi"
    at=$(grep -abo 'debian-kernel@' "$work/changed.efi" | sed -n '1s/:.*//p')
    flip "$work/changed.efi" "$at"
}

changes() {
    local refused='Failed to unseal secret using TPM2'
    extend_command_line "$work/debian.qcow2" "$work/changed.qcow2" changed=1
    opens "another command line opens neither" "$work/changed.qcow2" '' "$refused"
    change_kernel
    changed_image "$work/changed.efi"
    opens "another kernel opens neither" "$work/changed.qcow2" '' "$refused"
    update_signed_by "$pcr_key"
    opens "an update that is signed opens the volume with the signed policy, and not the literal one" "$work/changed.qcow2" \
        "secret of signed" "$refused"
    update_signed_by "$other_pcr_key"
    opens "one that is signed with another key opens neither" "$work/changed.qcow2" ''
    opens "the first image still opens both" "$work/debian.qcow2" "$both_secrets"
    "$ROOT/remanufacture-tpm.sh" --yes 2>/dev/null
    opens "another TPM opens neither" "$work/debian.qcow2" ''
}

volumes() {
    build_signed "$work/debian.qcow2" "$pcr_key"
    qemu-img create -q -f qcow2 "$work/second.qcow2" 64M
    first_boots
    changes
}

grub() {
    build_debian "$work/grub.qcow2" --boot-loader grub
    # shellcheck disable=SC2016 # for the guest
    debian "$VOLUME_FUNCTIONS"'
[ $BOOT != 1 ] || { seal_volume literal /dev/disk/by-partlabel/data --tpm2-pcrs=0+1+2+3+4+7+8+9 || fail literal; restart; }
started; secrets literal' "$work/grub.qcow2"
    equal "with GRUB, too, Debian runs and its volume opens" "$status $(cat "$work/output")" $'0 running\nsecret of literal'
    esp_get "$work/grub.qcow2" EFI/debian/grub.cfg "$work/grub.cfg"
    sed -i '/^ *linux /s/$/ changed=1/' "$work/grub.cfg"
    esp_put "$work/grub.cfg" "$work/grub.qcow2" EFI/debian/grub.cfg
    debian "$VOLUME_FUNCTIONS"'grep -q changed=1 /proc/cmdline && secrets literal' "$work/grub.qcow2"
    equal "with another command line in its configuration it does not" "$status $(cat "$work/output")" '0 '
}

[ $# != 0 ] || set -- image volumes grub
vm_make_with_svsm
keys
for part; do "$part"; done
finish
