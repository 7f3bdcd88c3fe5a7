package session

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

//go:generate go test -run TestStatesDocument -update .

var update = flag.Bool("update", false, "write docs/STATES.md anew")

const statesPath = "../../docs/STATES.md"

// TestStatesDocument holds docs/STATES.md to the table.
func TestStatesDocument(t *testing.T) {
	want := statesDocument()
	if *update {
		if err := os.WriteFile(statesPath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(statesPath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/STATES.md is out of date; run go generate ./middleware/session (-want +got):\n%s", diff)
	}
}

func statesDocument() string {
	var b strings.Builder
	b.WriteString("# The states of a session\n\nPrinted from the table in `middleware/session/rules.go` by `go generate`; do not edit.\n\n" +
		"A place is a state and, behind a slash, the offer/answer exchange that is open. A command that has no row in a place is refused there; any other input cannot come there, see below.\n\n" +
		"| in | on | to | then |\n|---|---|---|---|\n")
	for s := range numStates {
		for e := range numExchanges {
			for _, row := range Rows() {
				if row.From != (Place{s, e}) {
					continue
				}
				then := make([]string, len(row.Then))
				for i, f := range row.Then {
					then[i] = f.String()
				}
				to := row.To.String()
				if row.To == row.From {
					to = "(stays)"
				}
				fmt.Fprintf(&b, "| %v | %v | %s | %s |\n", row.From, row.On, to, strings.Join(then, ", "))
			}
		}
	}
	b.WriteString("\n## What cannot come\n\n| input | in | because |\n|---|---|---|\n")
	for _, n := range never {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", words(n.on), words(n.in), n.why)
	}
	return b.String()
}

func words[T fmt.Stringer](list []T) string {
	names := make([]string, len(list))
	for i, v := range list {
		names[i] = v.String()
	}
	return strings.Join(names, ", ")
}
