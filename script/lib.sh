# shellcheck shell=bash
# What script/demo, script/search and script/test share: packages, the virtual environment, stamps.
# Sourced.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

python=${PYTHON:-python3}
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
    say "$@"
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Print those of the packages given that are not there.
missing_packages() {
    local package
    for package; do installed "$package" || echo "$package"; done
}

# Packages by their words, if any is missing.
install_packages() {
    [ $# -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "missing: $*; there is no apt-get here: install them yourself"
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
        die "missing: $*; run this as root, or have them installed: apt-get install $*"
    say "installing with apt-get, a minute or more: $*"
    keep_services_off
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "$@"
    release_services
}

# The packages' daemons are not to be started. An administrator's own policy stays.
keep_services_off() {
    [ ! -e /usr/sbin/policy-rc.d ] || return 0
    trap release_services EXIT
    printf '#!/bin/sh\nexit 101 # %s\n' "$PWD" | as_root tee /usr/sbin/policy-rc.d >/dev/null
    as_root chmod +x /usr/sbin/policy-rc.d
}

release_services() {
    trap - EXIT
    if grep -qsxF "exit 101 # $PWD" /usr/sbin/policy-rc.d; then
        as_root rm -f /usr/sbin/policy-rc.d
    fi
}

# What it takes to build libvirt-python and to make a virtual environment.
prepare_to_build() {
    command -v "$python" >/dev/null || die "Python 3.10 or later is needed, and $python is not there"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        die "Python 3.10 or later is needed; $python is $("$python" -V)"
    local packages=()
    command -v gcc >/dev/null || packages+=(gcc libc6-dev)
    command -v pkg-config >/dev/null || packages+=(pkg-config)
    pkg-config --exists libvirt 2>/dev/null || packages+=(libvirt-dev)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then packages+=(python3-venv); fi
    local header='import os, sysconfig; print(os.path.join(sysconfig.get_path("include"), "Python.h"))'
    [ -e "$("$python" -c "$header")" ] || packages+=(python3-dev)
    install_packages "${packages[@]}"
}

# The word for one state of things: the files given, the interpreter, and where this checkout is.
state_of() { { cat "$@" && "$python" -VV && pwd; } | cksum; }

# Make .venv with the package in it, unless that has been done from the same pyproject.toml.
make_venv() {
    local stamp=.venv/stamp-package state
    prepare_to_build
    state=$(state_of pyproject.toml hatch_build.py)
    [ "$(cat $stamp 2>/dev/null)" != "$state" ] || return 0
    say "making the virtual environment .venv (10 seconds)"
    "$python" -m venv --clear .venv
    say "installing nova-domains into .venv: downloads, and builds libvirt's Python module (half a minute)"
    .venv/bin/python -m pip install --quiet --editable .
    # Last: half an environment has no stamp.
    echo "$state" >$stamp
}

# install_group NAME: a dependency group of pyproject.toml into .venv, unless that has been done.
install_group() {
    local stamp=.venv/stamp-$1 state
    state=$(state_of pyproject.toml hatch_build.py)
    [ "$(cat "$stamp" 2>/dev/null)" != "$state" ] || return 0
    say "installing the tools"
    # Dependency groups need it.
    .venv/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
    .venv/bin/python -m pip install --quiet --group "$1"
    echo "$state" >"$stamp"
}
