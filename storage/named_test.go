package storage

import "testing"

func TestNamed(t *testing.T) {
	for _, tt := range []struct {
		typed string
		texts []string
		want  bool
	}{
		{"ann mey", []string{"Anna Meyer"}, true},
		{"MULLER", []string{"x", "Jörg Müller"}, true},
		{"anna bob", []string{"Anna", "sip:bob@example.org"}, true},
		{"nna", []string{"Anna"}, false},
		{"anna bob", []string{"Anna"}, false},
		{"", nil, true},
	} {
		if got := Named(tt.typed, tt.texts...); got != tt.want {
			t.Errorf("Named(%q, %q) = %t, want %t", tt.typed, tt.texts, got, tt.want)
		}
	}
}
