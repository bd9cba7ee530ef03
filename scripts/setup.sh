#!/usr/bin/env bash
# Makes a fresh clone ready: .venv/ from the hash-pinned lock, the project itself, the picamera2 suite where a compiler
# is at hand, the OCR-B font and the mosquitto broker. Needs no root and changes nothing outside the clone. Quick where
# all is done; an interrupted run is noticed and made good by the next.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

venv="$root/.venv"
cache="$root/.cache"
log="$cache/setup.log"
stamp="$venv/.eid-setup"
unfinished="$venv/.eid-unfinished"

say() { printf '\033[1m[setup]\033[0m %s\n' "$*"; }
fail() {
    printf '\033[1;31m[setup]\033[0m %s\n' "$*" >&2
    exit 1
}

# The stamp holds what the environment was made from: the lock, the package description, the interpreter, the place.
fingerprint() {
    {
        sha256sum requirements/dev.lock requirements/runtime.in pyproject.toml
        printf '%s\n' "$root"
        readlink -f "$venv/bin/python" || echo none
    } | sha256sum | cut -d' ' -f1
}

find_python() {
    local name found
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
        found=$(command -v "$name" 2>/dev/null) || continue
        if "$found" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$found"
            return
        fi
    done
    fail "No Python 3.11 or later was found. Install it (Debian: sudo apt-get install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3."
}

# pip names hundreds of files; a person wants to see that it moves and, when it fails, why.
run_pip() {
    local what=$1 started=$SECONDS
    shift
    if ! "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off "$@" 2>&1 |
        tee -a "$log" | awk -v what="$what" -v tty="$([[ -t 1 ]] && echo 1 || echo 0)" '
            /^Collecting / { count++; if (tty) { printf "\r\033[K        %s: %d collected, now %s", what, count, $2 }
                             else if (count % 20 == 0) { printf "        %s: %d collected\n", what, count }; fflush() }
            /^Installing collected/ { if (tty) printf "\r\033[K"; printf "        %s: unpacking %d\n", what, count; fflush() }
            END { if (tty) printf "\r\033[K" }'; then
        tail -n 15 "$log" >&2
        return 1
    fi
    say "$what ready ($((SECONDS - started)) s)"
}

make_venv() {
    local python
    if [[ -e $unfinished || ! -x $venv/bin/python ]] || ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
        python=$(find_python)
        "$python" -c 'import ensurepip, venv' 2>/dev/null ||
            fail "$python cannot make virtual environments. Run: sudo apt-get install python3-venv"
        say "virtual environment .venv with $("$python" --version) ($python)"
        rm -rf "$venv"
        mkdir -p "$venv"
        : >"$unfinished"
        "$python" -m venv "$venv" >>"$log" 2>&1 || {
            tail -n 5 "$log" >&2
            fail "The virtual environment could not be made. Debian needs: sudo apt-get install python3-venv"
        }
    fi
    : >"$unfinished"
    say "installing the locked packages (each checked against its SHA-256)"
    run_pip "locked packages" --require-hashes -r requirements/dev.lock ||
        fail "The locked packages could not be installed. Check the network and run make setup again; the log is .cache/setup.log."
    run_pip "project" --no-deps --no-build-isolation --editable . ||
        fail "The project itself could not be installed; the log is .cache/setup.log."
    fingerprint >"$stamp"
    rm -f "$unfinished"
}

# What python-prctl and PiDNG are compiled with. Prints the Debian packages that are missing, nothing when all is there.
missing_for_picamera2() {
    local include
    command -v gcc >/dev/null || {
        echo "gcc libc6-dev libcap-dev python3-dev"
        return
    }
    echo '#include <stdlib.h>' | gcc -E - >/dev/null 2>&1 || echo libc6-dev
    echo '#include <sys/capability.h>' | gcc -E - >/dev/null 2>&1 || echo libcap-dev
    include=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    [[ -e $include/Python.h ]] || echo python3-dev
}

add_picamera2() {
    local lock=requirements/picamera2.lock done_with="$venv/.eid-picamera2" wanted missing
    [[ -e $lock ]] || return 0
    wanted=$(sha256sum "$lock" | cut -d' ' -f1)
    [[ -e $done_with && $(<"$done_with") == "$wanted" ]] && return 0
    missing=$(missing_for_picamera2 | tr '\n' ' ')
    if [[ -n $missing ]]; then
        say "picamera2 is left out, and its tests will be skipped by name. To have them: sudo apt-get install $missing"
        return 0
    fi
    say "compiling what picamera2 needs"
    if run_pip "picamera2" --require-hashes --no-build-isolation -r "$lock"; then
        printf '%s\n' "$wanted" >"$done_with"
    else
        say "picamera2 could not be installed, and its tests will be skipped by name; the log is .cache/setup.log."
    fi
}

# Models that are neither beside the clone nor in the user's cache; without a network for them everything else still
# works, and what needs them says which file is missing. Tried once for each manifest, not at every command.
add_models() {
    local tried="$cache/models-tried" wanted
    wanted="$(sha256sum models/manifest.toml | cut -d' ' -f1) $([[ -d ../shared/models ]] && echo beside || echo alone)"
    [[ -e $tried && $(<"$tried") == "$wanted" ]] && return 0
    say "looking for the recognition models"
    if timeout 120 "$venv/bin/eid-station" fetch-models >>"$log" 2>&1; then
        say "recognition models ready"
    else
        say "some recognition models are missing. Demo and tests take the demo embedding of this repository, a station with a real camera does not start. Again: .venv/bin/eid-station fetch-models"
    fi
    printf '%s\n' "$wanted" >"$tried"
}

mkdir -p "$cache"
# Two terminals may call make at once: the second waits for the first.
exec 9>"$cache/setup.lock"
if command -v flock >/dev/null && ! flock --nonblock 9; then
    say "another setup is at work in this clone; waiting for it"
    flock --timeout 1800 9 || fail "The other setup did not end within 30 minutes."
fi

if [[ -e $unfinished || ! -e $stamp || ! -x $venv/bin/python || $(<"$stamp") != "$(fingerprint)" ]]; then
    : >"$log"
    make_venv
fi
add_picamera2
add_models
"$root/scripts/ocr_b.sh"
"$root/scripts/mosquitto.sh"
