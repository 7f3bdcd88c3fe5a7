package scripting

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"parley/scripting/protocol"
)

// docs/API.md knows every command, property and error.
func TestReferenceIsComplete(t *testing.T) {
	text, err := os.ReadFile("../docs/API.md")
	if err != nil {
		t.Fatal(err)
	}
	reference := string(text)
	var words []string
	for name := range (&Server{}).table() {
		if variable, ok := strings.CutPrefix(name, "GET "); ok {
			name = variable
		}
		if variable, ok := strings.CutPrefix(name, "SET "); ok && name != "SET CALL" {
			name = variable
		}
		words = append(words, name)
	}
	for name := range callProperties {
		words = append(words, name)
	}
	for name := range accountProperties {
		words = append(words, name)
	}
	for name := range neighbourProperties {
		words = append(words, name)
	}
	for name := range bonjourProperties {
		words = append(words, name)
	}
	for name := range actions {
		words = append(words, name)
	}
	for _, word := range words {
		if !strings.Contains(reference, "`"+word) && !strings.Contains(reference, " "+word+"`") && !strings.Contains(reference, " "+word+" ") {
			t.Errorf("docs/API.md does not know %s", word)
		}
	}
	for _, n := range protocol.Numbers() {
		if row := fmt.Sprintf("| %d | %s |", n, n.Text()); !strings.Contains(reference, row) {
			t.Errorf("docs/API.md lacks the row %s", row)
		}
	}
}
