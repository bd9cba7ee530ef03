#!/usr/bin/env bash
# Makes the mosquitto broker available without root: an installed one is used as it is; else Debian's own packages are
# downloaded (apt checks their signatures) and unpacked under .cache/mosquitto, with a wrapper `run` that finds the
# libraries. The system is not changed: package lists that are missing are fetched into a folder of our own.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
place="$root/.cache/mosquitto"
work="$root/.cache/mosquitto.partial"
apt_state="$root/.cache/apt"

say() { printf '\033[1m[setup]\033[0m %s\n' "$*"; }
fail() {
    printf '\033[1;31m[setup]\033[0m %s\n' "$*" >&2
    exit 1
}
by_hand="install it (Debian: sudo apt-get install mosquitto; the service itself need not run)"

export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
if command -v mosquitto >/dev/null || [[ -x $place/run ]]; then
    exit 0
fi
command -v apt-get >/dev/null ||
    fail "The mosquitto broker was not found, and this is not a Debian system: $by_hand."

apt_options=()
# Unpacked into a folder of this user, so apt's own download user could not write there.
((EUID == 0)) && apt_options+=(-o APT::Sandbox::User=root)

own_lists() {
    mkdir -p "$apt_state/lists/partial" "$apt_state/cache/archives/partial"
    apt_options+=(
        -o "Dir::State::lists=$apt_state/lists"
        -o "Dir::Cache=$apt_state/cache"
        -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache="
        -o "APT::Update::Post-Invoke::=" -o "DPkg::Post-Invoke::="
    )
    say "fetching Debian's package lists into .cache/apt (the system's own stay as they are)"
    apt-get "${apt_options[@]}" -qq update || fail "Debian's package lists could not be fetched. Check the network, or $by_hand."
}

has_candidate() {
    [[ $(apt-cache "${apt_options[@]}" policy "$1" 2>/dev/null) == *"Candidate: "[0-9]* ]]
}

fetch() {
    (cd "$work/debs" && apt-get "${apt_options[@]}" -qq download "$1") && dpkg -x "$work"/debs/"$1"_*.deb "$work/root"
}

# Libraries a package asks for that are neither installed nor unpacked yet.
libraries_wanted_by() {
    local name
    apt-cache "${apt_options[@]}" depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
        --no-enhances "$1" | sed -n 's/^ *|\{0,1\}Depends: *\(lib[^ :<]*\).*/\1/p' | while read -r name; do
        [[ $(dpkg-query -W -f '${Status}' "$name" 2>/dev/null) == *" installed" ]] && continue
        compgen -G "$work/debs/${name}_*.deb" >/dev/null || printf '%s\n' "$name"
    done
}

library_path() {
    find "$work/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:
}

unresolved() {
    LD_LIBRARY_PATH=$(library_path) ldd "$work/root/usr/sbin/mosquitto" | sed -n 's/^\t\(.*\) => not found/\1/p'
}

unpack_broker() {
    local waiting=(mosquitto) wanted name
    rm -rf "$work"
    mkdir -p "$work/debs" "$work/root"
    while ((${#waiting[@]})); do
        name=${waiting[0]}
        waiting=("${waiting[@]:1}")
        compgen -G "$work/debs/${name}_*.deb" >/dev/null && continue
        fetch "$name" || return 1
        mapfile -t wanted < <(libraries_wanted_by "$name")
        [[ -z $(unresolved) ]] || waiting+=("${wanted[@]}")
    done
    wanted=("$(unresolved)")
    [[ -z ${wanted[0]} ]] || {
        say "libraries that Debian's packages did not bring: ${wanted[*]}"
        return 1
    }
}

started=$SECONDS
say "unpacking the mosquitto broker under .cache/mosquitto"
has_candidate mosquitto || own_lists
if ! unpack_broker; then
    # The system's lists may name versions that the mirror has replaced since.
    [[ " ${apt_options[*]} " == *"$apt_state"* ]] && fail "The mosquitto broker could not be fetched: $by_hand."
    own_lists
    unpack_broker || fail "The mosquitto broker could not be fetched: $by_hand."
fi

cat >"$work/run" <<'WRAPPER'
#!/bin/sh
# Starts the unpacked broker with the libraries that lie beside it.
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH=$(find "$here/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH
exec "$here/root/usr/sbin/mosquitto" "$@"
WRAPPER
chmod +x "$work/run"
version=$("$work/run" -h 2>/dev/null | head -n 1 || true)
[[ $version == mosquitto* ]] || fail "The unpacked mosquitto broker does not start: $by_hand."
rm -rf "$work/debs" "$place" "$apt_state"
mv "$work" "$place"
say "$version ready ($((SECONDS - started)) s)"
