# SPDX-License-Identifier: MIT
# A real SEV-SNP host with the kernel and the QEMU of the COCONUT project's svsm branches: upstream has no VMPLs
# for guests yet. To be sourced after lib.sh.
# shellcheck shell=bash disable=SC2154 # the caller's variables

. "$ROOT/scripts/host-memory.sh"

QEMU_SNP_OLDEST=11

snp_host() {
    grep -qs '^[Y1]' /sys/module/kvm_amd/parameters/sev_snp && [ -w /dev/kvm ]
}

# Without -q, at which QEMU would die of a closed pipe
snp_qemu() { "$QEMU_SNP" -machine q35,help 2>/dev/null | grep device-plane >/dev/null; }

snp_check() {
    snp_host || die -"$EXIT_PLATFORM" "this host cannot run SEV-SNP VMs: no /dev/kvm with SEV-SNP enabled" \
        "--platform emulated runs anywhere"
    local major
    major=$(qemu_major "$QEMU_SNP")
    if [ "${major:-0}" -lt $QEMU_SNP_OLDEST ] || ! snp_qemu; then
        die -"$EXIT_QEMU" "$QEMU_SNP ${major:+is QEMU $major, and }does not know VMPLs (device-plane)" \
            "build QEMU from the COCONUT project's svsm branch and name it with QEMU_SNP in vm.conf"
    fi
    check_room "$memory_bytes" "$(available_memory)" "on this machine"
}

snp_run_parent() { echo "${TMPDIR:-/tmp}"; }

# Fills the array qemu_command.
snp_compose() {
    local planes=,x-svsm-virtio-mmio=on,kernel-irqchip=split,device-plane=2
    [ "$svsm" = yes ] || planes=
    # max-ram-below-4g: OVMF under an SVSM puts the PCI windows at 2 GiB (scripts/emulated-memory.sh)
    qemu_command=(
        "$QEMU_SNP"
        -machine "q35,accel=kvm,max-ram-below-4g=2G,memory-backend=ram,confidential-guest-support=sev,igvm-cfg=igvm$planes"
        -cpu EPYC-v4
        -object "memory-backend-memfd,id=ram,size=$memory,share=true,prealloc=false,reserve=false"
        -m "size=$memory" -smp "$cpus"
        -object "sev-snp-guest,id=sev,cbitpos=$SNP_CBIT,reduced-phys-bits=1,policy=0x30000"
        -object "igvm-cfg,id=igvm,file=$igvm"
        -nodefaults -display none -no-reboot
        -global ICH9-LPC.disable_s3=1 -global ICH9-LPC.disable_s4=1
        "${console_arguments[@]}"
        -serial null
        -serial "$(proxy_serial)"
        -serial null
        "${guest_device_arguments[@]}"
    )
    [ "$svsm" = no ] || qemu_command+=(
        -global virtio-mmio.force-legacy=false
        -drive "file=$STATE_VOLUME,format=raw,if=none,id=state,cache=none"
        -device "virtio-blk-device,drive=state,plane=0"
    )
}

snp_prepare() { :; }

snp_end_kind() { echo unknown; }

snp_end() { echo "QEMU ended with status $1"; }
