#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds everything three times (gcc; gcc and clang, each with AddressSanitizer and UndefinedBehaviorSanitizer), runs
# all tests in the latter two, in clang's the fuzz targets too, and in the first what no sanitizer can watch (all tests,
# with --full or without asan); KBS and proxy once more with ThreadSanitizer; and lints the sources. The builds are in
# build-test/, apart from prepare.sh's. The scripts of tests/ come last, as many side by side as there are processors.
#
# usage: ./test.sh [--quick | --full] [SUITE]...
#
#   SUITE        only these: gcc asan clang tsan svsm integration e2e full lint
#   --quick      all but e2e, the tests that start VMs
#   --full       all, and full: what takes too long for each change, Debian as guest above all (an hour)
#   -h, --help   this text
#
# The last line is "N passed, N failed", with ", N skipped" if there are such. Each failure was shown before.
# Exit status: 0 all passed, 1 something failed, 2 usage.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/scripts/lib.sh"
. "$ROOT/scripts/components.sh"
. "$ROOT/scripts/host-memory.sh"
. "$ROOT/scripts/side-by-side.sh"

suites=()
all=(lint gcc asan clang tsan svsm integration e2e)
while [ $# != 0 ]; do
    case $1 in
        gcc | asan | clang | tsan | svsm | integration | e2e | full | lint) suites+=("$1") ;;
        --quick) suites+=(lint gcc asan clang tsan svsm integration) ;;
        --full) suites+=("${all[@]}" full) ;;
        -h | --help) show_usage; exit ;;
        *) usage_error "unknown suite or option $1" ;;
    esac
    shift
done
[ ${#suites[@]} != 0 ] || suites=("${all[@]}")

load_config
work=$ROOT/build-test
passed=0 failed=0 skipped=0
run_by=()
only=()
scratch=

# count PASSED FAILED SKIPPED
count() {
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    say "    $1 passed, $2 failed, $3 skipped"
}

# beside TEXT LOG COMMAND...: its status; whoever waits sees how far it is
beside() {
    run_beside "${@:2}"
    wait_visibly "$1" "$2"
}

# skip NAME WHY
skip() {
    skipped=$((skipped + 1))
    say "    skipped $1: $2"
}

# verdict NAME LOG COMMAND...: one test, passed when the command succeeds; its output is shown otherwise
verdict() {
    local name=$1 log=$2
    shift
    if beside "$name" "$@"; then
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
    local name=$1 compiler=$2 dir=$work/$1 wanted options
    shift 2
    options=(-Dwerror=true "-Dlibtpms=$(libtpms_folder)" "$@")
    wanted="$compiler ${options[*]}"
    [ "$wanted" != "$(cat "$dir/configured-as" 2>/dev/null)" ] || return 0
    rm -rf "$dir"
    CC=$compiler meson setup "$dir" "$ROOT" "${options[@]}" >"$work/$name-build.log" 2>&1 || {
        tail -n 20 "$work/$name-build.log" >&2
        return 1
    }
    echo "$wanted" >"$dir/configured-as"
}

# build NAME [TARGET]...: no target is all of them, what only tests need included, which meson 1.7 (Debian 13) leaves out of all
build() {
    local name=$1
    shift
    [ $# != 0 ] || set -- all meson-test-prereq
    beside "$name: building" "$work/$name-build.log" nice ninja -C "$work/$name" "$@" || {
        grep -A 20 -m 5 -E '^FAILED|error:' "$work/$name-build.log" >&2
        return 1
    }
}

# The folder for temporary files of tests, in memory where there is room, as most flush what they write. Other users may
# pass through it: PostgreSQL does not run as root.
make_scratch() {
    [ "$(room_in /dev/shm)" -ge $((2 << 30)) ] || return 0
    scratch=$(mktemp -d /dev/shm/snp-vtpm-test-XXXXXX)
    chmod 711 "$scratch"
    "$ROOT/tests/when-gone.sh" $$ rm -rf "$scratch"
}

# meson_test NAME [MESON_ARGUMENT]...: runs the tests of that build, by way of the command in $run_by, and counts them. Many of
# them wait most of the time, for a time limit or another process: so there are more at a time than processors.
meson_test() {
    local name=$1 dir=$work/$1 counts
    shift
    step "$name: testing"
    rm -f "$dir/meson-logs/testlog.json"
    beside "$name: testing" "$work/$name-test.log" \
        env ${scratch:+"TMPDIR=$scratch"} "${run_by[@]}" meson test -C "$dir" --no-rebuild --print-errorlogs --timeout-multiplier 4 \
        --num-processes $((2 * $(nproc))) "$@" ||
        sed -n '/^ *[0-9]*\/[0-9]* .*\(FAIL\|TIMEOUT\|ERROR\)/,/^―* *$/p' "$work/$name-test.log" >&2
    counts=$(jq -rs -f "$ROOT/scripts/count-tests.jq" "$dir/meson-logs/testlog.json") || counts="0 1 0"
    # shellcheck disable=SC2086 # three numbers
    count $counts
}

not_built() {
    say "    ${red}FAILED$reset  $1 does not build (whole output: $(shown "$work/$1-build.log"))"
    count 0 1 0
}

# build_and_test NAME COMPILER MESON_OPTION...: all tests, or the suites in $only
build_and_test() {
    step "$1: building"
    if configure "$@" && build "$1"; then meson_test "$1" "${only[@]/#/--suite=}"; else not_built "$1"; fi
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

# The suite asan has most tests, built by gcc too: where it runs, this one has what needs a build without sanitizers.
suite_gcc() {
    local only=()
    [[ " ${suites[*]} " != *" asan "* || " ${suites[*]} " == *" full "* ]] || only=(not-sanitized)
    build_and_test gcc gcc "${gcc_options[@]}"
}

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

# count_script NAME LOG STATUS: a script prints a line for each of its tests
count_script() {
    local log=$2 ok not_ok skips
    grep -A 20 '^not ok' "$log" | grep -v '^ok' >&2 || true
    ok=$(grep -c '^ok ' "$log" || true)
    not_ok=$(grep -c '^not ok ' "$log" || true)
    skips=$(grep -c '^ok .*# SKIP' "$log" || true)
    # A script that broke off is a failure of its own.
    if [ "$3" != 0 ] && [ "$not_ok" = 0 ]; then
        tail -n 20 "$log" >&2
        not_ok=1
    fi
    count $((ok - skips)) "$not_ok" "$skips"
}

# script_ended NAME LOG STATUS SECONDS
script_ended() {
    step "${1/-/: } ($4 s)"
    count_script "$@"
}

# These take minutes and begin first, so that none of them is the last to run alone.
LONG="e2e-failures e2e-power_cuts model-explore svsm-mutants e2e-story full-debian full-stress"

# script_tests FOLDER ARGUMENT...: each script in it is queued
script_tests() {
    local folder=$1 script name add
    shift
    for script in "$ROOT/tests/$folder"/*.sh; do
        [ -x "$script" ] || continue
        name=$folder-$(basename "$script" .sh) add=queue_add
        [[ " $LONG " != *" $name "* ]] || add=queue_add_first
        $add "$name" "$work/$name.log" "$script" "$@"
    done
}

# What has threads: the servers, the proxy, and 200 clients at once.
tsan_suites=(kbs kbs-store kbs-server kbs-admin proxy svsm-threads)
tsan_programs=(kbs/kbs kbs/cli/kbsctl emulator/amd-sp/amd-sp tests/load/kbs-load)

# tsan_targets: what the tests of these suites run; of a folder that was configured before, after a look for new ones
tsan_targets() {
    ninja -C "$work/tsan" build.ninja >"$work/tsan-build.log" || return 1
    printf '%s\n' "${tsan_programs[@]}"
    # shellcheck disable=SC2016 # for jq
    meson introspect --tests --targets "$work/tsan" | jq -r --arg dir "$work/tsan/" '
        ($ARGS.positional | map("snp-vtpm:" + .)) as $suites
        | ([.targets[] | {(.id): .filename}] | add) as $files
        | .tests[] | select(any(.suite[]; IN($suites[])) and all(.suite[]; . != "snp-vtpm:not-tsan"))
        | .depends[] | $files[.][] | ltrimstr($dir)' --args "${tsan_suites[@]}" | sort -u
}

# ThreadSanitizer does not know where a kernel puts things that spreads them over more than it expects
# (vm.mmap_rnd_bits): it is given one that does not, where that may be asked for. Fails where it works neither way.
tsan_runs() {
    echo 'int main(void) { return 0; }' | gcc -fsanitize=thread -x c -o "$work/tsan-probe" - || return 1
    run_by=(setarch -R)
    ! "${run_by[@]}" "$work/tsan-probe" || return 0
    run_by=()
    "$work/tsan-probe"
}

no_reports() { ! cat "$work/tsan-reports"/* 2>/dev/null; }

suite_tsan() {
    local run_by=() targets status=0
    step "tsan: building"
    if ! tsan_runs >"$work/tsan-build.log" 2>&1; then
        skip ThreadSanitizer "it does not run here (whole output: $(shown "$work/tsan-build.log"))"
        return
    fi
    if ! { configure tsan gcc -Db_sanitize=thread && mapfile -t targets < <(tsan_targets) && build tsan "${targets[@]}"; }; then
        not_built tsan
        return
    fi
    rm -rf "$work/tsan-reports"
    mkdir "$work/tsan-reports"
    export TSAN_OPTIONS="suppressions=$ROOT/tests/tsan-suppressions log_path=$work/tsan-reports/report print_suppressions=0"
    meson_test tsan "${tsan_suites[@]/#/--suite=}" --no-suite=not-tsan
    step "tsan: kbs-load"
    beside tsan-kbs-load "$work/tsan-kbs-load.log" "${run_by[@]}" "$ROOT/tests/integration/kbs-load.sh" "$work/tsan" || status=$?
    count_script tsan-kbs-load "$work/tsan-kbs-load.log" $status
    unset TSAN_OPTIONS
    verdict "ThreadSanitizer reports nothing" "$work/tsan.log" no_reports
}

suite_integration() {
    step "integration: preparing"
    verdict "gcc builds all" "$work/integration-build.log" build_with_gcc
    script_tests integration "$work/gcc"
    script_tests model
}

# Coverage of its host tests, and its defences taken out one by one
suite_svsm() { script_tests svsm; }

# vm_tests FOLDER
vm_tests() {
    step "$1: preparing"
    verdict "prepare.sh" "$work/prepare.log" "$ROOT/prepare.sh"
    script_tests "$1"
}

suite_e2e() { vm_tests e2e; }

suite_full() { vm_tests full; }

parts=(svsm services state-volume igvm kbs proxy emulator lib tests bench)
sources() { find "${parts[@]/#/$ROOT/}" -name '*.[ch]' | sort; }
shell_scripts() {
    find "$ROOT" -maxdepth 1 -name '*.sh'
    find "$ROOT"/{scripts,guest,tests,bench,docs,.ci} -type f -exec grep -lE -m 1 '^#!/bin/(ba)?sh|^# shellcheck shell' {} +
}

# It takes the flags of each file from the gcc build, which has all parts. A file at a time: with several, clang-tidy 14
# takes every va_list for uninitialized from the second one on.
tidy() {
    local files
    mapfile -t files < <(sources | grep '\.c$')
    # shellcheck disable=SC2016 # for the shell that xargs runs
    configure gcc gcc "${gcc_options[@]}" &&
        printf '%s\n' "${files[@]}" | awk -v "n=${#files[@]}" '{ print "[" NR "/" n "]"; print }' |
        nice xargs -d '\n' -P "$(nproc)" -n 2 sh -c 'echo "$1 $2" && exec clang-tidy --quiet -p "$0" "$2"' "$work/gcc"
}

# What these find depends on their version. So each is run where it is one that the sources were checked with: Debian
# 12's and 13's.
declare -A checked_with=([clang-format]="14 19" [cppcheck]="2.10 2.17" [clang-tidy]="14 19")

# lint_with TOOL NAME COMMAND...: a verdict, if TOOL is such a version
lint_with() {
    local tool=$1 name=$2 version known
    shift 2
    version=$("$tool" --version 2>/dev/null | grep -oE '[0-9]+\.[0-9.]*[0-9]' | sed -n 1p) || true
    for known in ${checked_with[$tool]}; do
        if [[ "$version." == "$known."* ]]; then
            verdict "$name" "$work/$tool.log" "$@"
            return
        fi
    done
    skip "$tool" "${version:+this is $version, and }the sources were checked with ${checked_with[$tool]// / and } (Debian 12 and 13)"
}

# Which are longer: on stdout, and then it fails
no_long_files() {
    find "${parts[@]/#/$ROOT/}" "$ROOT"/{docs,guest,scripts,.ci} "$ROOT"/*.{md,sh} -type f \
        ! -path '*/corpus-*' ! -path '*/volumes/*' -exec wc -l {} + |
        awk '$1 > 900 && $2 != "total" { print; found = 1 } END { exit found }'
}

suite_lint() {
    local files
    step "lint"
    mapfile -t files < <(shell_scripts)
    verdict "shellcheck finds nothing" "$work/shellcheck.log" shellcheck -x "${files[@]}"
    mapfile -t files < <(sources)
    lint_with clang-format "the sources are formatted as clang-format does" clang-format --dry-run -Werror "${files[@]}"
    verdict "no file has more than 900 lines" "$work/long-files.log" no_long_files
    verdict "no include goes upward, and none in a circle, of modules neither" "$work/includes.log" "$ROOT/scripts/check-includes.sh"
    verdict "header guards, null tests and const have one spelling" "$work/spelling.log" "$ROOT/scripts/check-spelling.sh"
    lint_with cppcheck "cppcheck finds nothing" \
        nice cppcheck -q -j "$(nproc)" --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 \
        --suppress={comparePointers,subtractPointers,unknownMacro,normalCheckLevelMaxBranches} \
        --suppress={nullPointerOutOf{Memory,Resources},nullPointerArithmeticOutOfMemory}:"$ROOT"/tests/'*' -I "$ROOT" "${parts[@]/#/$ROOT/}"
    lint_with clang-tidy "clang-tidy finds nothing" tidy
}

mkdir -p "$work"
make_scratch
"$ROOT/prepare.sh" --fetch-only --for-tests
for suite in "${suites[@]}"; do
    "suite_$suite"
done
queue_run script_ended
summary="$passed passed, $failed failed"
[ $skipped = 0 ] || summary+=", $skipped skipped"
echo "$summary"
[ $failed = 0 ]
