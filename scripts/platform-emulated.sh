# SPDX-License-Identifier: MIT
# The emulated SEV-SNP platform: our hypervisor below the VM in an ordinary QEMU, and the emulated secure
# processor beside it, which shares the VM's memory through a file. To be sourced after lib.sh.
# shellcheck shell=bash disable=SC2154 # the caller's variables

. "$ROOT/scripts/emulated-memory.sh"
. "$ROOT/scripts/host-memory.sh"

emulated_check() {
    local folder
    qemu=$(find_qemu) ||
        die -"$EXIT_QEMU" "$(qemu_problem)" "./prepare.sh fetches one; QEMU in vm.conf can name another"
    require_built "$BUILD_DIR/emulator/hypervisor.elf" "$EXIT_NOT_BUILT"
    require_built "$BUILD_DIR/emulator/reset.rom" "$EXIT_NOT_BUILT"
    require_built "$BUILD_DIR/emulator/amd-sp/amd-sp" "$EXIT_NOT_BUILT"
    require_built "$CHIP_DIR" "$EXIT_NOT_BUILT"
    folder=$(emulated_run_parent)
    check_room "$(emulated_machine_size "$memory_bytes")" "$(room_in "$folder")" "in $folder" \
        "name a folder with more room in TMPDIR"
}

# The folder for the VM's memory: in RAM if it fits, with some room left
emulated_run_parent() {
    local wanted
    wanted=$(($(emulated_machine_size "$memory_bytes") * 5 / 4))
    if [ "$(room_in /dev/shm)" -gt $wanted ] && [ "$(available_memory)" -gt $wanted ]; then
        echo /dev/shm
    else
        echo "${TMPDIR:-/tmp}"
    fi
}

# Fills the array qemu_command.
emulated_compose() {
    local size
    size=$(emulated_machine_size "$memory_bytes")
    qemu_command=(
        "$qemu" -accel "tcg,thread=multi" -smp "$cpus"
        -machine "q35,smm=off,sata=off,smbus=off,i8042=off,hpet=off,max-ram-below-4g=$EMULATED_LOW_END,memory-backend=ram"
        -cpu "EPYC-Milan,phys-bits=48,+x2apic,-pku"
        -object "memory-backend-file,id=ram,size=$size,mem-path=$run_dir/ram,share=on"
        -m "size=$((size >> 20))M"
        -bios "$BUILD_DIR/emulator/reset.rom"
        -device "loader,file=$BUILD_DIR/emulator/hypervisor.elf"
        -device "loader,file=$igvm,addr=$(emulated_reserve_start "$memory_bytes"),force-raw=on"
        -fw_cfg "name=opt/snp-vtpm/hypervisor,string=igvm=$(stat -Lc %s "$igvm" 2>/dev/null) reserve=$(emulated_reserve "$memory_bytes") lend=1 $EMULATOR_OPTIONS"
        -device "isa-debug-exit,iobase=0x404,iosize=1"
        -chardev "file,id=hypervisor,path=$LOG_DIR/hypervisor.log"
        -device "isa-debugcon,iobase=0x403,chardev=hypervisor"
        -chardev "socket,id=sp,path=$run_dir/sp.sock" -device "isa-serial,iobase=0x408,irq=7,index=3,chardev=sp"
        -nodefaults -display none -no-reboot
        -global ICH9-LPC.disable_s3=1 -global ICH9-LPC.disable_s4=1
        "${console_arguments[@]}"
        -serial none
        -serial "$(proxy_serial)"
        "${guest_device_arguments[@]}"
    )
    # The hypervisor hides this device from the guest and shows it to the SVSM as virtio-mmio.
    [ "$svsm" = no ] || qemu_command+=(
        -drive "file=$STATE_VOLUME,format=raw,if=none,id=state"
        -device "virtio-blk-pci,drive=state,addr=1e.0,$virtio_pci"
    )
}

# Starts what must run before QEMU.
emulated_prepare() {
    truncate -s "$(emulated_machine_size "$memory_bytes")" "$run_dir/ram"
    setsid setpriv --pdeathsig TERM "$BUILD_DIR/emulator/amd-sp/amd-sp" --chip "$CHIP_DIR" --ram "$run_dir/ram" \
        --socket "$run_dir/sp.sock" >"$LOG_DIR/amd-sp.log" 2>&1 </dev/null &
    helper_pids+=($!)
    for _ in {1..1200}; do
        [ ! -S "$run_dir/sp.sock" ] || return 0
        kill -0 $! 2>/dev/null || break
        sleep 0.05
    done
    cat "$LOG_DIR/amd-sp.log" >&2
    die -"$EXIT_PLATFORM" "the emulated secure processor did not start" "its messages are above"
}

# emulated_end_kind STATUS: for start-cvm.sh, when it is not 0
emulated_end_kind() {
    case $1 in
        35) echo triple-fault ;;
        135) echo no-room ;; # SIGBUS: a page of the file for memory could not be had
        *) echo unknown ;;
    esac
}

# emulated_end STATUS: what QEMU's exit status says of the VM's end (enum host_exit in emulator/platform/host.h)
emulated_end() {
    case $1 in
        33) echo "it asked for its end" ;;
        35) echo "its processor shut down (triple fault)" ;;
        37) echo "it did what the platform cannot serve" ;;
        39) echo "its launch failed" ;;
        41) echo "the hypervisor failed" ;;
        137) echo "QEMU was killed (SIGKILL), as Linux does when memory runs out: dmesg tells" ;;
        *) echo "QEMU ended with status $1" ;;
    esac
    tail -n 2 "$LOG_DIR/hypervisor.log" 2>/dev/null || true
}
