package middleware_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A seedName is one name of the API as its two revisions have it.
type seedName struct{ kind, class, name, revisions string }

// key is how n stands in apiNames.
func (n seedName) key() string {
	if n.class == "-" {
		return n.name
	}
	return n.class + "." + n.name
}

func readSeeds(t *testing.T) []seedName {
	t.Helper()
	b, err := os.ReadFile("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []seedName
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		if len(f) != 4 || !slices.Contains([]string{"class", "attribute", "method", "state", "notification", "payload"}, f[0]) {
			t.Fatalf("seeds.txt: %q is no name", line)
		}
		list = append(list, seedName{f[0], f[1], f[2], f[3]})
	}
	return list
}

// proofOf finds the proof of n; ok is false if there is none.
func proofOf(n seedName) (p proof, ok bool) {
	switch n.kind {
	case "notification":
		symbol := notificationSymbol(n.name)
		test, ok := notificationTests[symbol]
		return proof{symbol, test}, ok
	case "payload":
		symbol := notificationSymbol(n.class)
		field, ok := payloadFields[n.class+"."+n.name]
		if !ok {
			field, ok = payloadFields[n.name]
		}
		return proof{symbol + "." + field, notificationTests[symbol]}, ok && notificationTests[symbol] != ""
	}
	p, ok = apiNames[n.key()]
	return p, ok
}

// A tree is the source of packages: types with their fields and methods, and all
// else that has a name.
type tree struct {
	types map[string]*ast.TypeSpec
	methods,
	names map[string]bool // "Type.Method"; functions, constants, variables
}

// declarations reads the Go files of a folder, with prefix before their names.
func (tr *tree) declarations(t *testing.T, dir, prefix string) {
	t.Helper()
	for _, file := range parseDir(t, dir, false) {
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					tr.names[prefix+d.Name.Name] = true
				} else {
					tr.methods[prefix+typeName(d.Recv.List[0].Type)+"."+d.Name.Name] = true
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						tr.types[prefix+s.Name.Name] = s
					case *ast.ValueSpec:
						for _, name := range s.Names {
							tr.names[prefix+name.Name] = true
						}
					}
				}
			}
		}
	}
}

// parseDir parses the Go files of a folder: its tests, or all others.
func parseDir(t *testing.T, dir string, tests bool) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no source in %s: %v", dir, err)
	}
	var list []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") != tests {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, f)
	}
	return list
}

// typeName returns the name of the type that x denotes, without pointer, type
// arguments and package.
func typeName(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return typeName(x.X)
	case *ast.IndexExpr:
		return typeName(x.X)
	case *ast.SelectorExpr:
		return x.Sel.Name
	case *ast.Ident:
		return x.Name
	}
	return ""
}

// has reports whether the symbol exists.
func (tr *tree) has(symbol string) bool {
	prefix := ""
	if rest, ok := strings.CutPrefix(symbol, "session."); ok {
		prefix, symbol = "session.", rest
	}
	head, path, found := strings.Cut(symbol, ".")
	if !found {
		return tr.names[prefix+head] || tr.types[prefix+head] != nil
	}
	return tr.member(prefix+head, path)
}

// member reports whether a type has that path of fields and methods, of its own
// or of what is embedded in it.
func (tr *tree) member(name, path string) bool {
	head, rest, more := strings.Cut(path, ".")
	if !more && tr.methods[name+"."+head] {
		return true
	}
	spec := tr.types[name]
	if spec == nil {
		return false
	}
	if alias := typeName(spec.Type); alias != "" && alias != name {
		return tr.member("storage."+alias, path)
	}
	s, ok := spec.Type.(*ast.StructType)
	if !ok {
		return false
	}
	for _, f := range s.Fields.List {
		if len(f.Names) == 0 && tr.member(typeName(f.Type), path) {
			return true
		}
		for _, n := range f.Names {
			if n.Name == head && (!more || tr.member(typeName(f.Type), rest)) {
				return true
			}
		}
	}
	return false
}

func readTree(t *testing.T) *tree {
	t.Helper()
	tr := &tree{map[string]*ast.TypeSpec{}, map[string]bool{}, map[string]bool{}}
	tr.declarations(t, ".", "")
	tr.declarations(t, "session", "session.")
	tr.declarations(t, "../storage", "storage.")
	return tr
}

// testWords returns, for each function of this package's tests, the names and
// words that it and those that it calls use.
func testWords(t *testing.T) map[string]map[string]bool {
	t.Helper()
	words := map[string]map[string]bool{}
	for _, file := range parseDir(t, ".", true) {
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || file.Name.Name != "middleware_test" {
				continue
			}
			used := map[string]bool{}
			ast.Inspect(fn, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					used[n.Name] = true
				case *ast.BasicLit:
					if s, err := strconv.Unquote(n.Value); err == nil {
						used[s] = true
					}
				}
				return true
			})
			words[fn.Name.Name] = used
		}
	}
	for grown := true; grown; {
		grown = false
		for name, used := range words {
			for word := range maps.Clone(used) {
				for more := range words[word] {
					grown = grown || !used[more] && word != name
					used[more] = true
				}
			}
		}
	}
	return words
}

// Every name of the API has a symbol that exists and a test that names it; the
// tests run and pass.
func TestEveryNameIsProved(t *testing.T) {
	tr, words := readTree(t), testWords(t)
	tests := map[string]bool{}
	for _, n := range readSeeds(t) {
		p, ok := proofOf(n)
		if why := unproved(tr, words, p, ok); why != "" {
			t.Errorf("%s %s: %s", n.kind, n.key(), why)
		}
		tests[p.test] = true
	}
	runAll(t, slices.Sorted(maps.Keys(tests)))
}

// unproved says what is wrong with a proof, or "".
func unproved(tr *tree, words map[string]map[string]bool, p proof, found bool) string {
	parts := strings.Split(p.symbol, ".")
	switch {
	case !found:
		return "there is no row"
	case !tr.has(p.symbol):
		return "there is no " + p.symbol
	case words[p.test] == nil:
		return "there is no test " + p.test
	case !words[p.test][parts[len(parts)-1]]:
		return p.test + " does not name " + p.symbol
	}
	return ""
}

// The check finds what it is there to find.
func TestUnprovedNamesAreFound(t *testing.T) {
	tr, words := readTree(t), testWords(t)
	for _, n := range []seedName{{kind: "attribute", class: "Session", name: "colour"}, {kind: "notification", class: "Session", name: "SIPSessionGotColour"}} {
		if p, ok := proofOf(n); ok {
			t.Errorf("%s has the proof %+v", n.name, p)
		}
	}
	for want, p := range map[string]proof{
		"":                                       {"Session.Hold", "TestHoldAndResume"},
		"there is no Session.Fly":                {"Session.Fly", "TestHoldAndResume"},
		"there is no test TestFlying":            {"Session.Hold", "TestFlying"},
		"TestDTMF does not name Session.HasChat": {"Session.HasChat", "TestDTMF"},
	} {
		if got := unproved(tr, words, p, true); got != want {
			t.Errorf("unproved(%+v) = %q, want %q", p, got, want)
		}
	}
	if got := unproved(tr, words, proof{}, false); got != "there is no row" {
		t.Errorf("without a row: %q", got)
	}
}

// runAll runs tests of this program, each of which must pass.
func runAll(t *testing.T, tests []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^("+strings.Join(tests, "|")+")$")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("tests that prove names: %v\n%s", err, out)
	}
	for _, test := range tests {
		if !strings.Contains(string(out), "--- PASS: "+test+" ") {
			t.Errorf("%s did not run and pass", test)
		}
	}
}

// Rows that nothing asks for are as wrong as missing ones.
func TestNoNameIsProvedInVain(t *testing.T) {
	asked := map[string]bool{}
	for _, n := range readSeeds(t) {
		asked[n.key()] = true
		switch n.kind {
		case "payload":
			asked[n.name] = true
		case "notification":
			asked[notificationSymbol(n.name)] = true
		}
	}
	for key := range apiNames {
		if !asked[key] {
			t.Errorf("apiNames has %q, which the API does not name", key)
		}
	}
	for key := range payloadFields {
		if !asked[key] {
			t.Errorf("payloadFields has %q, which the API does not name", key)
		}
	}
	for key := range notificationTests {
		if !asked[key] {
			t.Errorf("notificationTests has %q, which the API does not name", key)
		}
	}
}

// The check of symbols tells what is there from what is not.
func TestTreeFindsSymbols(t *testing.T) {
	tr := readTree(t)
	for symbol, want := range map[string]bool{
		"Session.Hold": true, "Session.Fly": false, "session.Null": true, "session.Flying": false,
		"SIPSessionDidFail.Failure.Code": true, "SIPSessionDidFail.At": true, "SIPSessionDidFail.Failure.Colour": false,
		"AccountSettings.Enabled": true, "AccountSettings.Colour": false, "NewRTPConfiguration": true, "SIPFlying": false,
		"SettingsObject.Save": true,
	} {
		if got := tr.has(symbol); got != want {
			t.Errorf("has(%s) = %t, want %t", symbol, got, want)
		}
	}
}
