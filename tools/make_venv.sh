#!/bin/sh
# Makes .venv from the newest Python that is new enough and complete.
set -eu

new_enough() { # A name in the PATH may be a shim or a broken link: only running it tells.
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

complete() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

incomplete=''
for python in python3.13 python3.12 python3.11 python3; do
    new_enough "$python" || continue
    if complete "$python"; then
        rm -rf .venv
        exec "$python" -m venv .venv
    fi
    incomplete="${incomplete:-$python}"
done

if [ -z "$incomplete" ]; then
    echo 'Vestibule needs Python 3.11 or newer and found none in the PATH: install it' \
        '(on Debian and Ubuntu: apt-get install python3 python3-venv), then run make again.' >&2
    exit 1
fi

# Debian and Ubuntu keep a part of Python's own venv module in a package of its own.
version=$("$incomplete" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing python$version-venv with apt …"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update </dev/null >/dev/null &&
        apt-get -qq -y install --no-install-recommends "python$version-venv" </dev/null >/dev/null || true
fi
if complete "$incomplete"; then
    rm -rf .venv
    exec "$incomplete" -m venv .venv
fi
echo "Python $version is here but cannot make virtual environments: install its venv module" \
    "(on Debian and Ubuntu: apt-get install python$version-venv), then run make again." >&2
exit 1
