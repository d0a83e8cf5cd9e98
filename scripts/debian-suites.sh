# SPDX-License-Identifier: MIT
# Packages of other Debian suites than the host's. To be sourced after lib.sh and packages.sh.
#
# apt runs with a private configuration: sources, lists and archives of its own below $CACHE_DIR/apt, the mirror
# taken from the machine's own configuration. Packages are downloaded and unpacked below $CACHE_DIR, never
# installed: the system stays as it is.
#
# There are two views. "host" is the host's own suites with its backports: what is taken from there must run
# here. "newest" is for packages that hold no programs, where the highest version of any suite will do; testing, to which
# unstable's uploads come when nothing bad was heard of them for some days, has what to fall back to.
# shellcheck shell=bash

DEBIAN_KEYRING=${DEBIAN_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}

# own_suites: a line "URI SUITE LABEL" for each of Debian's suites in the machine's configuration
own_suites() {
    # shellcheck disable=SC2016 # apt's variables
    apt-get indextargets --format '$(ORIGIN)|$(REPO_URI) $(RELEASE) $(LABEL)' 'Created-By: Packages' |
        sed -n 's/^Debian|//p' | sort -u
}

own_mirror() { own_suites | sed -n 's/^\([^ ]*\) [^ ]* Debian$/\1/p' | sed -n 1p; }

sources_of_host() {
    own_suites | sed 's/ [^ ]*$//'
    # shellcheck source=/dev/null
    printf '%s %s-backports\n' "$1" "$(. "$OS_RELEASE" && echo "$VERSION_CODENAME")"
}

sources_of_newest() { printf "$1 %s\n" trixie-backports testing unstable; }

# private_apt VIEW PROGRAM ARGUMENT...
private_apt() {
    local view=$1 program=$2
    shift 2
    "$program" -c "$CACHE_DIR/apt/$view/apt.conf" "$@"
}

# apt_trouble LOG: why apt failed, a sentence, and on the lines below it what to do
apt_trouble() {
    local log=$1 suite since
    since=$(sed -nE 's/^[EW]: Release file for .* is expired \(invalid since ([^)]*)\).*/\1/p' "$log" | sed -n 1p)
    suite=$(sed -nE 's|^[EW]: Release file for .*/dists/([^ ]*)/In?Release.*|\1|p; s|^[EW]: Release file for .*/dists/([^ ]*)/InRelease.*|\1|p' "$log" |
        sort -u | paste -sd ' ')
    if [ -n "$since" ]; then
        cat <<END
the package lists of $suite are too old: their date (Valid-Until) passed $since ago
the mirror lags behind, or this machine's clock is wrong (it says $(date -u '+%F %R UTC')): correct the clock, name another
mirror in apt's configuration, or wait until this one has caught up. Only if the mirror is meant to be old, such as an
archive, tell apt so: Acquire::Check-Valid-Until "false"; in a file in /etc/apt/apt.conf.d
END
    elif grep -q 'is not valid yet' "$log"; then
        echo "the package lists of $suite are of the future"
        echo "this machine's clock is wrong: it says $(date -u '+%F %R UTC')"
    elif grep -qE 'NO_PUBKEY|Missing key' "$log"; then
        echo "the signature of a suite cannot be verified: a key is missing"
        echo "apt-get update && apt-get install debian-archive-keyring brings the newer keys"
    elif grep -qE 'is not signed|BADSIG|invalid signature|Signed file isn.t valid|verif' "$log"; then
        echo "the signature of a suite is missing or wrong"
        echo "name another mirror in apt's configuration; apt's own words are in $(shown "$log")"
    elif grep -qE 'resolv|onnect|unreachable|timed out|No route' "$log"; then
        echo "the mirror cannot be reached"
        echo "is the network there? Where it needs a proxy, apt's configuration names it (Acquire::http::Proxy)"
    elif grep -qE 'Hash Sum mismatch|unexpected size|Mirror sync' "$log"; then
        echo "the mirror is being updated: its lists and files do not fit together"
        echo "try again in some minutes, or name another mirror in apt's configuration"
    elif grep -qE 'No space left|enough free space' "$log"; then
        echo "the disk is full: apt needs room in $CACHE_DIR and /var/cache/apt"
    elif grep -qE 'Could not get lock|Unable to acquire' "$log"; then
        echo "another program uses apt"
        echo "wait until it has ended, then try again"
    else
        echo "apt failed: $(grep -E '^(E|W|Err)' "$log" | tail -n 1)"
        echo "apt's own words are in $(shown "$log")"
    fi
}

# write_view VIEW MIRROR: the configuration. Lists that were read before stay.
write_view() {
    local dir=$CACHE_DIR/apt/$1
    mkdir -p "$dir"/{lists,archives}/partial
    rm -f "$dir"/{fresh,unreadable}.*
    "sources_of_$1" "$2" | sed "s|^|deb [signed-by=$DEBIAN_KEYRING] |; s|\$| main|" >"$dir/sources.list"
    # Suites of equal rank: the highest version is the candidate.
    printf 'Package: *\nPin: release *\nPin-Priority: 500\n' >"$dir/preferences"
    cat >"$dir/apt.conf" <<END
Dir::Etc::SourceList "$dir/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "$dir/preferences";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "$dir/lists";
Dir::Cache "$dir";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Update::Error-Mode "any";
APT::Sandbox::User "$(id -un)";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
}

# suites_read LOG: a line "URI SUITE" for each suite that apt-get update could read and believes
suites_read() {
    local uri suite
    sed -nE 's/^(Get|Hit):[0-9]+ ([^ ]+) ([^ ]+) InRelease.*/\2 \3/p' "$1" | sort -u |
        while read -r uri suite; do
            grep -E '^[EW]: ' "$1" | grep -F "$uri" | grep -E "[ /]${suite}[ /]" >/dev/null || echo "$uri $suite"
        done
}

# open_view VIEW: reads its package lists, once per run of the script. A suite that cannot be read is passed over, with a
# line. When none can, fails; the file of unreadable_view says why.
open_view() {
    local view=$1 dir=$CACHE_DIR/apt/$1 mirror trouble
    [ ! -e "$dir/fresh.$$" ] || return 0
    [ ! -e "$(unreadable_view "$view")" ] || return 1
    mirror=$(own_mirror)
    [ -n "$mirror" ] || { as_root apt-get -qq update && mirror=$(own_mirror); }
    [ -n "$mirror" ] || die "apt's configuration names no mirror of Debian, or its lists cannot be read" \
        "add one to /etc/apt/sources.list.d, then apt-get update"
    write_view "$view" "$mirror"
    if ! private_apt "$view" apt-get update -q >"$dir/update.log" 2>&1 || grep -qE 'NO_PUBKEY|Missing key' "$dir/update.log"; then
        cat "$dir/update.log"
        trouble=$(apt_trouble "$dir/update.log")
        if [ -z "$(suites_read "$dir/update.log")" ]; then
            echo "$trouble" >"$(unreadable_view "$view")"
            return 1
        fi
        note "passing over a suite: ${trouble%%$'\n'*}"
    fi
    touch "$dir/fresh.$$"
}

unreadable_view() { echo "$CACHE_DIR/apt/$1/unreadable.$$"; }

# versions_on_offer VIEW PACKAGE: the highest first
versions_on_offer() { private_apt "$1" apt-cache madison "$2" | sed -E 's/^[^|]*\| *([^ ]+) .*/\1/' | awk '!seen[$0]++'; }

# download VIEW FOLDER PACKAGE[=VERSION]...
download() {
    local view=$1 folder=$2
    shift 2
    mkdir -p "$folder"
    (cd "$folder" && private_apt "$view" apt-get -q download "$@")
}

# unpack_with_dependencies FOLDER PACKAGE=VERSION [OTHER=VERSION]...: into FOLDER/root, from the host's view, with whatever
# it depends on that the system lacks or has too old; if it lacks nothing, the package and the others
unpack_with_dependencies() {
    local folder=$1 package=$2 packages=() deb plan
    shift
    plan=$(private_apt host apt-get -s install --no-install-recommends "$package" |
        sed -nE 's/^Inst ([^ ]+) (\[[^]]*\] )?\(([^ ]+) .*/\1=\3/p')
    if [ -n "$plan" ]; then mapfile -t packages <<<"$plan"; else packages=("$@"); fi
    download host "$folder" "${packages[@]}"
    for deb in "$folder"/*.deb; do
        dpkg-deb -x "$deb" "$folder/root"
        rm "$deb"
    done
    printf '%s\n' "${packages[@]}" >"$folder/packages"
}
