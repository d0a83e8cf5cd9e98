#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds everything three times (gcc; gcc and clang, each with AddressSanitizer and UndefinedBehaviorSanitizer), runs
# all tests in each, in clang's the fuzz targets too, and lints the sources. The builds are in build-test/, apart from
# prepare.sh's.
#
# usage: ./test.sh [--quick] [SUITE]...
#
#   SUITE        only these: gcc asan clang integration e2e lint
#   --quick      all but e2e, the tests that start VMs
#   -h, --help   this text
#
# The last line is "N passed, N failed", with ", N skipped" if there are such. Each failure was shown before.
# Exit status: 0 all passed, 1 something failed, 2 usage.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/scripts/lib.sh"

suites=()
all=(lint gcc asan clang integration e2e)
while [ $# != 0 ]; do
    case $1 in
        gcc | asan | clang | integration | e2e | lint) suites+=("$1") ;;
        --quick) suites+=(lint gcc asan clang integration) ;;
        -h | --help) show_usage; exit ;;
        *) usage_error "unknown suite or option $1" ;;
    esac
    shift
done
[ ${#suites[@]} != 0 ] || suites=("${all[@]}")

load_config
work=$ROOT/build-test
passed=0 failed=0 skipped=0

trap 'exit 130' INT TERM HUP

# count PASSED FAILED SKIPPED
count() {
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    say "    $1 passed, $2 failed, $3 skipped"
}

# verdict NAME LOG COMMAND...: one test, passed when the command succeeds; its output is shown otherwise
verdict() {
    local name=$1 log=$2
    shift 2
    if "$@" >"$log" 2>&1 </dev/null; then
        passed=$((passed + 1))
        say "    ok      $name"
    else
        failed=$((failed + 1))
        tail -n 40 "$log" >&2
        say "    ${red}FAILED$reset  $name (whole output: $(shown "$log"))"
    fi
}

# configure NAME COMPILER MESON_OPTION...: the build folder, anew if it was made for another compiler or other options
configure() {
    local name=$1 compiler=$2 dir=$work/$1 wanted="-Dwerror=true ${*:2}"
    shift 2
    [ "$wanted" != "$(cat "$dir/configured-as" 2>/dev/null)" ] || return 0
    rm -rf "$dir"
    CC=$compiler meson setup "$dir" "$ROOT" -Dwerror=true "$@" >"$work/$name-build.log" 2>&1 || {
        tail -n 20 "$work/$name-build.log" >&2
        return 1
    }
    echo "$wanted" >"$dir/configured-as"
}

# build NAME TARGET...: no target is all of them
build() {
    local name=$1
    shift
    nice ninja -C "$work/$name" "$@" >"$work/$name-build.log" 2>&1 || {
        grep -A 20 -m 5 -E '^FAILED|error:' "$work/$name-build.log" >&2
        return 1
    }
}

# build_and_test NAME COMPILER MESON_OPTION...
build_and_test() {
    local name=$1 dir=$work/$1 counts
    step "$name: building"
    if ! { configure "$@" && build "$name"; }; then
        say "    ${red}FAILED$reset  $name does not build (whole output: $(shown "$work/$name-build.log"))"
        count 0 1 0
        return
    fi
    step "$name: testing"
    rm -f "$dir/meson-logs/testlog.json"
    meson test -C "$dir" --no-rebuild --print-errorlogs --timeout-multiplier 4 >"$work/$name-test.log" 2>&1 ||
        sed -n '/^ *[0-9]*\/[0-9]* .*\(FAIL\|TIMEOUT\|ERROR\)/,/^―* *$/p' "$work/$name-test.log" >&2
    counts=$(jq -rs -f "$ROOT/scripts/count-tests.jq" "$dir/meson-logs/testlog.json") || counts="0 1 0"
    # shellcheck disable=SC2086 # three numbers
    count $counts
}

# build_and_test for the sanitizers, which are to end a program at the first finding
sanitize_and_test() {
    export ASAN_OPTIONS=abort_on_error=1:detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    build_and_test "$@" -Db_sanitize=address,undefined
    unset ASAN_OPTIONS UBSAN_OPTIONS
}

gcc_options=(--buildtype=release)

# Before what looks at that build from outside
build_with_gcc() { configure gcc gcc "${gcc_options[@]}" && build gcc; }

suite_gcc() { build_and_test gcc gcc "${gcc_options[@]}"; }

suite_asan() { sanitize_and_test asan gcc; }

# Kernel and hypervisor, which no sanitizer can watch
build_freestanding() {
    configure clang-freestanding clang && build clang-freestanding svsm/svsm.elf emulator/hypervisor.elf
}

suite_clang() {
    sanitize_and_test clang clang -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link
    step "clang-freestanding: building"
    verdict "clang builds kernel and hypervisor" "$work/clang-freestanding.log" build_freestanding
}

# script_tests FOLDER ARGUMENT...: each script in it prints a line for each of its tests
script_tests() {
    local folder=$1 script log status ok not_ok skips
    shift
    for script in "$ROOT/tests/$folder"/*.sh; do
        [ -x "$script" ] || continue
        step "$folder: $(basename "$script" .sh)"
        log=$work/$folder-$(basename "$script" .sh).log
        status=0
        "$script" "$@" >"$log" 2>&1 </dev/null || status=$?
        grep -A 20 '^not ok' "$log" | grep -v '^ok' >&2 || true
        ok=$(grep -c '^ok ' "$log" || true)
        not_ok=$(grep -c '^not ok ' "$log" || true)
        skips=$(grep -c '^ok .*# SKIP' "$log" || true)
        # A script that broke off is a failure of its own.
        if [ $status != 0 ] && [ "$not_ok" = 0 ]; then
            tail -n 20 "$log" >&2
            not_ok=1
        fi
        count $((ok - skips)) "$not_ok" "$skips"
    done
}

suite_integration() {
    step "integration: preparing"
    verdict "gcc builds all" "$work/integration-build.log" build_with_gcc
    script_tests integration "$work/gcc"
}

suite_e2e() {
    compgen -G "$ROOT/tests/e2e/*.sh" >/dev/null || return 0
    step "e2e: preparing"
    verdict "prepare.sh" "$work/prepare.log" "$ROOT/prepare.sh"
    script_tests e2e
}

parts=(svsm services igvm kbs proxy emulator lib tests bench)
sources() { find "${parts[@]/#/$ROOT/}" -name '*.[ch]' | sort; }
shell_scripts() {
    find "$ROOT" -maxdepth 1 -name '*.sh'
    find "$ROOT"/{scripts,guest,tests,bench,docs,.ci} -type f -exec grep -lE -m 1 '^#!/bin/(ba)?sh|^# shellcheck shell' {} +
}

# It takes the flags of each file from the gcc build, which has all parts. A file at a time: with several, clang-tidy 14
# takes every va_list for uninitialized from the second one on.
tidy() {
    configure gcc gcc "${gcc_options[@]}" &&
        sources | grep '\.c$' | nice xargs -d '\n' -P "$(nproc)" -n 1 clang-tidy --quiet -p "$work/gcc"
}

suite_lint() {
    local files
    step "lint"
    mapfile -t files < <(shell_scripts)
    verdict "shellcheck finds nothing" "$work/shellcheck.log" shellcheck -x "${files[@]}"
    mapfile -t files < <(sources)
    verdict "the sources are formatted as clang-format does" "$work/clang-format.log" \
        clang-format --dry-run -Werror "${files[@]}"
    verdict "cppcheck finds nothing" "$work/cppcheck.log" \
        nice cppcheck -q -j "$(nproc)" --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 \
        --suppress=comparePointers -I "$ROOT" "${parts[@]/#/$ROOT/}"
    if command -v clang-tidy >/dev/null; then
        verdict "clang-tidy finds nothing" "$work/clang-tidy.log" tidy
    else
        say "    skipped clang-tidy, which is not installed"
        skipped=$((skipped + 1))
    fi
}

mkdir -p "$work"
"$ROOT/prepare.sh" --fetch-only --for-tests
for suite in "${suites[@]}"; do
    "suite_$suite"
done
summary="$passed passed, $failed failed"
[ $skipped = 0 ] || summary+=", $skipped skipped"
echo "$summary"
[ $failed = 0 ]
