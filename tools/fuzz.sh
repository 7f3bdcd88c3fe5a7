#!/bin/sh
# tools/fuzz.sh TIME PACKAGE...: runs every fuzz target of the packages for TIME,
# one after the other, and stops at the first that fails.
set -eu

time=$1
shift
go list -f '{{.Dir}}' "$@" | while read -r dir; do
	for file in "$dir"/*_test.go; do
		[ -f "$file" ] || continue
		sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"
	done | while read -r target; do
		echo "== $target in $dir"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$dir" </dev/null
	done
done
