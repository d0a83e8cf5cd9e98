# SPDX-License-Identifier: MIT
# What comes from Debian's moving suites: QEMU, the firmware, the kernel's source, libtpms. To be sourced after
# debian-suites.sh and qemu.sh.
#
# A component NAME is kept in $CACHE_DIR/NAME:
#
#   VERSION/      what was unpacked, and the file "version"; the file "proven" once a VM ran with it here
#   current       link to the one in use
#   previous      link to the one that was in use, and worked, before
#   refused       versions that did not work here, a line each
#
# Taken is the highest version that the suites offer. One that cannot be unpacked or used is refused, and the next is
# tried: what was in use before, then a tested version (scripts/tested-versions), then the others.
# shellcheck shell=bash disable=SC2034 # for those who source this

COMPONENTS=(qemu ovmf kernel-source libtpms)
declare -A TITLE=([qemu]=QEMU [ovmf]="the firmware" [kernel-source]="the kernel's source" [libtpms]=libtpms)
declare -A PACKAGE=([qemu]=qemu-system-x86 [ovmf]=ovmf-generic [kernel-source]=linux-source [libtpms]=libtpms-dev)
declare -A VIEW=([qemu]=host [ovmf]=newest [kernel-source]=newest [libtpms]=newest)
# The driver tpm_svsm came with this.
KERNEL_OLDEST=6.16

# So many versions of one are tried.
CANDIDATES_MAX=4
STATUS_NOT_FETCHED=3

# file_name VERSION: without what a file name should not have
file_name() { printf '%s' "${1//[:~+]/_}"; }

folder_of() { echo "$CACHE_DIR/$1/$(file_name "$2")"; }
version_of() { cat "$CACHE_DIR/$1/${2:-current}/version" 2>/dev/null || true; }
is_here() { [ -e "$CACHE_DIR/$1/${2:-current}/version" ]; }

tested_versions() { sed -nE "s/^$1 +//p" "$ROOT/scripts/tested-versions"; }
is_tested() { tested_versions "$1" | grep -xF -- "$2" >/dev/null; }
is_refused() { grep -xsF -- "$2" "$CACHE_DIR/$1/refused" >/dev/null; }
# is_new NAME: whether nothing speaks for the version in use yet
is_new() { is_here "$1" && ! is_tested "$1" "$(version_of "$1")" && [ ! -e "$CACHE_DIR/$1/current/proven" ]; }

# new_enough NAME VERSION
new_enough() {
    case $1 in
        qemu) dpkg --compare-versions "${2#*:}" ge "$QEMU_OLDEST" ;;
        kernel-source) dpkg --compare-versions "$2" ge $KERNEL_OLDEST ;;
    esac
}

# candidates NAME: versions in the order in which they are to be tried
candidates() {
    local name=$1 offered version
    offered=$(versions_on_offer "${VIEW[$name]}" "${PACKAGE[$name]}")
    {
        sed -n 1p <<<"$offered"
        version_of "$name"
        version_of "$name" previous
        grep -xFf <(tested_versions "$name" | grep .) <<<"$offered" || true
        echo "$offered"
    } | awk 'NF && !seen[$0]++' | while read -r version; do
        is_refused "$name" "$version" || ! new_enough "$name" "$version" || echo "$version"
    done | sed -n "1,${CANDIDATES_MAX}p"
}

# unpack NAME FOLDER VERSION: fetches it into the new folder. Ends with STATUS_NOT_FETCHED when the mirror does not give it.
unpack() {
    local name=$1 folder=$2 version=$3
    rm -rf "$folder"
    mkdir -p "$folder"
    "unpack_$name" "$folder" "$version"
    echo "$version" >"$folder/version"
}

# fetch_deb VIEW FOLDER PACKAGE=VERSION
fetch_deb() { download "$@" || exit $STATUS_NOT_FETCHED; }

unpack_ovmf() {
    fetch_deb newest "$1" "ovmf-generic=$2"
    dpkg-deb --fsys-tarfile "$1"/*.deb | tar -xO ./usr/share/ovmf/OVMF.fd >"$1/OVMF.fd"
    rm "$1"/*.deb
}

unpack_kernel-source() {
    local package
    package=$(private_apt newest apt-cache show "linux-source=$2" | sed -n 's/^Depends: \([^ ]*\).*/\1/p')
    fetch_deb newest "$1" "$package=$2"
    dpkg-deb --fsys-tarfile "$1"/*.deb | tar -x -C "$1" --strip-components=3 --wildcards './usr/src/*.tar.xz'
    rm "$1"/*.deb
}

unpack_libtpms() {
    fetch_deb newest "$1" "libtpms-dev=$2"
    dpkg-deb -x "$1"/*.deb "$1/root"
    rm "$1"/*.deb
    is_tested libtpms "$2" || try_libtpms "$1"
}

# try_libtpms FOLDER: builds the TPM with it, natively, and runs tpm2-tools against that
try_libtpms() {
    meson setup "$1/trial" "$ROOT" -Dlibtpms="$1"
    ninja -C "$1/trial" services/tpm/tpm
    "$ROOT/tests/unit/services/tpm_tools.sh" "$1/trial/services/tpm/tpm"
    rm -r "$1/trial"
}

# qemu-system-x86_64 in the folder is a wrapper for the unpacked packages.
unpack_qemu() {
    unpack_with_dependencies "$1" "qemu-system-x86=$2" "qemu-system-common=$2" qemu-system-data seabios
    write_qemu_wrapper "$1"
    "$1/qemu-system-x86_64" --version
}

write_qemu_wrapper() {
    cat >"$1/qemu-system-x86_64" <<'END'
#!/bin/sh
root=$(dirname "$(readlink -f "$0")")/root
libraries=$root/usr/lib/x86_64-linux-gnu
LD_LIBRARY_PATH=$libraries:$root/lib/x86_64-linux-gnu QEMU_MODULE_DIR=$libraries/qemu \
    exec "$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" "$@"
END
    chmod +x "$1/qemu-system-x86_64"
}

# use NAME VERSION: makes it the current one
use() {
    local name=$1 folder
    folder=$(folder_of "$name" "$2")
    if is_here "$name" && [ "$(version_of "$name")" != "$2" ] && ! is_new "$name" &&
        ! is_refused "$name" "$(version_of "$name")"; then
        ln -sfn "$(readlink -f "$CACHE_DIR/$name/current")" "$CACHE_DIR/$name/previous"
    fi
    ln -sfn "$folder" "$CACHE_DIR/$name/current"
}

# refuse NAME VERSION WHY
refuse() {
    echo "$2" >>"$CACHE_DIR/$1/refused"
    note "${PACKAGE[$1]} $2 is not used: $3"
}

# obtain NAME: makes the first candidate that works the current one; fails when there is none
obtain() {
    local name=$1 versions version folder status
    mkdir -p "$CACHE_DIR/$name"
    versions=$(candidates "$name")
    for version in $versions; do
        folder=$(folder_of "$name" "$version")
        if [ ! -e "$folder/version" ]; then
            status=0
            unpack "$name" "$folder.new" "$version" &
            wait $! || status=$?
            if [ $status = 0 ]; then
                rm -rf "$folder"
                mv "$folder.new" "$folder"
            elif [ $status = $STATUS_NOT_FETCHED ]; then
                note "${PACKAGE[$name]} $version cannot be fetched"
                continue
            else
                refuse "$name" "$version" "it cannot be unpacked or does not run here"
                continue
            fi
        fi
        use "$name" "$version"
        is_tested "$name" "$version" ||
            note "${PACKAGE[$name]} $version is another version than those tested ($(tested_versions "$name" | paste -sd ' '))"
        return
    done
    return 1
}

# fetch NAME: the newest version, or what there is
fetch() {
    local name=$1 before trouble='no version on offer works here'
    before=$(version_of "$name")
    if ! open_view "${VIEW[$name]}"; then
        trouble=$(<"$(unreadable_view "${VIEW[$name]}")")
    else
        obtain "$name" &
        ! wait $! || return 0
    fi
    if [ -n "$before" ]; then
        note "no newer version of ${TITLE[$name]} was looked for: ${trouble%%$'\n'*}"
        note "${PACKAGE[$name]} $before, which was fetched before, goes on serving"
    elif [ "$name" = libtpms ]; then
        note "no newer libtpms could be had: ${trouble%%$'\n'*}"
        use_released_libtpms
    else
        echo "$trouble"
        return 1
    fi
}

# The release's own libtpms is a folder without anything unpacked.
use_released_libtpms() {
    local version
    version=$(dpkg-query -W -f '${Version}' libtpms-dev)
    mkdir -p "$(folder_of libtpms "$version")"
    echo "$version" >"$(folder_of libtpms "$version")/version"
    use libtpms "$version"
}

# libtpms_folder: for the build's option; nothing for the release's own
libtpms_folder() {
    local folder
    folder=$(readlink -f "$CACHE_DIR/libtpms/current")
    [ ! -d "$folder/root" ] || echo "$folder"
}

# forgive NAME VERSION: it was not at fault
forgive() {
    local others
    others=$(grep -vxF -- "$2" "$CACHE_DIR/$1/refused" || true)
    printf '%s' "${others:+$others$'\n'}" >"$CACHE_DIR/$1/refused"
}

# can_fall_back NAME: whether there is a version to fall back to
can_fall_back() {
    local others
    [ "$1" != libtpms ] || { [ -n "$(libtpms_folder)" ] && return; }
    is_here "$1" previous || {
        open_view "${VIEW[$1]}" && others=$(candidates "$1" | grep -vxF -- "$(version_of "$1")") && [ -n "$others" ]
    }
}

# fall_back NAME WHY: another version than the current one, which is refused
fall_back() {
    local name=$1
    refuse "$name" "$(version_of "$name")" "$2"
    if is_here "$name" previous && ! is_refused "$name" "$(version_of "$name" previous)"; then
        use "$name" "$(version_of "$name" previous)"
    else
        open_view "${VIEW[$name]}" || cat "$(unreadable_view "${VIEW[$name]}")"
        obtain "$name" &
        if ! wait $!; then
            [ "$name" = libtpms ] || die "there is no other version of ${TITLE[$name]}"
            use_released_libtpms
        fi
    fi
    note "${PACKAGE[$name]} $(version_of "$name") is used instead"
}

# tidy NAME: removes what is neither in use nor was before
tidy() {
    local folder
    for folder in "$CACHE_DIR/$1"/*/; do
        folder=${folder%/}
        [ -L "$folder" ] || [ "$folder" = "$(readlink -f "$CACHE_DIR/$1/current")" ] ||
            [ "$folder" = "$(readlink -f "$CACHE_DIR/$1/previous")" ] || rm -rf "$folder"
    done
}

# fetch_postgresql: $CACHE_DIR/postgresql/current/root, for tests of the KBS with a server of their own. Installed, the
# package would set up a server that the machine's owner did not ask for.
fetch_postgresql() {
    open_view host || { cat "$(unreadable_view host)" && return 1; }
    local version dir package
    package=$(private_apt host apt-cache depends postgresql | sed -n 's/^ *Depends: \(postgresql-[0-9]*\)$/\1/p')
    version=$(versions_on_offer host "$package" | sed -n 1p)
    dir=$(folder_of postgresql "$version")
    if [ ! -e "$dir/version" ]; then
        rm -rf "$dir" "$dir.new"
        unpack_with_dependencies "$dir.new" "$package=$version" "${package/-/-client-}"
        echo "$version" >"$dir.new/version"
        mv "$dir.new" "$dir"
    fi
    ln -sfn "$dir" "$CACHE_DIR/postgresql/current"
}
