//go:build mutate

package sdp

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMutations breaks each rule once and runs the table, of which a row must
// fail. Each takes a build of the package, so it has a tag of its own: make mutate.
func TestMutations(t *testing.T) {
	for _, m := range readMutations(t) {
		t.Run(m.rule, func(t *testing.T) {
			t.Parallel()
			out, err := m.run(t)
			switch {
			case err == nil:
				t.Errorf("no row of the table noticed")
			case !strings.Contains(out, "--- FAIL: TestTable/"):
				t.Errorf("no row failed, but something else: %v\n%s", err, out)
			}
		})
	}
}

// run returns what the table's test says with m applied to a copy.
func (m *mutation) run(t *testing.T) (string, error) {
	t.Helper()
	dir := t.TempDir()
	source, err := filepath.Abs(m.file)
	if err != nil {
		t.Fatal(err)
	}
	copied, overlay := filepath.Join(dir, m.file), filepath.Join(dir, "overlay.json")
	index, err := json.Marshal(map[string]map[string]string{"Replace": {source: copied}})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{copied: m.apply(t), overlay: index} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-count=1", "-overlay="+overlay, "-run=^TestTable$", "-timeout=1m", ".")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
