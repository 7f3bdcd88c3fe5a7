package middleware_test

import (
	"flag"
	"fmt"
	"go/ast"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

//go:generate go test -run TestAPIDocuments -update .

var update = flag.Bool("update", false, "write docs/API-MAP.md and docs/NOTIFICATIONS.md anew")

// TestAPIDocuments holds both documents to the names and their proofs.
func TestAPIDocuments(t *testing.T) {
	for path, want := range map[string]string{
		"../docs/API-MAP.md":       apiMap(t),
		"../docs/NOTIFICATIONS.md": notificationList(t),
	} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is out of date; run go generate ./middleware (-want +got):\n%s", path, diff)
		}
	}
}

// unsupported reports whether the symbol is a place for what is not supported.
func unsupported(p proof) bool { return p.test == "TestNotSupported" }

func row(b *strings.Builder, cells ...string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

// code returns the name as code.
func code(name string) string { return "`" + name + "`" }

func apiMap(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# The API, name by name\n\n" +
		"Printed from `middleware/testdata/seeds.txt` and the tables of `middleware/apimap_rows_test.go` by `go generate`; do not edit.\n\n" +
		"Parley's middleware follows the SIP SIMPLE middleware API in two of its revisions, 001 (revision 16) and 002 (version 54). " +
		"Each of their names stands here with its name in Go, in package `middleware` or `middleware/session`, and the test that proves it: " +
		"`TestEveryNameIsProved` fails if a name, a symbol or a test is missing, or if the test does not name the symbol, run and pass. " +
		"What notifications are called and carry is in [NOTIFICATIONS.md](NOTIFICATIONS.md).\n\n" +
		"*Place* marks what this version has a place for and no more: chat and files over MSRP, presence, and the subscriptions for dialogs and waiting messages. It returns `ErrNotSupported`. So does `SetRTPConfig` with ICE, while the functions of an account that are not supported keep their flags.\n")
	byClass := map[string][]seedName{}
	for _, n := range readSeeds(t) {
		switch n.kind {
		case "class":
			byClass[n.name] = slices.Insert(byClass[n.name], 0, n)
		case "attribute", "method", "state":
			byClass[n.class] = append(byClass[n.class], n)
		}
	}
	for _, class := range slices.Sorted(maps.Keys(byClass)) {
		fmt.Fprintf(&b, "\n## %s\n\n| kind | name | revisions | in Go | proved by |\n|---|---|---|---|---|\n", class)
		for _, n := range byClass[class] {
			p, _ := proofOf(n)
			symbol := code(p.symbol)
			if unsupported(p) {
				symbol += " (place)"
			}
			row(&b, n.kind, code(n.name), n.revisions, symbol, p.test)
		}
	}
	return b.String()
}

func notificationList(t *testing.T) string {
	type entry struct {
		old, now []string
		fields   map[string]string // of the API, by name in Go
	}
	entries := map[string]*entry{}
	for _, n := range readSeeds(t) {
		switch n.kind {
		case "notification":
			symbol := notificationSymbol(n.name)
			if entries[symbol] == nil {
				entries[symbol] = &entry{fields: map[string]string{}}
			}
			e := entries[symbol]
			list := &e.now
			if n.revisions == "001" {
				list = &e.old
			}
			if !slices.Contains(*list, code(n.name)) {
				*list = append(*list, code(n.name))
			}
		case "payload":
			p, _ := proofOf(n)
			symbol, field, _ := strings.Cut(p.symbol, ".")
			e := entries[symbol]
			if names := strings.Split(e.fields[field], ", "); !slices.Contains(names, n.name) {
				e.fields[field] = strings.TrimPrefix(e.fields[field]+", "+n.name, ", ")
			}
		}
	}
	var b strings.Builder
	b.WriteString("# Notifications\n\n" +
		"Printed from `middleware/testdata/seeds.txt`, `middleware/apimap_notifications_test.go` and the source by `go generate`; do not edit.\n\n" +
		"A notification is a Go struct of package `middleware`; its name is that of its type. Those of a session embed `About` (`Session`, `At`, `Now`: which one, when, and all that is known of it), those of an account `AboutAccount`.\n\n" +
		"## Of the API\n\n" +
		"| revision 001 | revision 002 | Go type | fields: API → Go | proved by |\n|---|---|---|---|---|\n")
	for _, symbol := range slices.Sorted(maps.Keys(entries)) {
		e := entries[symbol]
		var fields []string
		for _, field := range slices.Sorted(maps.Keys(e.fields)) {
			fields = append(fields, e.fields[field]+" → "+code(field))
		}
		test := notificationTests[symbol]
		name := code(symbol)
		if unsupported(proof{test: test}) {
			name += " (place)"
		}
		row(&b, strings.Join(e.old, ", "), strings.Join(e.now, ", "), name, strings.Join(fields, "; "), test)
	}
	b.WriteString("\n*Place* marks what is not supported in this version; it is never posted.\n\n## Beyond the API\n\n| Go type | when |\n|---|---|\n")
	own := ownNotifications(t)
	for _, symbol := range slices.Sorted(maps.Keys(own)) {
		if entries[symbol] == nil {
			row(&b, code(symbol), own[symbol])
		}
	}
	return b.String()
}

// ownNotifications returns every notification of the package with what its
// comment says.
func ownNotifications(t *testing.T) map[string]string {
	t.Helper()
	list := map[string]string{}
	for _, file := range parseDir(t, ".", false) {
		for _, d := range file.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range decl.Specs {
				spec, ok := s.(*ast.TypeSpec)
				if !ok || !embedsNote(spec) || strings.HasPrefix(spec.Name.Name, "About") {
					continue
				}
				doc := spec.Doc.Text()
				if doc == "" {
					doc = decl.Doc.Text()
				}
				sentence, _, _ := strings.Cut(strings.Join(strings.Fields(doc), " "), ". ")
				list[spec.Name.Name] = strings.TrimSuffix(strings.TrimPrefix(sentence, spec.Name.Name+" is posted "), ".")
			}
		}
	}
	return list
}

// embedsNote reports whether the type embeds what makes it a notification.
func embedsNote(spec *ast.TypeSpec) bool {
	s, ok := spec.Type.(*ast.StructType)
	return ok && slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool {
		return len(f.Names) == 0 && (typeName(f.Type) == "Note" || strings.HasPrefix(typeName(f.Type), "About"))
	})
}
