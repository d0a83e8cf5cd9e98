# SPDX-License-Identifier: MIT
# Packages of other Debian suites than the host's: QEMU, the kernel's source, the firmware. To be sourced after lib.sh.
#
# apt runs with a private configuration: sources, lists and archives of its own below $CACHE_DIR/apt, the mirror
# taken from the machine's own configuration. Packages are downloaded and unpacked below $CACHE_DIR, never
# installed: the system stays as it is.
#
# There are two views. "host" is the host's own suites with its backports: what is taken from there must run
# here. "newest" is for packages that hold no programs, where the highest version of any suite will do.
# shellcheck shell=bash

DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# own_suites: a line "URI SUITE LABEL" for each of Debian's suites in the machine's configuration
own_suites() {
    # shellcheck disable=SC2016 # apt's variables
    apt-get indextargets --format '$(ORIGIN)|$(REPO_URI) $(RELEASE) $(LABEL)' 'Created-By: Packages' |
        sed -n 's/^Debian|//p' | sort -u
}

own_mirror() { own_suites | sed -n 's/^\([^ ]*\) [^ ]* Debian$/\1/p' | head -n 1; }

sources_of_host() {
    own_suites | sed 's/ [^ ]*$//'
    printf '%s %s-backports\n' "$1" "$(. /etc/os-release && echo "$VERSION_CODENAME")"
}

sources_of_newest() { printf "$1 %s\n" trixie-backports unstable; }

# private_apt VIEW PROGRAM ARGUMENT...
private_apt() {
    local view=$1 program=$2
    shift 2
    "$program" -c "$CACHE_DIR/apt/$view/apt.conf" "$@"
}

# Writes the view's configuration and reads its package lists, once per run of the script.
open_view() {
    local view=$1 dir=$CACHE_DIR/apt/$1 mirror
    [ ! -e "$dir/fresh.$$" ] || return 0
    mirror=$(own_mirror)
    [ -n "$mirror" ] || { as_root apt-get -qq update && mirror=$(own_mirror); }
    [ -n "$mirror" ] || die "apt's configuration names no mirror of Debian" \
        "add one to /etc/apt/sources.list.d, then apt-get update"
    rm -rf "$dir"
    mkdir -p "$dir"/{lists,archives}/partial
    "sources_of_$view" "$mirror" | sed "s|^|deb [signed-by=$DEBIAN_KEYRING] |; s|\$| main|" >"$dir/sources.list"
    # Suites of equal rank: the highest version is the candidate.
    printf 'Package: *\nPin: release *\nPin-Priority: 500\n' >"$dir/preferences"
    cat >"$dir/apt.conf" <<EOF
Dir::Etc::SourceList "$dir/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "$dir/preferences";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "$dir/lists";
Dir::Cache "$dir";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Update::Error-Mode "any";
APT::Sandbox::User "$(id -un)";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
EOF
    if ! private_apt "$view" apt-get update -q >"$dir/update.log" 2>&1 || grep -q NO_PUBKEY "$dir/update.log"; then
        cat "$dir/update.log" >&2
        ! grep -q NO_PUBKEY "$dir/update.log" || die "the signature of a newer suite cannot be verified: a key is missing" \
            "apt-get update && apt-get install debian-archive-keyring brings the newer keys"
        die "cannot read the package lists of other suites" "is the network there? the messages are above"
    fi
    touch "$dir/fresh.$$"
}

candidate_of() { private_apt "$1" apt-cache policy "$2" | sed -n 's/^  Candidate: //p'; }

# download VIEW FOLDER PACKAGE[=VERSION]...
download() {
    local view=$1 folder=$2
    shift 2
    mkdir -p "$folder"
    (cd "$folder" && private_apt "$view" apt-get -q download "$@")
}

# file_name VERSION: without what a file name should not have
file_name() { printf '%s' "${1//[:~+]/_}"; }

# fetch_firmware: $CACHE_DIR/ovmf/VERSION/OVMF.fd, and the link "current" to that folder
fetch_firmware() {
    open_view newest
    local version dir
    version=$(candidate_of newest ovmf-generic)
    [[ $version =~ ^[0-9] ]] || die "no suite offers ovmf-generic"
    dir=$CACHE_DIR/ovmf/$(file_name "$version")
    if [ ! -e "$dir/OVMF.fd" ]; then
        download newest "$dir.new" "ovmf-generic=$version"
        dpkg-deb --fsys-tarfile "$dir.new"/*.deb | tar -xO ./usr/share/ovmf/OVMF.fd >"$dir.new/OVMF.fd"
        rm "$dir.new"/*.deb
        echo "$version" >"$dir.new/version"
        rm -rf "$dir" && mv "$dir.new" "$dir"
    fi
    ln -sfn "$dir" "$CACHE_DIR/ovmf/current"
}

# fetch_kernel_source: $CACHE_DIR/kernel-source/VERSION/linux-source-X.Y.tar.xz, and the link "current"
fetch_kernel_source() {
    open_view newest
    local version package dir
    version=$(candidate_of newest linux-source)
    [[ $version =~ ^[0-9] ]] || die "no suite offers linux-source"
    package=$(private_apt newest apt-cache show "linux-source=$version" | sed -n 's/^Depends: \([^ ]*\).*/\1/p')
    dir=$CACHE_DIR/kernel-source/$(file_name "$version")
    if [ ! -e "$dir/version" ]; then
        rm -rf "$CACHE_DIR/kernel-source"
        download newest "$dir.new" "$package=$version"
        dpkg-deb --fsys-tarfile "$dir.new"/*.deb | tar -x -C "$dir.new" --strip-components=3 --wildcards './usr/src/*.tar.xz'
        rm "$dir.new"/*.deb
        echo "$version" >"$dir.new/version"
        mv "$dir.new" "$dir"
    fi
    ln -sfn "$dir" "$CACHE_DIR/kernel-source/current"
}

# unpack_with_dependencies FOLDER PACKAGE [OTHER]...: into FOLDER/root, with whatever it depends on that the system
# lacks or has too old; if it lacks nothing, the package and the others
unpack_with_dependencies() {
    local folder=$1 package=$2 packages deb
    shift
    mapfile -t packages < <(private_apt host apt-get -s install --no-install-recommends "$package" |
        sed -nE 's/^Inst ([^ ]+) (\[[^]]*\] )?\(([^ ]+) .*/\1=\3/p')
    [ ${#packages[@]} != 0 ] || packages=("$@")
    download host "$folder" "${packages[@]}"
    for deb in "$folder"/*.deb; do
        dpkg-deb -x "$deb" "$folder/root"
        rm "$deb"
    done
    printf '%s\n' "${packages[@]}" >"$folder/packages"
}

# fetch_qemu: $CACHE_DIR/qemu/VERSION/qemu-system-x86_64, a wrapper for the unpacked packages, and the link "current" to
# that folder
fetch_qemu() {
    open_view host
    local version dir
    version=$(candidate_of host qemu-system-x86)
    dir=$CACHE_DIR/qemu/$(file_name "$version")
    if [ ! -x "$dir/qemu-system-x86_64" ] || ! "$dir/qemu-system-x86_64" --version; then
        rm -rf "$dir" "$dir.new"
        unpack_with_dependencies "$dir.new" qemu-system-x86 qemu-system-common qemu-system-data seabios
        write_qemu_wrapper "$dir.new"
        echo "$version" >"$dir.new/version"
        mv "$dir.new" "$dir"
        "$dir/qemu-system-x86_64" --version
    fi
    ln -sfn "$dir" "$CACHE_DIR/qemu/current"
}

write_qemu_wrapper() {
    cat >"$1/qemu-system-x86_64" <<'EOF'
#!/bin/sh
root=$(dirname "$(readlink -f "$0")")/root
libraries=$root/usr/lib/x86_64-linux-gnu
LD_LIBRARY_PATH=$libraries:$root/lib/x86_64-linux-gnu QEMU_MODULE_DIR=$libraries/qemu \
    exec "$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" "$@"
EOF
    chmod +x "$1/qemu-system-x86_64"
}

# fetch_postgresql: $CACHE_DIR/postgresql/current/root, for tests of the KBS with a server of their own. Installed, the
# package would set up a server that the machine's owner did not ask for.
fetch_postgresql() {
    open_view host
    local version dir package
    package=$(private_apt host apt-cache depends postgresql | sed -n 's/^ *Depends: \(postgresql-[0-9]*\)$/\1/p')
    version=$(candidate_of host "$package")
    dir=$CACHE_DIR/postgresql/$(file_name "$version")
    if [ ! -e "$dir/version" ]; then
        rm -rf "$dir" "$dir.new"
        unpack_with_dependencies "$dir.new" "$package" "${package/-/-client-}"
        echo "$version" >"$dir.new/version"
        mv "$dir.new" "$dir"
    fi
    ln -sfn "$dir" "$CACHE_DIR/postgresql/current"
}
