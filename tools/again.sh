#!/bin/sh
# tools/again.sh [FLAG]... PACKAGE...
#
# go test for tests that keep real time with sound and with programs that are not
# ours. Where the machine stands still for a moment they fail, and nothing that they
# test is to blame. So up to three that failed are run once more, each alone, and all
# is well if they pass then; both runs are shown. A crash, a data race, a time-out, and
# whatever fails without a test's name, fail at once.
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
{
	code=0
	go test "$@" 2>&1 || code=$?
	echo "$code" >"$dir/code"
} | tee "$dir/log"
read -r code <"$dir/code"
[ "$code" -ne 0 ] || exit 0

failed=$(sed -n 's/^--- FAIL: \([A-Za-z0-9_]*\) .*/\1/p' "$dir/log" | sort -u)
count=$(echo "$failed" | grep -c . || true)
if [ "$count" -eq 0 ] || [ "$count" -gt 3 ] || grep -qE '^(panic|fatal error): |DATA RACE|race detected|\[(build|setup) failed\]' "$dir/log"; then
	exit "$code"
fi
for test in $failed; do
	echo "== $test failed; once more, alone"
	go test -run "^$test\$" "$@"
done
