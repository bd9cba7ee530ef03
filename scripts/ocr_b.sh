#!/usr/bin/env bash
# Makes the OCR-B font available without root: an installed one is used as it is; else Debian's own package (public
# domain; apt checks its signature) is downloaded and the one file that is needed is unpacked under .cache/ocr-b. The
# system is not changed. The font prints the emulated camera's documents: without it their tests are skipped by name.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
place="$root/.cache/ocr-b"
tried="$root/.cache/ocr-b-tried"
work="$root/.cache/ocr-b.partial"
apt_state="$root/.cache/apt-ocr-b"
package=fonts-ocr-b
file=usr/share/fonts/opentype/ocr-b/OCRB.otf

say() { printf '\033[1m[setup]\033[0m %s\n' "$*"; }

# Once is enough: a machine that reaches no package server is not asked to wait at every command.
give_up() {
    say "$1; documents before the emulated camera are skipped by name. To have them: sudo apt-get install $package"
    rm -rf "$work" "$apt_state"
    : >"$tried"
    exit 0
}

[[ -e /$file || -e $place/OCRB.otf || -e $tried ]] && exit 0
mkdir -p "$root/.cache"
if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
    give_up "the OCR-B font is left out, this is not a Debian system"
fi

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
    timeout 120 apt-get "${apt_options[@]}" -qq update >/dev/null 2>&1
}

unpack_font() {
    rm -rf "$work"
    mkdir -p "$work"
    (cd "$work" && timeout 60 apt-get "${apt_options[@]}" -qq download "$package") >/dev/null 2>&1 &&
        dpkg -x "$work"/"$package"_*.deb "$work/root" && [[ -s $work/root/$file ]]
}

say "unpacking the OCR-B font under .cache/ocr-b"
# The system's lists may be missing, or name a version that the mirror has replaced since.
unpack_font || { own_lists && unpack_font; } || give_up "the OCR-B font could not be fetched"
mkdir -p "$work/done"
mv "$work/root/$file" "$work/done/OCRB.otf"
rm -rf "$place" "$apt_state"
mv "$work/done" "$place"
rm -rf "$work"
say "OCR-B font ready"
