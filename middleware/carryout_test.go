package middleware

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"

	"parley/middleware/session"
)

// Every effect that the rules promise has a case where effects are carried out.
func TestEveryEffectIsCarriedOut(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	carried := map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			c, ok := n.(*ast.SwitchStmt)
			if !ok {
				return true
			}
			if tag, ok := c.Tag.(*ast.Ident); !ok || tag.Name != "effect" {
				return true
			}
			for _, s := range c.Body.List {
				for _, e := range s.(*ast.CaseClause).List {
					if sel, ok := e.(*ast.SelectorExpr); ok {
						carried[sel.Sel.Name] = true
					}
				}
			}
			return true
		})
	}
	promised := map[string]bool{}
	for _, row := range session.Rows() {
		for _, e := range row.Then {
			promised[e.String()] = true
		}
	}
	for name := range promised {
		if !carried[name] {
			t.Errorf("the rules promise %s, and nothing carries it out", name)
		}
	}
	if len(promised) < 40 {
		t.Errorf("only %d effects were looked at", len(promised))
	}
}
