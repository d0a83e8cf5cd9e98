# SPDX-License-Identifier: MIT
# Tries a VM with versions of QEMU, firmware, kernel or libtpms that neither the tests nor this machine have seen yet, and
# goes back to others when none starts. To be sourced by prepare.sh.
# shellcheck shell=bash disable=SC2154 # variables of lib.sh

# For the guest: its TPM answers, and firmware and boot loader were measured into it.
TRIAL='tpm2_getrandom -o /dev/null 8 && tpm2_pcrread sha256:0,4 >pcrs && ! grep "0x0\{64\}" pcrs'

# try_vm: the story's beginning, with a TPM, a KBS and a guest's disk of its own
try_vm() {
    local folder=$BUILD_DIR/trial
    rm -rf "$folder"
    use_private_state "$folder" "$(free_port)" PLATFORM=emulated
    trap '"$ROOT/start-kbs.sh" --stop' EXIT
    "$ROOT/remanufacture-tpm.sh"
    "$ROOT/start-kbs.sh" --background
    "$ROOT/register-resource-in-kbs.sh"
    "$ROOT/start-cvm.sh" --run "$TRIAL"
    "$ROOT/start-kbs.sh" --stop
    trap - EXIT
    rm -rf "$folder"
}

# vm_starts: whether it does; its log has why not
vm_starts() {
    local status=0
    run_beside "$(log_of trial)" try_vm
    wait_visibly "Trying a VM" "$(log_of trial)" || status=$?
    say "    Trying a VM: $([ $status = 0 ] && echo 'it starts' || echo 'it does not start') ($waited s)"
    vm_started=$status
}

new_components() {
    local name
    for name in "${COMPONENTS[@]}"; do
        ! is_new "$name" || echo "$name"
    done
}

remember_proven() {
    local name
    for name in "${COMPONENTS[@]}"; do
        ! is_here "$name" || touch "$CACHE_DIR/$name/current/proven"
        tidy "$name"
    done
}

# prove: when something is new. What is at fault is found by going back with one component at a time.
prove() {
    local name version new
    mapfile -t new < <(new_components)
    [ ${#new[@]} != 0 ] || return 0
    step "Trying what is new here: ${new[*]}"
    vm_starts
    [ $vm_started != 0 ] || { remember_proven && return; }
    for name in "${new[@]}"; do
        version=$(version_of "$name")
        if can_fall_back "$name"; then
            run_logged "Fetching another version of ${TITLE[$name]}" "$(log_of "another-$name")" \
                fall_back "$name" "a VM does not start with it"
            build_all
            vm_starts
            [ $vm_started != 0 ] || { remember_proven && return; }
            forgive "$name" "$version"
            use "$name" "$version"
        fi
    done
    build_all
    tail -n 20 "$(log_of trial)" >&2
    die "a VM does not start, whichever of the versions on offer is used" "the whole log: $(shown "$(log_of trial)")"
}
