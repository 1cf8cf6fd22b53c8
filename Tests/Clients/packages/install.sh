#!/bin/sh
# Installs, runs, upgrades, removes and purges the package, on a copy of this machine's files that
# nobody else sees: install.sh PACKAGE SCRATCH_FOLDER, in namespaces of its own (unshare -mnpf).
set -eu
package="$1" scratch="$2"
mount -t tmpfs none "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
mount -t overlay overlay \
    -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" "$scratch/root"
root="$scratch/root"
mount -t proc proc "$root/proc"
mount -t devtmpfs dev "$root/dev" 2>/dev/null || mount --bind /dev "$root/dev"
mount -t tmpfs none "$root/run"
ip link set lo up
cp "$package" "$root/bowerbird.deb"
inside() { chroot "$root" "$@"; }
say() { echo "install: $*"; }

inside dpkg -i /bowerbird.deb
say "$(inside id bowerbird)"
say "owner $(stat -c '%a' "$root/var/lib/bowerbird") $(inside stat -c '%U' /var/lib/bowerbird)"
inside systemd-analyze verify /lib/systemd/system/bowerbird.service && say unit verified
inside man -w bowerbird >/dev/null && inside man -w 8 bowerbird-server >/dev/null && say manuals
inside bash -c 'source /usr/share/bash-completion/completions/bowerbird && complete -p bowerbird' &&
    say completions

# As the unit starts it, but for the walls.
say "$(inside setpriv --reuid bowerbird --regid bowerbird --clear-groups --no-new-privs \
    /usr/bin/bowerbird-server --config /etc/bowerbird/bowerbird.yaml --check-config)"
chroot "$root" setpriv --reuid bowerbird --regid bowerbird --clear-groups --no-new-privs \
    /usr/bin/bowerbird-server --config /etc/bowerbird/bowerbird.yaml >"$scratch/ready" 2>"$scratch/log" &
server=$!
tries=0
until grep -q '^ready ' "$scratch/ready"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ]; then
        cat "$scratch/log"
        exit 1
    fi
    sleep 0.1
done
say "$(cat "$scratch/ready")"
say "status: $(inside bowerbird status | head -1)"
kill -TERM "$server"
wait "$server" && say stopped
say "data of $(inside stat -c '%U' /var/lib/bowerbird/CURRENT /var/lib/bowerbird/*/CURRENT 2>/dev/null | sort -u)"

echo '# by the operator' >>"$root/etc/bowerbird/bowerbird.yaml"
inside dpkg -i --force-confold /bowerbird.deb >/dev/null 2>&1
tail -1 "$root/etc/bowerbird/bowerbird.yaml" | grep -q operator && say upgraded, settings kept
inside dpkg -r bowerbird >/dev/null
[ ! -e "$root/usr/bin/bowerbird-server" ] && [ -d "$root/var/lib/bowerbird" ] &&
    [ -e "$root/etc/bowerbird/bowerbird.yaml" ] && say removed, data and settings kept
inside dpkg -P bowerbird >/dev/null
say "left: $(cd "$root" && find usr lib/systemd etc var/lib -name '*bowerbird*' \
    ! -path '*/swift*' | grep -vE '^(usr/src|usr/local)' | tr '\n' ' ')"
inside id bowerbird >/dev/null 2>&1 || say no user
