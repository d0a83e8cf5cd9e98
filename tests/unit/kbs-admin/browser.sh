#!/bin/bash
# SPDX-License-Identifier: MIT
# The status page in a headless Chromium: usage browser.sh SERVE_ADMIN [SCREENSHOT.png]
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
browser=$(command -v chromium || command -v chromium-browser || true)
[ -n "$browser" ] || { echo "there is no chromium: skipped"; exit 77; }
. "$here/serving.sh"

start_serving "$1" fill emulated
screenshot=${2:-$work/page.png}

# browse TOKEN_FILE OPTION...: what Chromium prints; what it complains of goes to $work/browser.log
browse() {
    local token
    token=$(cat "$1")
    shift
    timeout 60 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" \
        --ignore-certificate-errors --enable-logging=stderr "$@" \
        "https://auditor:$token@127.0.0.1:$port/status" 2>"$work/browser.log"
}

# has TEXT: whether the page has it
has() { grep -qF -- "$1" "$work/dom" || fail "the page has no $1"; }

browse "$work/auditor.token" --dump-dom >"$work/dom"
has "<caption>Volumes</caption>"
has "<caption>Last attestations</caption>"
has "An emulated platform is trusted."
has "✓ whole"
ok "an auditor's browser shows the page"

! grep -qF "<script" "$work/dom" || fail "markup in what is shown became part of the page"
has "&lt;script&gt;alert('x')"
ok "what certificates and policies say stays text"

! grep -qi "content security policy" "$work/browser.log" ||
    fail "the page breaks its own policy: $(grep -i "content security policy" "$work/browser.log")"
# The browser itself allows this page no script: default-src 'none' covers them.
ok "the page keeps its Content-Security-Policy"

browse "$work/auditor.token" --screenshot="$screenshot" --window-size=1280,1500 --hide-scrollbars
[ "$(head -c 4 "$screenshot" | tail -c 3)" = PNG ] || fail "there is no screenshot"
[ "$(stat -c %s "$screenshot")" -gt 20000 ] || fail "the screenshot is empty"
ok "the page can be seen"

echo wrong >"$work/wrong.token"
browse "$work/wrong.token" --dump-dom >"$work/dom" || true
! grep -qF "<caption>" "$work/dom" || fail "the page is shown to a stranger"
ok "a stranger sees nothing"
