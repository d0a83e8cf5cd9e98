#!/bin/bash
# SPDX-License-Identifier: MIT
# What comes from Debian's suites, with suites that the test makes: signed ones on this disk, which the machine's apt
# configuration of the test names as its mirror. apt itself is the real one.
#
# usage: tests/integration/fetching.sh
# shellcheck disable=SC2016 # what project runs
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"

work=$(mktemp -d)
mirror=$work/mirror
trap 'gpgconf --homedir "$work/gnupg" --kill all 2>/dev/null || true; rm -rf "$work"' EXIT

# The machine: its apt configuration, release, cache
mkdir -p "$work"/{lists/partial,archives/partial,none,gnupg}
chmod 700 "$work/gnupg"
cat >"$work/apt.conf" <<END
Dir::Etc::Parts "$work/none";
Dir::Etc::Main "/dev/null";
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::Etc::Trusted "$work/keyring.gpg";
Dir::Etc::TrustedParts "$work/none";
Dir::State::Lists "$work/lists";
Dir::Cache "$work";
Acquire::Languages "none";
APT::Sandbox::User "$(id -un)";
END
printf 'ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian 12"\n' >"$work/os-release"
export APT_CONFIG=$work/apt.conf OS_RELEASE=$work/os-release DEBIAN_KEYRING=$work/keyring.gpg
export XDG_CACHE_HOME=$work/cache LC_ALL=C.UTF-8

gpg_batch() { gpg --homedir "$work/gnupg" --batch --quiet --no-tty "$@" 2>>"$work/gpg.log"; }

# new_key NAME: another key signs from now on
new_key() {
    gpg_batch --passphrase '' --quick-generate-key "$1" ed25519 sign never
    signer=$1
}

# deb SUITE PACKAGE VERSION [DEPENDS]: the files in $work/files become a package of the suite
deb() {
    local suite=$1 package=$2 version=$3 depends=${4:-} tree=$work/tree file
    rm -rf "$tree"
    mkdir -p "$tree/DEBIAN" "$mirror/pool/$suite"
    [ ! -d "$work/files" ] || cp -r "$work/files/." "$tree"
    {
        printf 'Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: nobody\nDescription: none\n' "$package" "$version"
        [ -z "$depends" ] || echo "Depends: $depends"
    } >"$tree/DEBIAN/control"
    file=pool/$suite/${package}_${version//[:~]/_}.deb
    dpkg-deb --root-owner-group -Znone -b "$tree" "$mirror/$file" >/dev/null
    rm -rf "$work/files"
    {
        cat "$tree/DEBIAN/control"
        printf 'Filename: %s\nSize: %s\nSHA256: %s\n\n' "$file" "$(stat -c %s "$mirror/$file")" \
            "$(sha256sum <"$mirror/$file" | cut -d ' ' -f 1)"
    } >>"$mirror/$suite.packages"
}

# files PATH CONTENTS: for the next package
files() {
    mkdir -p "$work/files/$(dirname "$1")"
    printf '%s' "$2" >"$work/files/$1"
}

# publish SUITE [VALID_UNTIL]: the suite's lists, signed
publish() {
    local suite=$1 dir=$mirror/dists/$1 packages=main/binary-amd64/Packages
    mkdir -p "$dir/main/binary-amd64"
    touch "$mirror/$suite.packages"
    cp "$mirror/$suite.packages" "$dir/$packages"
    {
        printf 'Origin: Debian\nLabel: Debian\nSuite: %s\nCodename: %s\nArchitectures: amd64\nComponents: main\n' "$suite" "$suite"
        echo "Date: $(date -Ru -d "${2:-now} -7 days" | sed 's/+0000/UTC/')"
        [ $# = 1 ] || echo "Valid-Until: $(date -Ru -d "$2" | sed 's/+0000/UTC/')"
        printf 'SHA256:\n %s %s %s\n' "$(sha256sum <"$dir/$packages" | cut -d ' ' -f 1)" "$(stat -c %s "$dir/$packages")" $packages
    } >"$dir/Release"
    rm -f "$dir/InRelease"
    gpg_batch --local-user "$signer" --clearsign -o "$dir/InRelease" "$dir/Release"
}

ovmf() { files usr/share/ovmf/OVMF.fd "firmware $2" && deb "$1" ovmf-generic "$2"; }
libtpms() { files usr/include/libtpms/tpm_library.h "" && deb "$1" libtpms-dev "$2"; }

# make_mirror: the suites as they are on a good day
make_mirror() {
    local suite
    rm -rf "$mirror"
    mkdir -p "$mirror"
    ovmf testing 2026.08-1
    ovmf unstable 2026.11-1
    libtpms testing 0.10.2-1
    libtpms bookworm 0.9.2-1
    for suite in bookworm bookworm-backports trixie-backports testing unstable; do
        publish $suite '+3 days'
    done
    echo "deb [signed-by=$work/keyring.gpg] file:$mirror bookworm main" >"$work/sources.list"
    apt-get -qq update
}

forget() { rm -rf "$XDG_CACHE_HOME"; }

# For the scripts under test: the project's functions, with stand-ins for what builds and runs
cat >"$work/functions" <<'END'
set -euo pipefail
. "$ROOT/scripts/lib.sh"
. "$ROOT/scripts/packages.sh"
. "$ROOT/scripts/debian-suites.sh"
. "$ROOT/scripts/qemu.sh"
. "$ROOT/scripts/components.sh"
. "$ROOT/scripts/owner.sh"
. "$ROOT/scripts/build.sh"
. "$ROOT/scripts/prove.sh"
BUILD_DIR=$work/build
mkdir -p "$CACHE_DIR"
tested_versions() { [ "$1" != ovmf ] || echo 2026.08-1; }
try_libtpms() { false; }
build_all() { :; }
try_vm() { false; }
get() { run_logged "Fetching ${TITLE[$1]}" "$work/$1.log" fetch "$1"; }
END
export ROOT work

# project COMMANDS: as a script of the project
project() { run bash -c ". \"\$work/functions\"; $1"; }

current() { cat "$XDG_CACHE_HOME/snp-vtpm/$1/current/version" 2>/dev/null || echo none; }
is_current() { [ "$(current "$1")" = "$2" ]; }

newest_is_taken() {
    forget
    project 'get ovmf'
    expect "the highest version is taken, with a line that says that it was not tested" 0 \
        'ovmf-generic 2026.11-1 is another version than those tested \(2026.08-1\)'
    check "it is unpacked" [ "$(cat "$XDG_CACHE_HOME/snp-vtpm/ovmf/current/OVMF.fd")" = "firmware 2026.11-1" ]
}

bad_upload() {
    forget
    files usr/share/doc/README "no firmware in it"
    deb unstable ovmf-generic 2026.12-1
    publish unstable
    project 'get ovmf'
    expect "a package that lacks what is wanted is refused, on a machine that has nothing yet" 0 \
        'ovmf-generic 2026.12-1 is not used: it cannot be unpacked'
    check "a tested version is taken instead of it" is_current ovmf 2026.08-1
    forget
    make_mirror
    project 'get ovmf'
    files usr/share/doc/README "no firmware in it"
    deb unstable ovmf-generic 2026.12-1
    publish unstable
    project 'get ovmf'
    expect "with one fetched before, a bad upload is refused as well" 0 '2026.12-1 is not used'
    check "what was fetched before goes on serving" is_current ovmf 2026.11-1
    make_mirror
}

old_lists() {
    forget
    publish unstable '-3 weeks'
    project 'get ovmf'
    expect "a suite whose date has passed is passed over, with a line" 0 'passing over a suite: the package lists of unstable are too old'
    check "the other suites serve" is_current ovmf 2026.08-1
    publish testing '-3 weeks'
    publish trixie-backports '-3 weeks'
    project 'get ovmf'
    expect "with all of them too old, what was fetched before goes on serving" 0 \
        'are too old: their date \(Valid-Until\) passed' '2026.08-1, which was fetched before, goes on serving'
    forget
    project 'get ovmf'
    expect "with nothing fetched before, the message names the date and what to do" 1 'trixie-backports.* are too old' \
        'name another' 'Check-Valid-Until'
    make_mirror
}

wrong_signature() {
    local suite
    new_key other
    for suite in trixie-backports testing unstable; do
        publish $suite
    done
    forget
    project 'get ovmf'
    expect "lists that another key signed are not believed" 1 'a key is missing' 'debian-archive-keyring'
    check "and nothing is taken from them" is_current ovmf none
    signer=debian
    make_mirror
}

no_network() {
    forget
    project 'get ovmf'
    # The lists that the machine has tell where its mirror is.
    local nowhere='own_suites() { echo "http://127.0.0.1:1/debian bookworm Debian"; }; get ovmf'
    project "$nowhere"
    expect "without a network, what was fetched before goes on serving" 0 'the mirror cannot be reached' \
        '2026.11-1, which was fetched before, goes on serving'
    forget
    project "$nowhere"
    expect "with nothing fetched before, the message says that the mirror cannot be reached" 1 'the mirror cannot be reached' \
        'is the network there'
}

library() {
    forget
    project 'try_libtpms() { [ -e "$1/root/usr/include/libtpms/tpm_library.h" ]; }; get libtpms; libtpms_folder'
    expect "a libtpms with which the TPM runs is used" 0 '/libtpms/0.10.2-1$'
    forget
    project 'get libtpms; echo "folder: <$(libtpms_folder)>"'
    expect "one with which it does not is refused, and the release's own is used" 0 '0.10.2-1 is not used' 'folder: <>'
    check "and that is what the versions say" is_current libtpms "$(dpkg-query -W -f '${Version}' libtpms-dev)"
}

# with_one_before: firmware 2026.08-1 was in use, and 2026.11-1 has just come
with_one_before() {
    forget
    publish unstable '-3 weeks'
    project 'get ovmf'
    publish unstable '+3 days'
    project 'get ovmf'
}

trial() {
    with_one_before
    project 'try_vm() { echo started >>"$work/starts"; }; prove; prove'
    expect "with new firmware a VM is tried" 0 'Trying a VM: it starts'
    check "once" [ "$(wc -l <"$work/starts")" = 1 ]
    with_one_before
    project 'try_vm() { [ "$(version_of ovmf)" != 2026.11-1 ]; }; prove'
    expect "firmware with which no VM starts is refused" 0 'it does not start' \
        '2026.11-1 is not used: a VM does not start with it' 'ovmf-generic 2026.08-1 is used instead'
    check "what was in use before is in use again" is_current ovmf 2026.08-1
    project 'get ovmf'
    check "and the refused version is not tried again by itself" is_current ovmf 2026.08-1

    with_one_before
    project 'try_libtpms() { :; }; get libtpms; try_vm() { [ -z "$(libtpms_folder)" ]; }; prove'
    expect "of two that are new, the one at fault is found" 0 'libtpms-dev 0.10.2-1 is not used'
    check "the other one stays" is_current ovmf 2026.11-1
    with_one_before
    project prove
    expect "when no version helps, that is said" 1 'whichever of the versions on offer'
    check "and the newest stays, since it is not at fault" is_current ovmf 2026.11-1
}

kernel() {
    mkdir -p "$work/root/guest"
    touch "$work/root/guest/kernel.config"
    printf '%s\n' '#!/bin/bash' 'grep good "$1" && mkdir -p "$2" && cp "$1" "$2/bzImage"' >"$work/root/guest/build-kernel.sh"
    chmod +x "$work/root/guest/build-kernel.sh"
    files usr/src/linux-source-7.3.tar.xz good
    deb testing linux-source-7.3 7.3.4-1
    deb testing linux-source 7.3.4-1 'linux-source-7.3 (= 7.3.4-1)'
    publish testing '+3 days'
    files usr/src/linux-source-7.4.tar.xz bad
    deb unstable linux-source-7.4 7.4.1-1
    deb unstable linux-source 7.4.1-1 'linux-source-7.4 (= 7.4.1-1)'
    publish unstable '+3 days'
    forget
    project 'ROOT=$work/root; get kernel-source; build_kernel; grep good "$kernel"'
    expect "a kernel's source that does not build is refused, on a machine that has nothing yet" 0 \
        'linux-source 7.4.1-1 is not used: the guest.s kernel cannot be built from it' 'linux-source 7.3.4-1 is used instead'
}

# os_release LINE...
os_release() { printf '%s\n' "$@" >"$work/other-release"; }

systems() {
    local check='OS_RELEASE=$work/other-release; check_system'
    os_release ID=ubuntu 'VERSION_ID="24.04"' 'PRETTY_NAME="Ubuntu 24.04 LTS"'
    project "$check"
    expect "another distribution is told what the scripts are for" 1 'this is Ubuntu 24.04 LTS: .* Debian 12 and 13' 'container'
    os_release ID=debian 'VERSION_ID="11"' 'PRETTY_NAME="Debian GNU/Linux 11 (bullseye)"'
    project "$check"
    expect "an older Debian is told that it is too old" 1 '11 \(bullseye\): its libraries are too old'
    os_release ID=debian 'PRETTY_NAME="Debian GNU/Linux forky/sid"'
    project "$check"
    expect "a newer Debian is told that it is not tested, and tried" 0 'forky/sid. The scripts are tested on Debian 12 and 13'
    os_release ID=debian 'VERSION_ID="13"'
    project "$check"
    check "on a tested one nothing is said" [ -z "$output" ]
}

own_lists() {
    publish bookworm '-3 weeks'
    # shellcheck disable=SC2016 # for the script
    project 'as_root() { case "$*" in *update) apt-get -q update ;; *install*) echo "E: Unable to locate package"; return 100 ;; esac; }
        OS_RELEASE=/nowhere; check_system() { :; }; PACKAGES=(no-such-package); install_packages'
    expect "when the machine's own lists are too old to install from, that is said" 1 \
        'packages could not be installed: the package lists of bookworm are too old' 'name another'
    make_mirror
}

if ! command -v gpg >/dev/null || ! command -v gpg-agent >/dev/null; then
    skip "what is fetched from suites" "gpg is not installed"
    finish
    exit
fi
new_key debian
gpg_batch --export debian >"$work/keyring.gpg"
make_mirror
newest_is_taken
bad_upload
old_lists
wrong_signature
no_network
library
trial
kernel
systems
own_lists
finish
