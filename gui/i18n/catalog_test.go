package i18n_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// keys returns every text in the source of the window that goes through T or N.
func keys(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	fset := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name := ""
			switch fun := call.Fun.(type) {
			case *ast.SelectorExpr:
				if x, ok := fun.X.(*ast.Ident); ok && x.Name == "i18n" {
					name = fun.Sel.Name
				}
			case *ast.Ident:
				if file.Name.Name == "i18n" {
					name = fun.Name
				}
			}
			texts := map[string]int{"T": 1, "N": 2}[name]
			for _, arg := range call.Args[:min(texts, len(call.Args))] {
				if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					found[text] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	found["English"] = true // the language's own name
	return found
}

var verb = regexp.MustCompile(`%(\[\d+\])?[-+# 0]*\d*(\.\d+)?[a-zA-Z%]`)

// verbs returns the format verbs of a text, sorted, without their positions.
func verbs(text string) []string {
	var list []string
	for _, v := range verb.FindAllString(text, -1) {
		if i := strings.IndexByte(v, ']'); i >= 0 {
			v = "%" + v[i+1:]
		}
		list = append(list, v)
	}
	slices.Sort(list)
	return list
}

// TestCatalogsAreComplete prints missing keys, so that a translator can copy them.
func TestCatalogsAreComplete(t *testing.T) {
	want := keys(t)
	if len(want) < 100 {
		t.Fatalf("only %d texts were found in the source", len(want))
	}
	paths, err := filepath.Glob("catalogs/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no catalogs: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{}
		if err := json.Unmarshal(data, &texts); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		var missing []string
		for key := range want {
			if texts[key] == "" {
				missing = append(missing, strconv.Quote(key)+": \"\"")
			}
		}
		slices.Sort(missing)
		if len(missing) > 0 {
			t.Errorf("%s lacks %d texts:\n%s", path, len(missing), strings.Join(missing, ",\n"))
		}
		for key, text := range texts {
			if !want[key] {
				t.Errorf("%s translates %q, which is shown nowhere", path, key)
			}
			if !slices.Equal(verbs(key), verbs(text)) {
				t.Errorf("%s: %q has the verbs %q, %q has %q", path, key, verbs(key), text, verbs(text))
			}
		}
	}
}
