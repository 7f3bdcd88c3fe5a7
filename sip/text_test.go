package sip

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanText(t *testing.T) {
	tests := []struct {
		in   string
		max  int
		want string
	}{
		{"Alice", 10, "Alice"},
		{"Alice", 5, "Alice"},
		{"Alice", 4, "Ali…"},
		{"Alice", 1, "…"},
		{"Alice", 0, ""},
		{"a b   ", 3, "a b"},
		{"a b   c", 3, "a…"},
		{"a    b", 2, "a…"},
		{"  a\r\nb\u2028c\td  ", 10, "a  b c d"},
		{"\u202eevil\u202c \u2066x\u2069 \u200e\u200f\u061c!", 20, "evil x !"},
		{"a\x00\x1b[31m\x7f\u009fb", 20, "a[31mb"},
		{"a\xffb\xc3", 20, "a\ufffdb\ufffd"},
		{"日本語の名前", 3, "日本…"},
		{"e" + strings.Repeat("\u0301", 50), 100, "e" + strings.Repeat("\u0301", 4)},
		{"👩\u200d🚀", 5, "👩\u200d🚀"},
		{"\ufeff\u200b", 5, ""},
		{strings.Repeat("x", 10<<10), 4, "xxx…"},
	}
	for _, tt := range tests {
		if got := CleanText(tt.in, tt.max); got != tt.want {
			t.Errorf("CleanText(%.40q, %d) = %q, want %q", tt.in, tt.max, got, tt.want)
		}
	}
}

func FuzzCleanText(f *testing.F) {
	f.Add("a\r\nb \u202e c", 4)
	f.Add("\xff\xfe  x", 2)
	f.Fuzz(func(t *testing.T, s string, max int) {
		got := CleanText(s, max)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, textHidden) || strings.ContainsFunc(got, textBreaks) {
			t.Fatalf("CleanText(%q, %d) = %q is unsafe", s, max, got)
		}
		if n := utf8.RuneCountInString(got); max >= 0 && n > max || max < 0 && n > 0 {
			t.Fatalf("CleanText(%q, %d) has %d runes", s, max, n)
		}
		if again := CleanText(got, max); again != got {
			t.Fatalf("CleanText(%q, %d) = %q, and that gives %q", s, max, got, again)
		}
	})
}

func TestCheckHeader(t *testing.T) {
	for _, h := range []Header{{"Subject", "hi\tthere, ü"}, {"X-Parley", ""}, {"Reason", `SIP;cause=200;text="x"`}} {
		if err := CheckHeader(h.Name, h.Value); err != nil {
			t.Errorf("CheckHeader(%q, %q) = %v, want nil", h.Name, h.Value, err)
		}
	}
	for _, h := range []Header{
		{"Subject", "hi\r\nX: 1"},
		{"Subject", "hi\nX"},
		{"Subject", "a\x00"},
		{"Subject", "a\x7f"},
		{"Subject", strings.Repeat("x", 9000)},
		{"", "x"},
		{"A B", "x"},
		{"A:", "x"},
		{"A\r\n", "x"},
		{strings.Repeat("A", 65), "x"},
		{"Ä", "x"},
	} {
		if err := CheckHeader(h.Name, h.Value); err == nil {
			t.Errorf("CheckHeader(%.20q, %.20q) = nil, want an error", h.Name, h.Value)
		}
	}
}
