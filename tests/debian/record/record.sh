#!/usr/bin/env bash
# Records the page faults of a program on a real riscv64 Linux, in order.
#
#   record.sh KERNEL ROOT OUT COMMAND [ARG...]
#
# KERNEL is Debian's linux-image package for riscv64, unpacked; ROOT a riscv64 root directory with
# busybox-static; COMMAND a path inside ROOT. Sv39, no address randomisation, no huge pages, page
# cache warm, fault_around_bytes 4096 unless FAULT_AROUND says otherwise. The environment is that of
# ENVIRONMENT, NAME=VALUE words. OUT gets a line a fault: X fetch, R load, W store; U or S the
# mode of the access; the address; the pc. Needs qemu-system-riscv64, qemu-riscv64, mke2fs and
# riscv64-linux-gnu-gcc.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
kernel=$(realpath "$1") root=$(realpath "$2") out=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

initrd=$work/initrd disk=$work/disk
mkdir -p "$initrd"/{bin,dev,mnt,modules,proc,sys} "$disk/root"/{b,dev,proc}
cp "$here/init" "$initrd/init"
chmod +x "$initrd/init"
cp "$root/usr/bin/busybox" "$initrd/bin/"
n=10
for module in crc32c_generic libcrc32c crc16 mbcache jbd2 ext4 virtio_blk; do
  found=$(find "$kernel" -name "$module.ko*" | head -n1)
  case $found in
    *.xz) xz -dc "$found" > "$initrd/modules/$n-$module.ko" ;;
    ?*) cp "$found" "$initrd/modules/$n-$module.ko" ;;
  esac
  n=$((n + 1))
done
(cd "$initrd" && find . | qemu-riscv64 bin/busybox cpio -o -H newc 2> /dev/null | gzip -1) > "$work/initrd.gz"

cp -a "$root/." "$disk/root/"
riscv64-linux-gnu-gcc -O1 -static -Wl,-Ttext-segment=0x40000000 -o "$disk/root/b/launch" "$here/launch.c"
quoted=$(printf ' %q' "$@")
cat > "$disk/run.sh" <<RUN
mount --bind /proc /mnt/root/proc
mount --bind /dev /mnt/root/dev
for file in \$(find /sys/kernel/mm/transparent_hugepage -name enabled); do echo never > \$file; done
echo ${FAULT_AROUND:-4096} > /sys/kernel/debug/fault_around_bytes
echo 128 > /sys/block/vda/queue/read_ahead_kb
for pass in cold warm; do
  env -i ${ENVIRONMENT:-LC_ALL=C} chroot /mnt/root /b/launch$quoted
done
RUN
truncate -s $(($(du -sm "$disk" | cut -f1) * 3 / 2 + 64))M "$work/image"
mke2fs -q -t ext4 -O ^has_journal -b 4096 -d "$disk" "$work/image"
timeout 120 qemu-system-riscv64 -M virt -m 1G -smp 1 -nographic -no-reboot \
  -d int -D "$work/traps" -kernel "$kernel"/boot/vmlinu* -initrd "$work/initrd.gz" \
  -append "console=ttyS0 quiet norandmaps no4lvl" \
  -drive "file=$work/image,format=raw,if=none,id=disk,cache=unsafe" \
  -device virtio-blk-pci,drive=disk < /dev/null | tr -d '\r' | sed -n '/^#STATUS/,$p' >&2

# The last run between the marks. Below 0x41000000, from 0x40000000 on, it is the launcher's.
awk -v FS='[:, ]+' '
  BEGIN { letter["c"] = "X"; letter["d"] = "R"; letter["f"] = "W" }
  /desc=exec_page_fault|desc=load_page_fault|desc=store_page_fault|cause:0*[cdf],/ {
    cause = ""; epc = ""; tval = ""
    for (i = 1; i < NF; i++) {
      if ($i == "cause") cause = $(i + 1)
      if ($i == "epc") epc = $(i + 1)
      if ($i == "tval") tval = $(i + 1)
    }
    sub(/^0+/, "", cause); sub(/^0x0*/, "", epc); sub(/^0x0*/, "", tval)
    if (!(cause in letter)) next
    if (tval == "dead0001000") { text = ""; on = 1; next }
    if (tval == "dead0002000") { last = text; on = 0; next }
    if (!on || length(tval) > 10 || tval ~ /^40......$/ || epc ~ /^40......$/) next
    text = text letter[cause] " " (length(epc) == 16 ? "S" : "U") " 0x" tval " 0x" epc "\n"
  }
  END { printf "%s", last }
' "$work/traps" > "$out"
wc -l < "$out"
