#!/bin/sh
# Runs an unpacked image as a container engine would, not root and on a root file system that can't
# be written: contain.sh ROOT_FOLDER COMMAND..., in namespaces of its own (unshare -mnpf).
set -eu
root="$1"
shift
mount --bind "$root" "$root"
mount -t tmpfs -o uid=65532,gid=65532,mode=0700 none "$root/var/lib/bowerbird"
mount -t tmpfs none "$root/tmp"
mkdir -p "$root/proc"
mount -t proc proc "$root/proc"
mount -o remount,ro,bind "$root"
ip link set lo up
exec chroot --userspec 65532:65532 --groups "" "$root" "$@"
