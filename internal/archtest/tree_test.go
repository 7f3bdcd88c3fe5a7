package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path in go.mod.
const module = "parley"

// A file is one parsed Go file of the module.
type file struct {
	path  string // slashes, relative to the module's root
	dir   string // the package's folder, likewise; "." is the root
	test  bool   // a _test.go file
	lines int
	ast   *ast.File
	fset  *token.FileSet
}

// position returns where n stands, as file:line.
func (f *file) position(n ast.Node) string {
	return f.path + ":" + strconv.Itoa(f.fset.Position(n.Pos()).Line)
}

// in reports whether f lies in one of the folders or below it.
func (f *file) in(folders ...string) bool { return under(f.dir, folders...) }

// under reports whether dir is one of the folders or below one.
func under(dir string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		return dir == folder || strings.HasPrefix(dir, folder+"/")
	})
}

// imports returns the paths that f imports.
func (f *file) imports() []string {
	var paths []string
	for _, spec := range f.ast.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// own returns the folder of an import path of this module, or "" for others.
func own(path string) string {
	if path == module {
		return "."
	}
	dir, ok := strings.CutPrefix(path, module+"/")
	if !ok {
		return ""
	}
	return dir
}

// name returns what f calls the package with this import path, or "".
func (f *file) name(path string) string {
	for _, spec := range f.ast.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err != nil || p != path {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		base := path[strings.LastIndexByte(path, '/')+1:]
		if len(base) > 1 && base[0] == 'v' && base[1] >= '0' && base[1] <= '9' { // …/fyne/v2
			parent := strings.TrimSuffix(path, "/"+base)
			base = parent[strings.LastIndexByte(parent, '/')+1:]
		}
		return base
	}
	return ""
}

// tree parses all Go files of the module but those in testdata and the tools'
// own module. Generated files are left out.
func tree(t *testing.T) []*file {
	t.Helper()
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	var files []*file
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || rel == "build" || rel == "tools") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") {
			return nil
		}
		f, err := parse(fset, path, rel)
		if err == nil && !ast.IsGenerated(f.ast) {
			files = append(files, f)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no Go files were found")
	}
	return files
}

// parse reads the file at path on disk, which is called rel in the module.
func parse(fset *token.FileSet, path, rel string) (*file, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseSource(fset, rel, string(src))
}

func parseSource(fset *token.FileSet, rel, src string) (*file, error) {
	parsed, err := parser.ParseFile(fset, rel, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	dir := "."
	if i := strings.LastIndexByte(rel, '/'); i >= 0 {
		dir = rel[:i]
	}
	return &file{
		path: rel, dir: dir, test: strings.HasSuffix(rel, "_test.go"),
		lines: strings.Count(src, "\n"), ast: parsed, fset: fset,
	}, nil
}

// sample parses a piece of source for the tests of the rules themselves.
func sample(t *testing.T, rel, src string) *file {
	t.Helper()
	f, err := parseSource(token.NewFileSet(), rel, src)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// report fails t with each finding. excused names findings by their file, with
// the reason; every entry must be needed.
func report(t *testing.T, findings []finding, excused map[string]string) {
	t.Helper()
	used := map[string]bool{}
	for _, f := range findings {
		if _, ok := excused[f.key]; ok {
			used[f.key] = true
			continue
		}
		t.Errorf("%s: %s", f.at, f.text)
	}
	for key, reason := range excused {
		if reason == "" {
			t.Errorf("the exception for %s has no reason", key)
		}
		if !used[key] {
			t.Errorf("the exception for %s is not needed any more", key)
		}
	}
}

// A finding is one breach of a rule.
type finding struct {
	key  string // what an exception would name
	at   string // file:line
	text string
}
