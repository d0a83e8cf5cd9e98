#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds the guest's kernel from Debian's source with guest/kernel.config.
#
# usage: guest/build-kernel.sh SOURCE.tar.xz FOLDER
#
# FOLDER/bzImage and FOLDER/config are written when all is well. Needs 2 GiB of disk space meanwhile.
# The kernel is the same, byte for byte, wherever the same source is built with the same compiler.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../scripts/lib.sh"

[ $# = 2 ] || { show_usage; exit "$EXIT_USAGE"; }
source_archive=$1 folder=$2
wanted=$ROOT/guest/kernel.config

mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "${folder%/}.building.XXXXXX")
trap 'rm -rf "$work"' EXIT

echo "unpacking $source_archive"
mkdir "$work/source" "$work/out"
tar -xJf "$source_archive" -C "$work/source" --strip-components=1 \
    --exclude='*/Documentation/*/*' --exclude='*/drivers/gpu/drm/amd/include/*'

build() {
    make -C "$work/source" O="$work/out" KBUILD_BUILD_TIMESTAMP=2026-01-01 KBUILD_BUILD_USER=snp-vtpm \
        KBUILD_BUILD_HOST=guest "$@"
}
build KCONFIG_ALLCONFIG="$wanted" allnoconfig
if lost=$(grep '^CONFIG_' "$wanted" | grep -vxFf "$work/out/.config"); then
    die "this kernel does not take all of guest/kernel.config:" "$lost"
fi

# About as many steps as make reports on the way, for "[n/N]" before each, as ninja has it
STEPS=1959
number_steps() {
    local line n=0
    while IFS= read -r line; do
        [[ $line != "  "[A-Z]* ]] || n=$((n + 1))
        printf '[%d/%d] %s\n' $n $((n > STEPS ? n : STEPS)) "${line#  }"
    done
}
build -j"$(nproc)" bzImage 2>&1 | number_steps

mkdir -p "$folder"
cp "$work/out/.config" "$folder/config"
cp "$work/out/arch/x86/boot/bzImage" "$folder/bzImage.new"
mv "$folder/bzImage.new" "$folder/bzImage"
