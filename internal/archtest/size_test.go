package archtest

import (
	"fmt"
	"go/ast"
	"strings"
	"testing"
)

// What a file and a function may have in lines.
const (
	maxFileLines     = 500
	maxFunctionLines = 60
)

// longFiles may have more than maxFileLines.
var longFiles = map[string]string{}

// longFunctions may have more than maxFunctionLines: FILE FUNCTION.
var longFunctions = map[string]string{}

func longFileFindings(files []*file) []finding {
	var found []finding
	for _, f := range files {
		if f.lines > maxFileLines {
			found = append(found, finding{f.path, f.path, fmt.Sprintf("%d lines, at most %d are allowed", f.lines, maxFileLines)})
		}
	}
	return found
}

// longFunctionFindings counts functions outside tests. A test may be a long
// table.
func longFunctionFindings(files []*file) []finding {
	var found []finding
	for _, f := range files {
		if f.test {
			continue
		}
		for _, decl := range f.ast.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			lines := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1
			if lines > maxFunctionLines {
				found = append(found, finding{
					f.path + " " + fn.Name.Name, f.position(fn),
					fmt.Sprintf("function %s has %d lines, at most %d are allowed", fn.Name.Name, lines, maxFunctionLines),
				})
			}
		}
	}
	return found
}

func TestFilesAreSmall(t *testing.T) { report(t, longFileFindings(tree(t)), longFiles) }

func TestFunctionsAreSmall(t *testing.T) { report(t, longFunctionFindings(tree(t)), longFunctions) }

func packageDocFindings(files []*file) []finding {
	documented := map[string]int{} // how many files carry the comment
	wrong := map[string]string{}   // where one begins with the wrong word
	source := map[string]bool{}
	for _, f := range files {
		if f.test {
			continue
		}
		source[f.dir] = true
		if f.ast.Doc == nil {
			continue
		}
		documented[f.dir]++
		text := f.ast.Doc.Text()
		name := f.ast.Name.Name
		if name != "main" && !strings.HasPrefix(text, "Package "+name+" ") {
			wrong[f.dir] = f.path
		}
	}
	var found []finding
	for dir := range source {
		switch n := documented[dir]; {
		case n == 0:
			found = append(found, finding{dir, dir, "the package has no doc comment"})
		case n > 1:
			found = append(found, finding{dir, dir, fmt.Sprintf("%d files carry a package comment, one should", n)})
		case wrong[dir] != "":
			found = append(found, finding{dir, wrong[dir], `the package comment does not begin with "Package" and its name`})
		}
	}
	return found
}

func TestPackagesAreDocumented(t *testing.T) { report(t, packageDocFindings(tree(t)), nil) }

// vague are package names that say nothing.
var vague = []string{"util", "utils", "common", "helper", "helpers", "misc", "types"}

func TestPackageNamesSayWhatTheyHold(t *testing.T) {
	for _, f := range tree(t) {
		for _, name := range vague {
			if f.ast.Name.Name == name {
				t.Errorf("%s: package %s: the name says nothing", f.path, name)
			}
		}
	}
}

func TestSizeRulesCatchBreaches(t *testing.T) {
	body := strings.Repeat("\t_ = 0\n", maxFunctionLines-2)
	tests := []struct {
		path, src string
		want      int
	}{
		{"a/a.go", "// Package a is.\npackage a\nfunc f() {\n" + body + "}\n", 0},
		{"a/a.go", "// Package a is.\npackage a\nfunc f() {\n" + body + "\n}\n", 1},
		{"a/a_test.go", "package a\nfunc f() {\n" + body + "\n}\n", 0},
		{"a/a.go", "// Package a is.\npackage a\n" + strings.Repeat("\n", maxFileLines-2), 0},
		{"a/a.go", "// Package a is.\npackage a\n" + strings.Repeat("\n", maxFileLines-1), 1},
		{"a/a.go", "package a\n", 1},
		{"a/a.go", "// This package is.\npackage a\n", 1},
		{"a/a.go", "// Phone is a program.\npackage main\n", 0},
	}
	for _, tt := range tests {
		files := []*file{sample(t, tt.path, tt.src)}
		got := len(longFileFindings(files)) + len(longFunctionFindings(files)) + len(packageDocFindings(files))
		if got != tt.want {
			t.Errorf("%s, %d lines: %d findings, want %d", tt.path, strings.Count(tt.src, "\n"), got, tt.want)
		}
	}
}
