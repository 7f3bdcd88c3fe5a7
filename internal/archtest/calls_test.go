package archtest

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// A callRule says where functions of a package may be used.
type callRule struct {
	path  string   // the import path of the package
	names []string // the functions; nil means all whose name begins with one of begins
	begin string
	where []string // the folders in which they may be used
	tests bool     // test files may use them too
	text  string
}

var callRules = []callRule{
	{path: "fyne.io/fyne/v2", names: []string{"DoAndWait"}, text: "fyne.DoAndWait locks up when it is called on Fyne's own thread"},
	{path: "fyne.io/fyne/v2", names: []string{"Do"}, where: []string{"gui/bridge", "cmd"}, text: "fyne.Do belongs in gui/bridge: one door to Fyne's thread"},
	{path: "fmt", begin: "Print", where: []string{"cmd", "test"}, tests: true, text: "only the program itself prints"},
	{path: "os", names: []string{"Exit"}, where: []string{"cmd", "test"}, tests: true, text: "only the program itself ends the program"},
	{path: "os", names: []string{"Stdout", "Stderr"}, where: []string{"cmd", "test"}, tests: true, text: "only the program itself knows the terminal"},
	{
		path:  "log/slog",
		names: []string{"Debug", "DebugContext", "Info", "InfoContext", "Warn", "WarnContext", "Error", "ErrorContext", "Log", "LogAttrs", "Default", "SetDefault", "With"},
		where: []string{"cmd"}, text: "the logger is handed in, there is no global one",
	},
	{path: "log", begin: "", where: []string{"cmd"}, text: "log with the slog.Logger that was handed in"},
}

// matches reports whether the rule is about the function.
func (r callRule) matches(name string) bool {
	if r.names != nil {
		return slices.Contains(r.names, name)
	}
	return strings.HasPrefix(name, r.begin)
}

func callFindings(files []*file) []finding {
	var found []finding
	for _, f := range files {
		for _, r := range callRules {
			if f.in(r.where...) || f.test && r.tests {
				continue
			}
			pkg := f.name(r.path)
			if pkg == "" {
				continue
			}
			for n, name := range f.uses(pkg) {
				if r.matches(name) {
					found = append(found, finding{f.path, f.position(n), fmt.Sprintf("%s.%s: %s", pkg, name, r.text)})
				}
			}
		}
	}
	return found
}

// uses returns the names that f takes out of the package it calls pkg.
func (f *file) uses(pkg string) map[ast.Node]string {
	found := map[ast.Node]string{}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == pkg {
				found[sel] = sel.Sel.Name
			}
		}
		return true
	})
	return found
}

// callExceptions names files that may break a rule about calls.
var callExceptions = map[string]string{}

func TestCallsStayInTheirPlace(t *testing.T) { report(t, callFindings(tree(t)), callExceptions) }

// goFindings finds go statements, and sync.WaitGroup's Go, in gui.
func goFindings(files []*file) []finding {
	var found []finding
	for _, f := range files {
		if f.test || !f.in("gui") || f.in("gui/bridge") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok {
				found = append(found, finding{f.path, f.position(n), "a go statement outside gui/bridge: the window has one thread"})
			}
			return true
		})
	}
	return found
}

func TestWindowStartsNoGoroutines(t *testing.T) { report(t, goFindings(tree(t)), nil) }

// sleepFindings finds time.Sleep in tests where time is real: in a test file,
// outside a function that uses testing/synctest. Tests against real peers, in
// the folder test, live in real time.
func sleepFindings(files []*file) []finding {
	bubbles := bubbles(files)
	var found []finding
	for _, f := range files {
		pkg := f.name("time")
		if !f.test || f.in("test") || pkg == "" {
			continue
		}
		for n, name := range f.uses(pkg) {
			if name == "Sleep" && !bubbles[f.enclosing(n)] {
				found = append(found, finding{f.path, f.position(n), "time.Sleep in a test outside a synctest bubble"})
			}
		}
	}
	return found
}

// enclosing returns the top-level function that n lies in, as callers name it:
// the package's folder, a dot and the function's or method's name.
func (f *file) enclosing(n ast.Node) string {
	for _, decl := range f.ast.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Pos() <= n.Pos() && n.End() <= fn.End() {
			return f.dir + "." + fn.Name.Name
		}
	}
	return ""
}

// bubbles returns the functions that start a synctest bubble or can only run in
// one: those that use testing/synctest, and those that call such a function.
// Methods are told apart by their names alone.
func bubbles(files []*file) map[string]bool {
	in := map[string]bool{}
	for grown := true; grown; {
		grown = false
		for _, f := range files {
			ast.Inspect(f.ast, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || !f.entersBubble(call, in) {
					return true
				}
				if fn := f.enclosing(call); fn != "" && !in[fn] {
					in[fn], grown = true, true
				}
				return true
			})
		}
	}
	return in
}

// entersBubble reports whether the function called is synctest's, or one of in.
func (f *file) entersBubble(call *ast.CallExpr, in map[string]bool) bool {
	pkg, name := callee(call)
	if pkg != "" && pkg == f.name("testing/synctest") || in[f.dir+"."+name] {
		return true
	}
	for _, imported := range f.imports() {
		if dir := own(imported); dir != "" && pkg == f.name(imported) && in[dir+"."+name] {
			return true
		}
	}
	return false
}

// sleepExceptions names files whose functions sleep in their callers' bubbles.
var sleepExceptions = map[string]string{}

func TestTestsDoNotWait(t *testing.T) { report(t, sleepFindings(tree(t)), sleepExceptions) }

func TestNothingIsLeftToDo(t *testing.T) {
	for _, f := range tree(t) {
		for _, group := range f.ast.Comments {
			text := group.Text()
			for _, word := range []string{"TODO", "FIXME", "XXX:"} {
				if f.dir != "internal/archtest" && strings.Contains(text, word) {
					t.Errorf("%s: a %s; finish it or file an issue", f.position(group), word)
				}
			}
		}
	}
}

func TestCallRulesCatchBreaches(t *testing.T) {
	tests := []struct {
		path, src string
		want      int
	}{
		{"gui/a.go", `package gui; import "fyne.io/fyne/v2"; func f() { fyne.Do(nil) }`, 1},
		{"gui/a.go", `package gui; import "fyne.io/fyne/v2"; func f() { fyne.DoAndWait(nil) }`, 1},
		{"gui/bridge/a.go", `package bridge; import "fyne.io/fyne/v2"; func f() { fyne.Do(nil) }`, 0},
		{"gui/a.go", `package gui; import "fyne.io/fyne/v2"; func f() { fyne.NewSize(1, 2) }`, 0},
		{"gui/a.go", `package gui; func f() { go f() }`, 1},
		{"gui/bridge/a.go", `package bridge; func f() { go f() }`, 0},
		{"sip/a.go", `package sip; import "fmt"; func f() { fmt.Println() }`, 1},
		{"sip/a.go", `package sip; import "fmt"; func f() { fmt.Sprintf("") }`, 0},
		{"sip/a.go", `package sip; import "log"; func f() { log.Print() }`, 1},
		{"sip/a.go", `package sip; import "os"; func f() { os.Exit(1) }`, 1},
		{"cmd/phone/a.go", `package main; import "os"; func f() { os.Exit(1) }`, 0},
		{"sip/a.go", `package sip; import "log/slog"; func f() { slog.Info("") }`, 1},
		{"sip/a.go", `package sip; import "log/slog"; func f(l *slog.Logger) { l.Info("", slog.Int("a", 1)) }`, 0},
		{"sip/a_test.go", `package sip; import "time"; func f() { time.Sleep(1) }`, 1},
		{"sip/a_test.go", `package sip; import ("time"; "testing/synctest"); func f() { synctest.Test(nil, func() { time.Sleep(1) }) }`, 0},
		{"sip/a_test.go", `package sip; import ("time"; "testing/synctest"); func f() { synctest.Test(nil, nil) }; func g() { f(); time.Sleep(1) }`, 0},
		{"sip/a_test.go", `package sip; import ("time"; "testing/synctest"); func f() { synctest.Test(nil, nil) }; func g() { time.Sleep(1) }`, 1},
		{"test/interop/a_test.go", `package interop; import "time"; func f() { time.Sleep(1) }`, 0},
	}
	for _, tt := range tests {
		files := []*file{sample(t, tt.path, tt.src)}
		got := len(callFindings(files)) + len(goFindings(files)) + len(sleepFindings(files))
		if got != tt.want {
			t.Errorf("%s: %s: %d findings, want %d", tt.path, tt.src, got, tt.want)
		}
	}
}
