#!/bin/sh
# Runs every check side by side and prints only what a failing one says. Arguments: the source folders.
set -u

PATH="$PWD/.venv/bin:$PATH"
reports=build/check
rm -rf "$reports"
mkdir -p "$reports"
names=''

check() { # name, command …
    name=$1
    shift
    names="$names $name"
    { "$@" >"$reports/$name" 2>&1 && touch "$reports/$name.passed"; } &
}

check lint ruff check --quiet "$@"
check format ruff format --check --quiet "$@"
check types mypy
check layers lint-imports --no-logo
check dependencies deptry .
check spelling codespell
if [ -d backend/templates ]; then
    check template-format djlint --check backend/templates
    check template-lint djlint --lint backend/templates
fi
wait

failed=''
for name in $names; do
    if [ -e "$reports/$name.passed" ]; then
        echo "ok      $name"
    else
        failed="$failed $name"
    fi
done
for name in $failed; do
    echo "FAILED  $name"
    sed 's/^/    /' "$reports/$name"
done
[ -z "$failed" ]
