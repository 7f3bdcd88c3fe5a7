package sdp

import (
	goparser "go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// A mutation breaks one rule of the package by one change to one of its files.
type mutation struct{ rule, file, old, changed string }

const (
	mutationMark = "========== "
	mutationFile = "testdata/mutations.txt"
)

// readMutations reads the cases of mutations.txt, whose head says what they are.
func readMutations(t *testing.T) []mutation {
	t.Helper()
	b, err := os.ReadFile(mutationFile)
	if err != nil {
		t.Fatal(err)
	}
	var list []mutation
	for _, text := range strings.Split("\n"+string(b), "\n"+mutationMark)[1:] {
		rule, text, _ := strings.Cut(text, "\n"+stepMark)
		file, text, _ := strings.Cut(text, "\n")
		old, changed, ok := strings.Cut(text+"\n", "\n"+stepMark+"becomes\n")
		if !ok {
			t.Fatalf("case %q is not complete", rule)
		}
		list = append(list, mutation{rule, file, old, strings.TrimSuffix(changed, "\n")})
	}
	return list
}

// apply returns the source that m makes of its file.
func (m *mutation) apply(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(m.file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), m.old); n != 1 {
		t.Fatalf("%q occurs %d times in %s, want once", m.old, n, m.file)
	}
	return []byte(strings.Replace(string(b), m.old, m.changed, 1))
}

// minMutations is how many rules are broken at least.
const minMutations = 150

// Each mutation still fits the source, names a rule of its own, and is Go.
func TestMutationsApply(t *testing.T) {
	list := readMutations(t)
	if len(list) < minMutations {
		t.Errorf("%d mutations, want %d or more", len(list), minMutations)
	}
	seen := map[string]bool{}
	for _, m := range list {
		t.Run(m.rule, func(t *testing.T) {
			ref, _, ok := strings.Cut(m.rule, ": ")
			if !ok || !section.MatchString(ref) || seen[m.rule] {
				t.Errorf("%q names no rule of its own with the section it comes from", m.rule)
			}
			seen[m.rule] = true
			if _, err := goparser.ParseFile(token.NewFileSet(), m.file, m.apply(t), goparser.SkipObjectResolution); err != nil {
				t.Error(err)
			}
		})
	}
}
