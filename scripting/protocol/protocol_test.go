package protocol

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	tests := []struct {
		line   string
		id     string
		number Number // 0: no error
		words  []string
	}{
		{"PING", "", 0, []string{"PING"}},
		{"PING\n", "", 0, []string{"PING"}},
		{"PING\r\n", "", 0, []string{"PING"}},
		{"PING\x00", "", 0, []string{"PING"}},
		{"#1 GET  CALL\t2  STATUS ", "1", 0, []string{"GET", "CALL", "2", "STATUS"}},
		{"#aB9 x", "aB9", 0, []string{"x"}},
		{"CALL bob@bücher.example", "", 0, []string{"CALL", "bob@bücher.example"}},
		{"", "", SyntaxError, nil},
		{"  \t ", "", SyntaxError, nil},
		{"#1", "1", SyntaxError, nil},
		{"#1 ", "1", SyntaxError, nil},
		{"# PING", "", SyntaxError, nil},
		{"#1-2 PING", "", SyntaxError, nil},
		{"#" + strings.Repeat("1", maxID+1) + " PING", "", SyntaxError, nil},
		{"#1 CALL a\rb", "1", SyntaxError, nil},
		{"#1 CALL a\nb", "1", SyntaxError, nil},
		{"#1 CALL a\x00b", "1", SyntaxError, nil},
		{"#1 CALL a\u0085b", "1", SyntaxError, nil},
		{"#1 CALL a\u2028b", "1", SyntaxError, nil},
		{"#1 CALL \xff", "1", SyntaxError, nil},
		{"#1 " + strings.Repeat("x", MaxLine), "1", LineTooLong, nil},
	}
	for _, tt := range tests {
		c, err := Parse([]byte(tt.line))
		var e *Error
		got := Number(0)
		if errors.As(err, &e) {
			got = e.Number
		}
		if got != tt.number || c.ID != tt.id {
			t.Errorf("Parse(%.40q) = id %q, error %d, want %q, %d", tt.line, c.ID, got, tt.id, tt.number)
			continue
		}
		var words []string
		for w := c.Word(); w != ""; w = c.Word() {
			words = append(words, w)
		}
		if diff := cmp.Diff(tt.words, words); diff != "" {
			t.Errorf("words of %q (-want +got):\n%s", tt.line, diff)
		}
	}
}

func command(t *testing.T, line string) *Command {
	t.Helper()
	c, err := Parse([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestArguments(t *testing.T) {
	c := command(t, `SET account a  PASSWORD  se "cret `)
	if got := c.Keyword() + " " + c.Keyword() + " " + c.Word() + " " + c.Keyword(); got != "SET ACCOUNT a PASSWORD" {
		t.Errorf("keywords = %q", got)
	}
	if got, want := c.Raw(), ` se "cret `; got != want {
		t.Errorf("Raw = %q, want %q", got, want)
	}
	if got := c.Raw(); got != "" {
		t.Errorf("Raw at the end = %q, want nothing", got)
	}
	c = command(t, "CALL  a b ,, c,\td ")
	c.Word()
	if diff := cmp.Diff([]string{"a b", "c", "d"}, c.List()); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	c = command(t, "PING now")
	c.Word()
	if err := c.Done(); err == nil {
		t.Error("Done with something left = nil, want an error")
	}
	if err := c.Done(); err != nil {
		t.Errorf("Done with nothing left = %v", err)
	}
}

func TestPairs(t *testing.T) {
	tests := []struct {
		text string
		want [][2]string // nil: an error
	}{
		{`a=1 b=two`, [][2]string{{"a", "1"}, {"b", "two"}}},
		{`a=`, [][2]string{{"a", ""}}},
		{`a= b=2`, [][2]string{{"a", ""}, {"b", "2"}}},
		{`a="x y"  b="q""q" c=""`, [][2]string{{"a", "x y"}, {"b", `q"q`}, {"c", ""}}},
		{`a=1=2`, [][2]string{{"a", "1=2"}}},
		{`a="x`, nil},
		{`a="x"y`, nil},
		{`word`, nil},
		{`=1`, nil},
		{`a b=1`, nil},
	}
	for _, tt := range tests {
		got, err := command(t, tt.text).Pairs()
		if (err != nil) != (tt.want == nil) {
			t.Errorf("Pairs(%s) = %v, %v, want %v", tt.text, got, err, tt.want)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Pairs(%s) (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestReplyIsOneLine(t *testing.T) {
	tests := []struct{ id, text, want string }{
		{"", "PONG", "PONG\n"},
		{"7", "PONG", "#7 PONG\n"},
		{"7", "CALL 1 PARTNER_DISPNAME Eve\r\nCALL 2 STATUS FINISHED", "#7 CALL 1 PARTNER_DISPNAME Eve  CALL 2 STATUS FINISHED\n"},
		{"", "a\u2028b\x00c\xff", "a b c\uFFFD\n"},
	}
	for _, tt := range tests {
		if got := Reply(tt.id, tt.text); got != tt.want {
			t.Errorf("Reply(%q, %q) = %q, want %q", tt.id, tt.text, got, tt.want)
		}
	}
}

func TestErrors(t *testing.T) {
	for n, text := range texts {
		e := ParseError(Errorf(n, "").Error())
		if e == nil || e.Number != n || e.Text != text {
			t.Errorf("ParseError(%q) = %v", Errorf(n, "").Error(), e)
		}
	}
	if e := ParseError("CALL 1 STATUS ERROR 2"); e != nil {
		t.Errorf("ParseError of no error = %v", e)
	}
	if !errors.Is(Errorf(AccessDenied, ""), ErrDenied) || errors.Is(Errorf(SyntaxError, ""), ErrDenied) {
		t.Error("only error 68 must match ErrDenied")
	}
}

func FuzzCommand(f *testing.F) {
	for _, seed := range []string{
		"", "PING", "#1 NAME a b\r\n", "SET ACCOUNT a@b PASSWORD  x ", `CREATE ACCOUNT a@b x="y ""z" p=`,
		"#0 GET CALL 17 STATUS", "CALL a, b", "#\x00", "a\u2028b", "\xff", "#1  ", `="`, "ALTER CALL 1 RECORD /a b.wav",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		c, err := Parse(line)
		reply := c.rest
		if err != nil {
			reply = err.Error()
		} else {
			word := c.Word()
			if word == "" || strings.ContainsFunc(word, isBlank) {
				t.Errorf("first word of %q = %q", line, word)
			}
			for _, take := range []func(*Command){
				func(c *Command) { c.List() }, func(c *Command) { c.Raw() }, func(c *Command) { _ = c.Done() },
				func(c *Command) {
					pairs, err := c.Pairs()
					for _, p := range pairs {
						if again := (&Command{rest: p[0] + "=" + Quote(p[1])}); err == nil {
							if got, err := again.Pairs(); err != nil || len(got) != 1 || got[0] != p {
								t.Errorf("Pairs(Quote(%q)) = %q, %v", p, got, err)
							}
						}
					}
				},
			} {
				rest := *c
				take(&rest)
				if len(rest.rest) > len(c.rest) {
					t.Errorf("%q grew to %q", c.rest, rest.rest)
				}
			}
		}
		out := Reply(c.ID, reply)
		if strings.Count(out, "\n") != 1 || !strings.HasSuffix(out, "\n") || strings.ContainsAny(out, "\r\x00") || !utf8.ValidString(out) {
			t.Errorf("Reply to %q = %q, not one line", line, out)
		}
		if id, _, ok := SplitID(strings.TrimSuffix(out, "\n")); c.ID != "" && (!ok || id != c.ID) {
			t.Errorf("SplitID(%q) = %q, want %q", out, id, c.ID)
		}
	})
}
