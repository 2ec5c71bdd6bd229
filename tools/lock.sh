#!/bin/sh
# Resolves requirements.txt and requirements-dev.txt for every supported Python into constraints.txt.
set -eu

mkdir -p build
.venv/bin/uv pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 --no-header --no-annotate \
    --no-emit-index-url --output-file build/constraints.txt requirements.txt requirements-dev.txt >/dev/null

if grep -E '^passlib==' build/constraints.txt; then
    echo 'Something asks for passlib, which overwrites libpass (docs/decisions/0001-libpass.md).' >&2
    exit 1
fi
{
    echo '# Every package of a checkout, exactly, for Python 3.11 to 3.13. Made by: make lock'
    cat build/constraints.txt
} >constraints.txt
echo "constraints.txt holds $(grep -c == constraints.txt) packages."
