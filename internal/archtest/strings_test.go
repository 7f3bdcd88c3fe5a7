package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every string that people see goes through package gui/i18n. Two rules find
// those that do not. The first looks where the toolkit takes visible text, and
// accepts no letter there. The second looks everywhere else in gui for what
// reads like prose, since text may take a detour through a variable, a field or
// a function of our own.

// translator is the package through which text goes.
const translator = module + "/gui/i18n"

// textPackages have functions that take visible text.
var textPackages = []string{
	"fyne.io/fyne/v2", "fyne.io/fyne/v2/widget", "fyne.io/fyne/v2/dialog",
	"fyne.io/fyne/v2/container", "fyne.io/fyne/v2/canvas",
}

// notText are functions of those packages, and of others with like names, whose
// strings are no visible text.
var notText = regexp.MustCompile(`Resource|From(File|URI)|Theme|KeyName|^NewURI|Icon$|^CurrentApp$|^Do$`)

// textMethods take visible text, whatever they are methods of.
var textMethods = []string{
	"NewWindow", "SetText", "SetTitle", "SetSubTitle", "SetContentText", "SetPlaceHolder", "SetDismissText",
	"SetConfirmText", "SetHintText", "SetMinRowsVisibleText", "SetToolTip", "SetTooltip",
}

// textFields hold visible text, whatever they are fields of.
var textFields = []string{
	"Text", "Title", "SubTitle", "Subtitle", "PlaceHolder", "Placeholder", "Label", "HintText", "Tooltip",
	"ToolTip", "Status", "Alert", "Message", "SubmitText", "CancelText",
}

// literalExceptions names literals that are neither text nor prose: FILE "LITERAL".
var literalExceptions = map[string]string{}

// formatVerbs are the letters in a string that nobody reads.
var formatVerbs = regexp.MustCompile(`%[-+# 0]*[0-9]*(\.[0-9]+)?(\[[0-9]+\])?[a-zA-Z]`)

// prose is what reads like a sentence or a caption: two words, or one that
// begins with a capital letter and goes on with small ones.
var prose = regexp.MustCompile(`\pL+[,:.…!?]? \pL|^\p{Lu}\p{Ll}{2,}[.…!?:]?$`)

var letter = regexp.MustCompile(`\pL`)

// A stringsWalk goes through one file of gui.
type stringsWalk struct {
	f       *file
	i18n    string   // what the file calls the translator, or ""
	text    []string // what it calls the packages that take visible text
	found   []finding
	visited map[ast.Node]bool // literals that rule one has judged
}

func stringFindings(files []*file) []finding {
	var found []finding
	for _, f := range files {
		if f.test || !f.in("gui") || f.in("gui/i18n", "gui/native") || strings.HasSuffix(f.dir, "test") {
			continue
		}
		w := &stringsWalk{f: f, i18n: f.name(translator), visited: map[ast.Node]bool{}}
		for _, path := range textPackages {
			if name := f.name(path); name != "" {
				w.text = append(w.text, name)
			}
		}
		ast.Inspect(f.ast, w.visible)
		ast.Inspect(f.ast, w.prose)
		found = append(found, w.found...)
	}
	return found
}

// visible is rule one: it looks at calls, assignments and composite literals.
func (w *stringsWalk) visible(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		if w.takesText(n) {
			for _, arg := range n.Args {
				w.judge(arg)
			}
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if sel, ok := left.(*ast.SelectorExpr); ok && i < len(n.Rhs) && slices.Contains(textFields, sel.Sel.Name) {
				w.judge(n.Rhs[i])
			}
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && slices.Contains(textFields, key.Name) {
			w.judge(n.Value)
		}
	}
	return true
}

// takesText reports whether the strings in a call's arguments will be seen.
func (w *stringsWalk) takesText(call *ast.CallExpr) bool {
	pkg, name := callee(call)
	if notText.MatchString(name) {
		return false
	}
	return slices.Contains(w.text, pkg) || slices.Contains(textMethods, name)
}

// callee returns the package or variable before the dot, if there is one, and
// the function's name.
func callee(call *ast.CallExpr) (pkg, name string) {
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		return "", fun.Name
	case *ast.SelectorExpr:
		if x, ok := fun.X.(*ast.Ident); ok {
			return x.Name, fun.Sel.Name
		}
		return "", fun.Sel.Name
	}
	return "", ""
}

// judge reports literals with letters in an expression whose value is seen. What
// other functions make of their own arguments is their business, apart from those
// that put strings together.
func (w *stringsWalk) judge(e ast.Expr) {
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit, *ast.IndexExpr, *ast.KeyValueExpr:
			return false
		case *ast.CallExpr:
			pkg, _ := callee(n)
			return pkg == "fmt" || pkg == "strings"
		case *ast.BasicLit:
			w.literal(n, letter, "is seen, and must be an argument of i18n.T")
		}
		return true
	})
}

// prose is rule two. It stays out of the translator's arguments, and out of what
// only developers read: errors, logs, panics, tags and imports.
func (w *stringsWalk) prose(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ImportSpec, *ast.Field:
		return false
	case *ast.CallExpr:
		pkg, name := callee(n)
		if pkg != "" && pkg == w.i18n || pkg == "errors" || pkg == "slog" || name == "panic" || name == "Errorf" {
			return false
		}
		if slices.Contains([]string{"Debug", "Info", "Warn", "Error", "With"}, name) {
			return false // of a logger
		}
	case *ast.BasicLit:
		w.literal(n, prose, "reads like text for people, and must be an argument of i18n.T")
	}
	return true
}

// literal reports lit if it is a string in which pattern is found.
func (w *stringsWalk) literal(lit *ast.BasicLit, pattern *regexp.Regexp, text string) {
	if lit.Kind != token.STRING || w.visited[lit] {
		return
	}
	value, err := strconv.Unquote(lit.Value)
	if err != nil || !pattern.MatchString(formatVerbs.ReplaceAllString(value, "")) {
		return
	}
	w.visited[lit] = true
	w.found = append(w.found, finding{w.f.path + " " + lit.Value, w.f.position(lit), fmt.Sprintf("%s %s", lit.Value, text)})
}

func TestVisibleStringsAreTranslated(t *testing.T) {
	report(t, stringFindings(tree(t)), literalExceptions)
}

func TestStringRulesCatchBreaches(t *testing.T) {
	tests := []struct {
		src  string // body of a function
		want int
	}{
		{`widget.NewLabel("Accounts")`, 1},
		{`widget.NewLabel(i18n.T("Accounts"))`, 0},
		{`widget.NewLabel(i18n.T("Accounts") + " of all")`, 1},
		{`widget.NewLabel(": ")`, 0},
		{`widget.NewLabel("ok")`, 1},
		{`widget.NewLabel(fmt.Sprintf("%d:%02d", 1, 2))`, 0},
		{`widget.NewLabel(fmt.Sprintf("%s calls", who))`, 1},
		{`widget.NewSelect([]string{"udp", "tcp"}, nil)`, 2},
		{`widget.NewButtonWithIcon(i18n.T("Call"), icons.Get("call"), func() { log.Info("Called somebody") })`, 0},
		{`dialog.ShowInformation("Oh no", i18n.T("That went wrong"), w)`, 1},
		{`entry.SetPlaceHolder("name")`, 1},
		{`entry.PlaceHolder = "name"`, 1},
		{`_ = &widget.Card{Title: "name", Image: nil}`, 1},
		{`_ = viewmodel.Call{Status: "Ringing…"}`, 1},
		{`a.NewWindow("x")`, 1},
		{`fyne.NewStaticResource("call.svg", nil)`, 0},
		{`canvas.NewImageFromFile("call.svg")`, 0},
		{`show("No such user here")`, 1},
		{`text := "Busy"; _ = text`, 1},
		{`key := "audio.input"; _ = key`, 0},
		{`key := "RTP"; _ = key`, 0},
		{`panic("Nobody reads this")`, 0},
		{`_ = errors.New("nobody reads this")`, 0},
	}
	for _, tt := range tests {
		src := `package gui
import ("fyne.io/fyne/v2"; "fyne.io/fyne/v2/widget"; "fyne.io/fyne/v2/dialog"; "fyne.io/fyne/v2/canvas"; "parley/gui/i18n"; "fmt")
func f() { ` + tt.src + ` }`
		if got := stringFindings([]*file{sample(t, "gui/a.go", src)}); len(got) != tt.want {
			t.Errorf("%s: findings %v, want %d", tt.src, got, tt.want)
		}
	}
}
