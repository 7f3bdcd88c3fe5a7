package middleware_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/middleware"
)

// The peer chooses its address, and the folder may be none: neither may hold up
// the session, and a name must fit into a file system.
func TestRecordingName(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "plain")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	taken := middleware.RecordingName(dir, "carol")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, dir, who string }{
		{"letters of four bytes", dir, strings.Repeat("\U00020000", 60) + "@evil.example"},
		{"a folder that is a file", file, "bob"},
		{"a name that is taken", dir, "carol"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			done := make(chan string, 1)
			go func() { done <- middleware.RecordingName(tt.dir, tt.who) }()
			select {
			case got := <-done:
				if base := filepath.Base(got); len(base) > 255 || got == taken {
					t.Errorf("RecordingName(%q, %q) = %q of %d bytes, want a free name of at most 255", tt.dir, tt.who, got, len(base))
				}
			case <-time.After(5 * time.Second):
				t.Fatalf("RecordingName(%q, %q) does not return", tt.dir, tt.who)
			}
		})
	}
}
