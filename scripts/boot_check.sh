#!/usr/bin/env bash
# Boots Debian with the real systemd in a container, installs a station as docs/operate/install-on-a-pi.md says, with
# emulated camera, panel and display, and sees whether the hardened units start, notify, are restarted after kill -9 and
# ended by the watchdog. By hand, as root: needs debootstrap and systemd-container; about three minutes, then half a
# minute a run. Usage: scripts/boot_check.sh [FOLDER FOR THE ROOT FILE SYSTEM] [SUITE]
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=${1:-$source/.cache/boot-root}
suite=${2:-trixie}

((EUID == 0)) || { echo "This needs root." >&2; exit 2; }
for tool in debootstrap systemd-nspawn; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install debootstrap systemd-container" >&2; exit 2; }
done

if [[ ! -e $root/sbin/init ]]; then
    rm -rf "$root"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,udev,dbus,python3,python3-venv,ca-certificates \
        "$suite" "$root" >/dev/null
fi
# A site's own authority and package index, where the machine that builds this has them.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp /etc/resolv.conf "$root/etc/resolv.conf"
[[ ! -e /etc/pip.conf ]] || cp /etc/pip.conf "$root/etc/pip.conf"

rm -rf "$root/opt/eid/src" "$root/srv/fleet" "$root/srv/files" "$root/srv/boot.log"
mkdir -p "$root/opt/eid/src" "$root/opt/eid/models"
git -C "$source" ls-files -z | tar -C "$source" --null -T - -cf - | tar -C "$root/opt/eid/src" -xf -
inside() { systemd-nspawn --quiet --register=no --keep-unit -D "$root" "$@" </dev/null; }
inside sh -euc '
    [ -e /opt/eid/.venv/bin/pip ] || python3 -m venv --system-site-packages /opt/eid/.venv
    cd /opt/eid/src
    /opt/eid/.venv/bin/pip install -q --require-hashes -r requirements/station.lock
    /opt/eid/.venv/bin/pip install -q --no-deps --no-build-isolation --force-reinstall .
    install -m 0644 systemd/sysusers.d/eid.conf /usr/lib/sysusers.d/eid.conf
    install -m 0644 systemd/tmpfiles.d/eid.conf /usr/lib/tmpfiles.d/eid.conf
    install -m 0644 systemd/*.service /etc/systemd/system/
    systemd-sysusers
    systemd-tmpfiles --create /usr/lib/tmpfiles.d/eid.conf
    /opt/eid/.venv/bin/eid-fleet init /srv/fleet --host 127.0.0.1
    /opt/eid/.venv/bin/eid-fleet station q1-desk-01 --fleet /srv/fleet --out /srv/files
    install -o eid-capture -g eid -m 0600 /srv/files/capture/* /etc/eid/capture/
    install -o eid-link -g eid -m 0600 /srv/files/link/* /etc/eid/link/
    sed -e "s/driver = \"picamera2\"/driver = \"emulated\"/" \
        -e "s/driver = \"oled-128x64\"/driver = \"emulated\"\noptions = { directory = \"\/run\/eid-capture\/screens\" }/" \
        -e "s/pin_factory = \"lgpio\"/pin_factory = \"eid_emulated\", socket = \"\/run\/eid-capture\/panel.sock\"/" \
        -e "s/^host = .*/host = \"127.0.0.1\"/" systemd/station.toml >/etc/eid/station.toml
    chgrp eid /etc/eid/station.toml
    chmod 0640 /etc/eid/station.toml
'
if [[ -d $source/../shared/models ]]; then
    find "$source/../shared/models" -maxdepth 1 -type f -exec cp -t "$root/opt/eid/models" {} +
else
    inside /opt/eid/.venv/bin/eid-station fetch-models --into /opt/eid/models
fi

cat >"$root/srv/boot.sh" <<'PROBE'
#!/bin/bash
# Runs inside: one line for each thing seen, the last is the verdict.
exec >/srv/boot.log 2>&1
property() { systemctl show "$1" -p "$2" --value; }
reach() { # unit, restarts: active again after that many
    for _ in $(seq 600); do
        [[ $(property "$1" NRestarts) -ge $2 && $(property "$1" ActiveState) == active ]] && return 0
        sleep 0.1
    done
    return 1
}
failed=0
see() {
    local what=$1
    shift
    if "$@"; then echo "ok      $what"; else echo "FAILED  $what"; failed=1; fi
}
only_loopback() { [[ $(tail -n +3 "/proc/$(property eid-capture MainPID)/net/dev" | grep -vc ' lo:') == 0 ]]; }
own_namespace() { [[ $(readlink "/proc/$(property eid-capture MainPID)/ns/net") != "$(readlink /proc/1/ns/net)" ]]; }

systemctl start eid-capture.service eid-link.service
see "capture is ready" reach eid-capture 0
see "link is ready without a broker" reach eid-link 0
see "capture lives in a network namespace of its own" own_namespace
see "which holds the loopback only" only_loopback
for unit in eid-capture eid-link; do
    kill -KILL "$(property "$unit" MainPID)"
    see "$unit comes back after kill -9" reach "$unit" 1
    kill -STOP "$(property "$unit" MainPID)"
    see "$unit comes back after the watchdog ended it" reach "$unit" 2
done
journalctl -u eid-capture -u eid-link --no-pager | tail -n 40
[[ $failed == 0 ]] && echo "verdict: passed" || echo "verdict: FAILED"
systemctl poweroff
PROBE
chmod +x "$root/srv/boot.sh"
printf '[Service]\nExecStart=/srv/boot.sh\n' >"$root/etc/systemd/system/boot-check.service"
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf /etc/systemd/system/boot-check.service "$root/etc/systemd/system/multi-user.target.wants/"
timeout 300 systemd-nspawn --quiet --boot --register=no --keep-unit --private-network -D "$root" </dev/null >/dev/null || true
cat "$root/srv/boot.log"
grep -q '^verdict: passed' "$root/srv/boot.log"
