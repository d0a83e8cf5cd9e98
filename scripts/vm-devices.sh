# SPDX-License-Identifier: MIT
# The devices that a person chooses for the guest: more disks, a network. To be sourced after lib.sh and checks.sh.
#
# What is attached shows in the guest's PCRs, so the same devices are there with --run and without it.
# shellcheck shell=bash disable=SC2034,SC2154 # the caller's variables

# What an SNP guest needs of a virtio device: bounce buffers, and no option ROM of the host's
virtio_pci=disable-legacy=on,iommu_platform=on,romfile=

# PCI slots: 2 the guest's disk, 3 the job disk, 4 the panic device, 5 the network, from 6 on the other disks. The emulated
# platform has its own use for 0x1e, and q35 for 0x1f.
FIRST_DISK_SLOT=6
MAX_DISKS=16

# The descriptors of locks: 8 the guest's disk, 9 the state volume, 19 this VM runs, from 20 on the other disks
FIRST_DISK_LOCK=20

# close_locks: for a process beside the VM that may outlive the script by a moment
close_locks() {
    local i
    exec 8>&- 9>&- 19>&-
    for ((i = 0; i < ${#disks[@]}; i++)); do
        eval "exec $((FIRST_DISK_LOCK + i))>&-"
    done
}

# network_parse TEXT: none, or user with ",forward=[ADDRESS:]PORT:GUEST_PORT" as often as wanted; fills $network and the
# array $forwards
network_parse() {
    local part parts port='[1-9][0-9]{0,4}'
    IFS=, read -ra parts <<<"$1"
    network=${parts[0]:-} forwards=()
    [[ $network =~ ^(none|user)$ ]] || usage_error "--net $1: there is no network ${network:-without a name}, only none and user"
    for part in "${parts[@]:1}"; do
        if [ "$network" = none ] || ! [[ $part =~ ^forward=(([0-9]{1,3}(\.[0-9]{1,3}){3}):)?($port):($port)$ ]] ||
            [ "${BASH_REMATCH[4]}" -gt 65535 ] || [ "${BASH_REMATCH[5]}" -gt 65535 ]; then
            usage_error "--net $1: $part is not forward=PORT:GUEST_PORT"
        fi
        forwards+=("${BASH_REMATCH[2]:-127.0.0.1}:${BASH_REMATCH[4]}-:${BASH_REMATCH[5]}")
    done
}

# network_add_ssh: forwards a free port to the guest's SSH server, and tells which
network_add_ssh() {
    local port
    for port in {2222..2322}; do
        port_answers "$port" || break
    done
    [ "$network" = user ] || network_parse user
    forwards+=("127.0.0.1:$port-:22")
    say "When the guest runs an SSH server: ssh -p $port USER@127.0.0.1"
}

# devices_compose: fills the array guest_device_arguments, in the order that the guest sees.
devices_compose() {
    local slot=$FIRST_DISK_SLOT disk forward backend=user,id=net
    guest_device_arguments=(
        -drive "file=$GUEST_IMAGE,format=qcow2,if=none,id=disk"
        -device "virtio-blk-pci,drive=disk,addr=2.0,$virtio_pci"
        -drive "file=$run_dir/job,format=raw,if=none,id=job"
        -device "virtio-blk-pci,drive=job,serial=job,addr=3.0,$virtio_pci"
        -device "pvpanic-pci,addr=4.0"
    )
    if [ "$network" = user ]; then
        for forward in "${forwards[@]}"; do
            backend+=,hostfwd=tcp:$forward
        done
        guest_device_arguments+=(-netdev "$backend" -device "virtio-net-pci,netdev=net,addr=5.0,$virtio_pci")
    fi
    for disk in "${disks[@]}"; do
        guest_device_arguments+=(
            -drive "file=$disk,format=qcow2,if=none,id=disk$slot"
            -device "virtio-blk-pci,drive=disk$slot,addr=$(printf %x.0 $slot),$virtio_pci"
        )
        slot=$((slot + 1))
    done
}

# devices_check: the disks are there, and nobody else's; their locks are held as long as the script and QEMU run.
devices_check() {
    local disk descriptor=$FIRST_DISK_LOCK
    [ ${#disks[@]} -le $MAX_DISKS ] || usage_error "${#disks[@]} times --disk: at most $MAX_DISKS"
    for disk in "${disks[@]}"; do
        check_guest_image "$EXIT_IMAGE" "$disk"
        lock_file $descriptor "$disk" ||
            die -"$EXIT_IN_USE" "$(shown "$disk") is in use by another VM, or given twice" "power that VM off, or use a copy"
        descriptor=$((descriptor + 1))
    done
}
