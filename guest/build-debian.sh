#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds the disk of a Debian guest (Debian 13, "trixie") from Debian's packages alone.
#
#   guest/build-debian.sh --authorized-keys ~/.ssh/id_ed25519.pub debian.qcow2
#   ./start-cvm.sh --image debian.qcow2 --memory 1G --ssh
#
# usage: guest/build-debian.sh [OPTION]... IMAGE.qcow2
#
#   --authorized-keys FILE  root logs in by SSH with these public keys
#   --open                  for trials: root logs in at the console without a password, and the guest runs the command of
#                           start-cvm.sh --run. Both come from the host, which so can do what it wants in the guest
#   --boot-loader NAME      uki (the default): one unified kernel image, started by the firmware: kernel, initrd and
#                           command line are in it
#                           grub: GRUB, with kernel and initrd on the root file system
#   --pcr-key FILE          signs what PCR 11 will be, with this RSA key (PEM), for policies that outlive an update;
#                           uki only
#   --append WORDS          more words on the kernel's command line
#   --include PACKAGES      more of Debian's packages, with what they depend on; separated by commas
#   --data SIZE             an empty partition "data" of that size, for a LUKS volume (default: 256M)
#   --cached                an image that was built before from the same things is copied, and a new one is kept with the
#                           packages; the newest eight are
#   -h, --help              this text
#
# It needs root or sudo, mmdebstrap, and a mirror of Debian, which is taken from this machine's configuration of apt. The
# packages are unpacked and configured once, and kept in ~/.cache/snp-vtpm/debian (XDG_CACHE_HOME is obeyed) until there are
# newer ones.
#
# Exit status: 0 done, 1 something failed (the message says what), 2 usage.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../scripts/lib.sh"
. "$ROOT/scripts/packages.sh"
. "$ROOT/scripts/debian-suites.sh"
. "$ROOT/scripts/qemu.sh"
. "$ROOT/scripts/components.sh"
. "$ROOT/scripts/unified-kernel.sh"
. "$ROOT/scripts/disk-image.sh"
. "$ROOT/guest/debian/packages.sh"

# The identifiers are constants: an updated kernel image finds the disk of an older one.
disk_id=7b1f9c52-0d6e-4c1b-8f43-2a6f1c9d5e00
esp_id=7b1f9c52-0d6e-4c1b-8f43-2a6f1c9d5e01
root_id=7b1f9c52-0d6e-4c1b-8f43-2a6f1c9d5e02
data_id=7b1f9c52-0d6e-4c1b-8f43-2a6f1c9d5e03
esp_mib=96
root_mib=1536
KEPT_IMAGES=8

# Under emulation a disk and a service can take longer than the 90 s that systemd waits.
command_line="root=PARTUUID=$root_id ro console=ttyS0 quiet loglevel=3 panic=-1 systemd.default_device_timeout_sec=900"
command_line+=" systemd.default_timeout_start_sec=900"

arguments=("$@")
authorized_keys='' open=no boot_loader=uki pcr_key='' include=() data=256M cached=no image=''
while [ $# != 0 ]; do
    case $1 in
        --authorized-keys) authorized_keys=$(option_value "$@"); shift ;;
        --open) open=yes ;;
        --boot-loader) boot_loader=$(option_value "$@"); shift ;;
        --pcr-key) pcr_key=$(option_value "$@"); shift ;;
        --append) command_line+=" $(option_value "$@")"; shift ;;
        --include) IFS=, read -ra include <<<"$(option_value "$@")"; shift ;;
        --cached) cached=yes ;;
        --data) data=$(option_value "$@"); shift ;;
        -h | --help) show_usage; exit ;;
        -*) usage_error "unknown option $1" ;;
        *) [ -z "$image" ] || usage_error "two images: $image and $1"; image=$1 ;;
    esac
    shift
done
[ -n "$image" ] || usage_error "no image is named"
[ -d "$(dirname "$image")" ] || usage_error "there is no folder $(dirname "$image")"
[ -n "$authorized_keys" ] || [ $open = yes ] || usage_error "nobody could log in: give --authorized-keys or --open"
[ -z "$authorized_keys" ] || ssh-keygen -l -f "$authorized_keys" >/dev/null 2>&1 ||
    usage_error "--authorized-keys $authorized_keys is no file of public keys"
[[ $boot_loader =~ ^(uki|grub)$ ]] || usage_error "--boot-loader $boot_loader: there are uki and grub"
[ -z "$pcr_key" ] || [ "$boot_loader" = uki ] || usage_error "--pcr-key: GRUB measures nothing into PCR 11"
[ -z "$pcr_key" ] || openssl rsa -in "$pcr_key" -noout 2>/dev/null </dev/null ||
    usage_error "--pcr-key $pcr_key is no RSA private key in PEM, or has a passphrase"
for package in "${include[@]}"; do
    [[ $package =~ ^[a-z0-9][a-z0-9.+-]+$ ]] || usage_error "--include: $package is no name of a package"
done
data_bytes=$(bytes_of "$data") || usage_error "--data $data is no size such as 256M"
if [ "$data_bytes" = 0 ] || [ $((data_bytes % (1 << 20))) != 0 ]; then usage_error "--data $data is no multiple of 1M"; fi

[ "$(id -u)" = 0 ] || {
    command -v sudo >/dev/null || die "this needs root, and there is no sudo" "run it as root"
    exec sudo XDG_CACHE_HOME="${CACHE_DIR%/snp-vtpm}" "$ROOT/guest/build-debian.sh" "${arguments[@]}"
}
for program in mmdebstrap mkfs.vfat mcopy sfdisk qemu-img objcopy; do
    command -v $program >/dev/null || die "there is no $program" \
        "apt-get install mmdebstrap, and ./prepare.sh --fetch-only for the rest"
done

mkdir -p "$CACHE_DIR"
exec 9>"$CACHE_DIR/debian.lock"
flock -n 9 || {
    say "Waiting for another build-debian.sh to end."
    flock 9
}
guest_packages

# What goes into an image beside the archive, in whose folder it is kept
image_key() {
    {
        printf '%s\n' "$command_line" $open "$boot_loader" "$data_bytes" "${include[*]}"
        [ ${#include[@]} = 0 ] || private_apt guest apt-cache madison "${include[@]}"
        cat ${authorized_keys:+"$authorized_keys"} ${pcr_key:+"$pcr_key"}
        cd "$ROOT"
        find guest/{build-debian.sh,debian,rootfs/usr/sbin/run-job} scripts/{unified-kernel,disk-image}.sh -type f |
            sort | xargs sha256sum
    } </dev/null | sha256sum | cut -c 1-16
}

# give_image FILE: the image is that file, and belongs to whom its folder belongs to
give_image() {
    chown --reference="$(dirname "$image")" "$1"
    mv "$1" "$image"
}

kept=''
if [ $cached = yes ]; then
    kept=$(dirname "$guest_archive")/images/$(image_key).qcow2
    mkdir -p "$(dirname "$kept")"
    if [ -e "$kept" ]; then
        touch "$kept"
        cp --sparse=always "$kept" "$image.new"
        give_image "$image.new"
        exit
    fi
fi

work=$(mktemp -d "$(dirname "$image")/debian.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root

# more_packages PACKAGE...: fetched by this machine's apt, unpacked and configured in the guest, where no service is started
more_packages() {
    local log=$CACHE_DIR/debian/include.log policy=$root/usr/sbin/policy-rc.d
    mkdir -p "$root/var/cache/apt/archives/partial"
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    DEBIAN_FRONTEND=noninteractive private_apt guest apt-get -q -y --no-install-recommends \
        -o Dir::State::status="$root/var/lib/dpkg/status" -o Dir::State::extended_states="$root/var/lib/apt/extended_states" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::archives="$root/var/cache/apt/archives" -o Dir::Log="$root/var/log/apt" \
        -o DPkg::Chroot-Directory="$root" install "$@" >"$log" 2>&1 </dev/null ||
        die "--include $*: they cannot be installed" "$(grep '^E: ' "$log" | tail -n 1)" "apt's own words are in $(shown "$log")"
    rm -f "$policy" "$root"/var/cache/apt/archives/*.deb
}

# systemctl would warn that there is no /proc.
in_guest() { chroot "$root" env PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_LOG_LEVEL=err "$@"; }

root_files() {
    mkdir "$root"
    tar -xf "$guest_archive" -C "$root" --xattrs --numeric-owner
    [ ${#include[@]} = 0 ] || more_packages "${include[@]}"
    cp -r "$ROOT/guest/debian/rootfs/." "$root/"
    echo debian >"$root/etc/hostname"
    printf '127.0.0.1\tlocalhost debian\n' >"$root/etc/hosts"
    : >"$root/etc/machine-id" # each guest has its own
    rm -f "$root"/etc/ssh/ssh_host_*
    ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
    printf 'PARTUUID=%s / ext4 defaults 0 1\n' $root_id >"$root/etc/fstab"
    in_guest systemctl -q enable systemd-networkd systemd-resolved ssh ssh-host-key
    # Waiting for the network is not needed, and would take its time out without one. There is no LVM whose snapshots
    # e2scrub could have left.
    in_guest systemctl -q mask systemd-networkd-wait-online e2scrub_reap
    if [ -n "$authorized_keys" ]; then
        install -d -m 700 "$root/root/.ssh"
        install -m 600 "$authorized_keys" "$root/root/.ssh/authorized_keys"
    fi
    if [ $open = yes ]; then
        cp -r "$ROOT/guest/debian/open/." "$root/"
        install -m 755 "$ROOT/guest/rootfs/usr/sbin/run-job" "$root/usr/sbin/run-job"
        in_guest systemctl -q enable run-job
        in_guest passwd -q -d root
    fi
    kernel_version=$(ls "$root/lib/modules")
    in_guest mkinitramfs -o "/boot/initrd.img-$kernel_version" "$kernel_version"
    say "    initrd: $(($(stat -c %s "$root/boot/initrd.img-$kernel_version") >> 10)) KiB"
}

unified_kernel() {
    local sections=() measured=() section stub=$root/usr/lib/systemd/boot/efi/linuxx64.efi.stub
    printf '%s' "$command_line" >"$work/cmdline"
    printf '%s' "$kernel_version" >"$work/uname"
    cp "$root/usr/lib/os-release" "$work/osrel"
    cp "$root/boot/initrd.img-$kernel_version" "$work/initrd"
    cp "$root/boot/vmlinuz-$kernel_version" "$work/linux"
    sections=(.osrel="$work/osrel" .cmdline="$work/cmdline" .uname="$work/uname" .initrd="$work/initrd")
    if [ -n "$pcr_key" ]; then
        # By the guest's own tool, which knows what the guest's stub measures. systemd measures into PCR 11 how far the boot is,
        # too. A volume with nofail is waited for by nobody, and may be opened at any of these points.
        mkdir "$root/tmp/uki"
        read_section "$stub" .sbat "$work/sbat"
        openssl rsa -in "$pcr_key" -pubout -out "$work/pcrpkey" 2>/dev/null
        for section in osrel cmdline uname initrd linux sbat pcrpkey; do
            cp "$work/$section" "$root/tmp/uki/$section"
            measured+=("--$section=/tmp/uki/$section")
        done
        install -m 600 "$pcr_key" "$root/tmp/uki/key"
        in_guest /usr/lib/systemd/systemd-measure sign "${measured[@]}" --bank=sha256 \
            --phase= --phase=sysinit --phase=sysinit:ready --private-key=/tmp/uki/key --public-key=/tmp/uki/pcrpkey >"$work/pcrsig"
        rm -r "$root/tmp/uki"
        sections+=(.pcrpkey="$work/pcrpkey" .pcrsig="$work/pcrsig")
    fi
    # The kernel is last: nothing lies behind it that it could overwrite.
    add_sections "$stub" "$work/bootx64.efi" "${sections[@]}" .linux="$work/linux"
}

# GRUB as Debian builds it whole; it looks for this configuration on the EFI system partition.
grub() {
    cp "$root/usr/lib/grub/x86_64-efi/monolithic/grubx64.efi" "$work/bootx64.efi"
    cat >"$work/grub.cfg" <<END
set timeout=0
search --no-floppy --set=root --label root
menuentry Debian {
    linux /boot/vmlinuz-$kernel_version $command_line
    initrd /boot/initrd.img-$kernel_version
}
END
}

system_partition() {
    esp_create "$work/esp" $esp_mib 7b1f9c52
    mcopy -i "$work/esp" "$work/bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
    [ "$boot_loader" = uki ] || {
        mmd -i "$work/esp" ::/EFI/debian
        mcopy -i "$work/esp" "$work/grub.cfg" ::/EFI/debian/grub.cfg
    }
}

step "Building $(shown "$image")"
root_files
case $boot_loader in
    uki) unified_kernel ;;
    grub) grub ;;
esac
system_partition
truncate -s ${root_mib}M "$work/rootfs"
mke2fs -q -t ext4 -L root -U $root_id -m 0 -E lazy_itable_init=0 -d "$root" "$work/rootfs"
truncate -s "$data_bytes" "$work/data"
disk_create "$work/disk.qcow2" $disk_id "$work/esp uefi $esp_id esp" "$work/rootfs linux $root_id root" \
    "$work/data linux $data_id data"
[ -z "$kept" ] || {
    cp --sparse=always "$work/disk.qcow2" "$kept.new"
    mv "$kept.new" "$kept"
    find "$(dirname "$kept")" -type f -printf '%T@ %p\n' | sort -rn | sed "1,${KEPT_IMAGES}d; s/[^ ]* //" | xargs -r rm -f
}
give_image "$work/disk.qcow2"
