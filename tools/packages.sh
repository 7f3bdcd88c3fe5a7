#!/bin/sh
# tools/packages.sh KIND PACKAGE...
#
# Prints those of the packages that are of a kind:
#
#   pure        they reach no C, so they compile for every system from here
#   pure-tests  neither they nor their tests reach C
#   race        they have tests, which reach no window (slow to build with the
#               race detector) and no real peer (which the detector slows down)
#
# GOOS says for which system, as everywhere. The lists follow from the imports,
# so that nobody keeps them by hand.
set -eu

kind=${1:-}
[ $# -eq 0 ] || shift
# Only then does go list tell what is written in C; nothing is compiled.
export CGO_ENABLED=1
case $kind in
pure | pure-tests) apart=$(go list -test -deps -f '{{if and .CgoFiles (not .Standard)}}{{.ImportPath}}{{end}}' "$@") ;;
race) apart='fyne.io/fyne/v2 parley/test/interop' ;;
*)
	sed -n '3,12s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac

# One line for each package, and one for each test program (PACKAGE.test).
go list -test -f '{{if not .ForTest}}{{.ImportPath}} {{len .GoFiles}} {{.ImportPath}} {{join .Deps " "}}{{end}}' "$@" |
	awk -v kind="$kind" -v apart="$apart" '
		BEGIN { n = split(apart, a, /[ \n]+/); for (i = 1; i <= n; i++) bad[a[i]] = 1 }
		NF == 0 { next }
		{
			name = $1
			test = sub(/\.test$/, "", name)
			reaches = 0
			for (i = 3; i <= NF; i++) if ($i in bad) reaches = 1
			if (kind == "pure" && (test || $2 == 0)) next
			if (!test && kind != "race") { order[++count] = name }
			if (test && kind == "race") { order[++count] = name }
			if (reaches) drop[name] = 1
		}
		END { for (i = 1; i <= count; i++) if (!(order[i] in drop)) print order[i] }'
