package archtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pins are versions that may only change on purpose: docs/decisions/0001 says
// why. An upgrade of everything at once would move them.
var pins = map[string]string{
	"github.com/emiago/sipgo":       "v1.7.2",
	"github.com/pion/srtp/v3":       "v3.1.0",
	"github.com/pion/transport/v5":  "v5.0.1",
	"fyne.io/fyne/v2":               "v2.7.1",
	"github.com/gen2brain/malgo":    "v0.11.24",
	"modernc.org/sqlite":            "v1.61.1",
	"modernc.org/libc":              "v1.79.0",
	"github.com/zalando/go-keyring": "v0.2.8",
}

func TestPins(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) >= 2 {
			got[words[0]] = words[1]
		}
	}
	for path, want := range pins {
		if got[path] != want {
			t.Errorf("go.mod has %s %s, want %s, or a decision record", path, got[path], want)
		}
	}
}

// unwanted are modules that decision 0001 turned down.
var unwanted = []string{
	"github.com/pion/srtp/v2", "github.com/pion/ice/v2", "github.com/pion/dtls/v2", "github.com/mattn/go-sqlite3",
}

func TestUnwantedModules(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range unwanted {
		if strings.Contains(string(text), path+" ") {
			t.Errorf("go.mod has %s, which decision 0001 turned down", path)
		}
	}
}
