#!/usr/bin/env bash
# Boots a real systemd as process 1 of throw-away namespaces, over a copy-on-write view of this machine's files, and runs a script in it.
# Nothing that is written inside survives. Needs root, Linux with overlayfs and cgroup2, and Debian's packages systemd and util-linux.
#
#   tests/systemd/rig.sh TREE SCRIPT [ARGUMENT…]
#
# TREE is laid over / first (usr/bin/…, etc/systemd/system/…); the units in it are the only ones beside systemd's own. SCRIPT comes in
# on standard input, so it need not exist inside; its exit status is the rig's. 77: cannot run here, with the reason on standard error.
# Inside there is no network but loopback, and no controller of memory or processor time, so limits of those do nothing.
set -euo pipefail
[ $# -ge 2 ] || { sed -n 2,8p "$0" >&2; exit 64; }
[ "$(id -u)" = 0 ] || { echo "systemd rig skipped: it needs root" >&2; exit 77; }
for tool in /lib/systemd/systemd unshare nsenter setsid pgrep ip; do
    command -v $tool >/dev/null || { echo "systemd rig skipped: $tool is missing" >&2; exit 77; }
done
tree=$(realpath "$1") script=$(realpath "$2")
shift 2
work=$(mktemp -d)
mkdir "$work/fs" "$work/cgroup"
export work tree
holder=
leave() {
    set +e
    [ -z "$holder" ] || { kill -KILL "$holder" 2>/dev/null; wait "$holder" 2>/dev/null; }
    if mountpoint -q "$work/cgroup"; then
        # What was in it dies with the namespace; the last of it may take a moment.
        for _ in $(seq 50); do
            find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
            [ -e "$group" ] || break
            sleep 0.1
        done
        umount "$work/cgroup"
    fi
    rm -rf --one-file-system "$work"
}
trap leave EXIT
# A control group of its own: two rigs in one would end each other's services.
mount -t cgroup2 cgroup2 "$work/cgroup" || { echo "systemd rig skipped: no cgroup2 here" >&2; exit 77; }
group=$work/cgroup/$(basename "$work")
mkdir "$group"
cat >"$work/boot" <<'BOOT'
set -eu
mount -t tmpfs tmpfs "$work/fs"
mkdir "$work/fs/up" "$work/fs/work" "$work/fs/root"
root=$work/fs/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/fs/up,workdir=$work/fs/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
# Nodes of its own: PrivateDevices= cannot copy those that are bound in from outside.
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$root/dev/${node%:*}" c 1 "${node#*:}"; done
mknod -m 666 "$root/dev/tty" c 5 0
mkdir "$root/dev/shm" "$root/dev/pts" "$root/dev/mqueue"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
touch "$root/dev/console"
rm -rf "$root/etc/systemd/system" "$root/var/log/journal"
mkdir -p "$root/etc/systemd/system"
printf '[Unit]\nDescription=The rig\nAllowIsolate=yes\n' >"$root/etc/systemd/system/rig.target"
# Not the folder itself: its mode would become that of /.
cp -a "$tree"/* "$root/"
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
cd "$root"
mkdir -p outside
pivot_root . outside
umount -l /outside
mount --make-rshared /
ip link set lo up
exec env -i container=rig PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=rig.target --log-target=console --log-level=notice --show-status=no
BOOT
(
    echo "$BASHPID" >"$group/cgroup.procs"
    exec unshare --mount --pid --fork --uts --ipc --net --cgroup --kill-child=KILL --propagation private bash "$work/boot"
) >"$work/console" 2>&1 </dev/null &
holder=$!
inside() { nsenter -t "$pid" -a env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }
is_up() {
    pid=$(pgrep -P "$holder" -x systemd) && inside systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'
}
for _ in $(seq 150); do
    is_up && break
    kill -0 $holder 2>/dev/null || break
    sleep 0.2
done
is_up || { cat "$work/console" >&2; echo "systemd rig skipped: systemd does not come up in namespaces here" >&2; exit 77; }
# A session of its own: a signal to "everybody" in the script stays in it.
inside setsid --wait bash -s -- "$@" <"$script"
