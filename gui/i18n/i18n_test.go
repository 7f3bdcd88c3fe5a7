package i18n_test

import (
	"errors"
	"testing"

	"parley/gui/i18n"
)

func use(t *testing.T, language string) {
	t.Helper()
	if err := i18n.Use(language); err != nil {
		t.Fatalf("Use(%q): %v", language, err)
	}
	t.Cleanup(func() { _ = i18n.Use(i18n.English) })
}

func TestT(t *testing.T) {
	tests := []struct {
		language, key string
		args          []any
		want          string
	}{
		{"en", "Hang up", nil, "Hang up"},
		{"en", "100 % sure", nil, "100 % sure"},
		{"en", "Call %s", []any{"Anna"}, "Call Anna"},
		{"en-XA", "Hang up", nil, "[Håñg ûp~~~]"},
		{"en-XA", "Call %s", []any{"Anna"}, "[Çåll Anna~~]"},
		{"en-XA", "%d of %d", []any{1, 2}, "[1 öf 2~~]"},
		{"de", "English", nil, "Deutsch"},
		{"de", "no such text", nil, "no such text"},
	}
	for _, tt := range tests {
		t.Run(tt.language+" "+tt.key, func(t *testing.T) {
			use(t, tt.language)
			if got := i18n.T(tt.key, tt.args...); got != tt.want {
				t.Errorf("T(%q, %v) = %q, want %q", tt.key, tt.args, got, tt.want)
			}
		})
	}
}

func TestN(t *testing.T) {
	for n, want := range map[int]string{0: "0 calls", 1: "one call", 2: "2 calls"} {
		var args []any
		if n != 1 {
			args = []any{n}
		}
		if got := i18n.N("one call", "%d calls", n, args...); got != want {
			t.Errorf("N(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestUseRefusesUnknownLanguages(t *testing.T) {
	for _, language := range []string{"xx", "../de", "de.json"} {
		if err := i18n.Use(language); !errors.Is(err, i18n.ErrNoLanguage) {
			t.Errorf("Use(%q) = %v, want ErrNoLanguage", language, err)
		}
	}
	if got := i18n.Current(); got != i18n.English {
		t.Errorf("Current() = %q after refused languages, want %q", got, i18n.English)
	}
}

func TestSystemLanguage(t *testing.T) {
	tests := []struct{ lcAll, lang, want string }{
		{"", "de_DE.UTF-8", "de"},
		{"de_AT", "fr_FR", "de"},
		{"C", "de_DE", "en"},
		{"", "", "en"},
	}
	for _, tt := range tests {
		t.Setenv("LC_ALL", tt.lcAll)
		t.Setenv("LC_MESSAGES", "")
		t.Setenv("LANG", tt.lang)
		use(t, i18n.System)
		if got := i18n.Current(); got != tt.want {
			t.Errorf("LC_ALL=%q LANG=%q: Current() = %q, want %q", tt.lcAll, tt.lang, got, tt.want)
		}
	}
}

func TestLanguagesCanAllBeUsed(t *testing.T) {
	for _, language := range i18n.Languages() {
		use(t, language)
		if got := i18n.Current(); got != language {
			t.Errorf("Current() = %q, want %q", got, language)
		}
		if i18n.Name(language) == "" {
			t.Errorf("Name(%q) is empty", language)
		}
	}
}
