#!/usr/bin/env bash
# Pins every package and its hashes anew from requirements/*.in: dev.lock first, the others to the same versions.
# Versions that still fit are kept; `scripts/lock.sh --upgrade` takes the newest. Needs uv (https://docs.astral.sh/uv/).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../requirements"

uv=$(command -v uv || true)
if [[ -z $uv ]]; then
    uv=../.cache/uv/bin/uv
    [[ -x $uv ]] || { python3 -m venv ../.cache/uv && ../.cache/uv/bin/pip install -q uv; }
fi
pin() {
    "$uv" pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
        --python-version 3.11 "$@"
}

pin dev.in -o dev.lock "$@"
pin station.in -o station.lock --constraints dev.lock "$@"
pin picamera2.in -o picamera2.lock --constraints dev.lock "$@"
