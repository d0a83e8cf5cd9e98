# SPDX-License-Identifier: MIT
# The packages of the Debian guest, as a file system in an archive: unpacked and configured, with the driver tpm_svsm
# built for Debian's kernel. To be sourced by build-debian.sh after components.sh.
#
# Kept as $CACHE_DIR/debian/KEY/root.tar, KEY being made of what the archive is made from: the versions on offer, and
# these files. "current" is the link to the newest.
# shellcheck shell=bash disable=SC2034,SC2154 # variables of those who source this, and of lib.sh

GUEST_SUITE=trixie
# Debian's 6.12 has no tpm_svsm yet. The kernel of the backports has its source, and does not build it
# (CONFIG_TCG_SVSM is not set).
GUEST_KERNEL=linux-image-amd64/$GUEST_SUITE-backports
GUEST_PACKAGES=(
    systemd systemd-sysv systemd-cryptsetup systemd-resolved udev dbus libpam-systemd
    initramfs-tools kmod zstd e2fsprogs cryptsetup-bin
    libtss2-esys-3.0.2-0 libtss2-rc0 libtss2-mu-4.0.1-0 libtss2-tcti-device0 tpm2-tools openssl
    openssh-server iproute2 ca-certificates less
    systemd-boot-efi grub-efi-amd64-bin
)
# For the driver; removed when it is built
GUEST_BUILDERS=(make binutils "linux-headers-amd64/$GUEST_SUITE-backports")

sources_of_guest() {
    local security
    security=$(own_suites | sed -n 's/^\([^ ]*\) [^ ]* Debian-Security$/\1/p' | sed -n 1p)
    printf "$1 %s\n" $GUEST_SUITE $GUEST_SUITE-updates $GUEST_SUITE-backports
    [ -z "$security" ] || echo "$security $GUEST_SUITE-security"
}

# packages_key: of what is on offer, and of what is made of it
packages_key() {
    {
        private_apt guest apt-cache madison linux-image-amd64 "${GUEST_PACKAGES[@]}"
        cat "$ROOT"/guest/debian/packages.sh "$ROOT"/guest/debian/module/*
    } | sha256sum | cut -c 1-16
}

# driver_source FOLDER: the two files of tpm_svsm, of the very version of the kernel
driver_source() {
    local version archive folder
    version=$(versions_on_offer guest linux-image-amd64 | sed -n 1p)
    new_enough kernel-source "$version" || die "the mirror's newest kernel for $GUEST_SUITE is $version, and $KERNEL_OLDEST or newer is needed"
    if [ "$(version_of kernel-source)" = "$version" ]; then
        archive=$CACHE_DIR/kernel-source/current
    else
        archive=$1/source
        VIEW[kernel-source]=guest
        unpack kernel-source "$archive" "$version"
    fi
    # In the order of the archive, of which tar reads no more than it needs
    archive=$(echo "$archive"/linux-source-*.tar.xz)
    folder=$(basename "$archive" .tar.xz)/drivers/char/tpm
    tar -xJf "$archive" -C "$1" --strip-components=4 --occurrence=1 "$folder"/tpm{.h,_svsm.c}
    rm -rf "$1/source"
}

# build_packages ARCHIVE
build_packages() {
    local work=$1.building
    rm -rf "$work"
    mkdir -p "$work"
    cp -r "$ROOT/guest/debian/module" "$work/tpm_svsm"
    driver_source "$work/tpm_svsm"
    # No initrd and no list of modules yet: they are made once, when all that goes into them is there.
    # shellcheck disable=SC2016 # mmdebstrap's shell expands it
    mmdebstrap --mode=root --variant=minbase --format=tar \
        --aptopt='APT::Install-Recommends "false"' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --include="$(IFS=, && echo "${GUEST_PACKAGES[*]},${GUEST_BUILDERS[*]},$GUEST_KERNEL")" \
        --essential-hook='for program in update-initramfs depmod; do
            chroot "$1" dpkg-divert --quiet --local --rename --add /usr/sbin/$program && ln -s /bin/true "$1/usr/sbin/$program"
        done' \
        --customize-hook="copy-in '$work/tpm_svsm' /root" \
        --customize-hook='for program in update-initramfs depmod; do
            rm "$1/usr/sbin/$program" && chroot "$1" dpkg-divert --quiet --local --rename --remove /usr/sbin/$program
        done' \
        --customize-hook='chroot "$1" sh /root/tpm_svsm/build && rm -r "$1/root/tpm_svsm"' \
        $GUEST_SUITE "$1.new" "$CACHE_DIR/apt/guest/sources.list"
    rm -r "$work"
    mv "$1.new" "$1"
}

# guest_packages: the archive $guest_archive, built unless it is there
guest_packages() {
    local folder trouble log=$CACHE_DIR/debian/build.log
    mkdir -p "$CACHE_DIR/debian"
    if open_view guest; then
        folder=$CACHE_DIR/debian/$(packages_key)
        if [ ! -e "$folder/root.tar" ]; then
            mkdir -p "$folder"
            run_logged "Installing Debian ($GUEST_SUITE) in a folder (minutes)" "$log" build_packages "$folder/root.tar"
        fi
        ln -sfn "$folder" "$CACHE_DIR/debian/current"
        find "$CACHE_DIR/debian" -mindepth 1 -maxdepth 1 -type d ! -path "$folder" -exec rm -r {} +
    else
        mapfile -t trouble <"$(unreadable_view guest)"
        [ -e "$CACHE_DIR/debian/current/root.tar" ] || die "Debian's packages cannot be had: ${trouble[0]}" "${trouble[@]:1}"
        note "no newer packages were looked for: ${trouble[0]}"
    fi
    guest_archive=$CACHE_DIR/debian/current/root.tar
}
