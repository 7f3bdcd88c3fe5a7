package dialplan

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestRuleApply(t *testing.T) {
	tests := []struct {
		rule, number, want string // "": it does not fit
	}{
		{"00.=+.", "004930123", "+4930123"},
		{"00.=+.", "0", ""},
		{"00.=+.", "00", ""}, // a plus sign alone is no number
		{"00.=+.", "030123", ""},
		{"+49.=0.", "+4930123", "030123"},
		{"+49.=0.", "+4830123", ""},
		{"+49.=0.", "4930123", ""},
		{"xxxx.=0xxxx.", "030123", "0030123"},
		{"xxxx.=0xxxx.", "1234", "01234"},
		{"xxxx.=0xxxx.", "123", ""},
		{"[2-9]xx=+4930[1]", "222", ""},
		{"[2-9]xx=+493012xxx", "222", "+493012222"},
		{"[2-9]xx=+493012xxx", "122", ""},
		{"[13-5]x=9xx", "15", "915"},
		{"[13-5]x=9xx", "25", ""},
		{"[13-5]x=9xx", "47", "947"},
		{"xyz=1", "1", ""},
		{"1=030123", "1", "030123"},
		{"1=030123", "11", ""},
		{"*1=030123", "*1", "030123"},
		{"*x#=xx", "*1#", ""},
		{"*x#.=*2x.", "*1#99", "*2199"},
		{".=0.", "123", "0123"},
		{".=0.", "+123", ""}, // a plus sign is never part of a rest
		{"+.=00.", "+49", "0049"},
		{"0x.=.", "01", ""}, // nothing would be dialed
		{"X=X0", "7", "70"},
		{"[5-5]=1x", "5", "15"},
	}
	for _, tt := range tests {
		r, err := ParseRule(tt.rule)
		if err != nil {
			if tt.want != "" {
				t.Errorf("ParseRule(%q): %v", tt.rule, err)
			}
			continue
		}
		got, ok := r.Apply(tt.number)
		if ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("rule %s: Apply(%q) = %q, %v, want %q", tt.rule, tt.number, got, ok, tt.want)
		}
	}
}

func TestParseRuleRefuses(t *testing.T) {
	tests := []struct {
		rule     string
		position int
		problem  string
	}{
		{"", 0, "MATCH=REPLACEMENT"},
		{"00.", 0, "MATCH=REPLACEMENT"},
		{"=1", 1, "nothing to match"},
		{"1=", 3, "nothing to dial"},
		{"0+=1", 2, "a + can only be"},
		{"1=0+", 4, "a + can only be"},
		{"0.1=1", 2, "a . can only be"},
		{"1=.", 3, "there is no ."},
		{"1.=..", 5, "once"},
		{"x=xx", 4, "more x"},
		{"[12=1", 1, "no ]"},
		{"[]=1", 2, "no digits"},
		{"[1-]=1", 3, "after the -"},
		{"[3-1]=1", 3, "after the -"},
		{"[a]=1", 2, "only digits"},
		{"ü1=1", 1, "only digits"},
		{"1=a", 3, "only digits"},
		{"1=sip:eve@evil.example", 3, "only digits"},
		{"1=2\r\n", 4, "only digits"},
		{"1=2=3", 4, "only digits"},
		{strings.Repeat("1", maxRule) + "=1", maxRule + 1, "at most"},
	}
	for _, tt := range tests {
		_, err := ParseRule(tt.rule)
		var e *SyntaxError
		if !errors.As(err, &e) {
			t.Errorf("ParseRule(%q) error = %v, want a SyntaxError", tt.rule, err)
			continue
		}
		if e.Position != tt.position || !strings.Contains(e.Problem, tt.problem) {
			t.Errorf("ParseRule(%q) = position %d, %q, want %d, %q", tt.rule, e.Position, e.Problem, tt.position, tt.problem)
		}
	}
}

func TestParseRulesNamesTheRule(t *testing.T) {
	_, err := ParseRules([]string{"00.=+.", "1=a"})
	if want := `"1=a", number 2 of the list, character 3: only digits, * # + x and . can be dialed`; err == nil || err.Error() != want {
		t.Errorf("ParseRules error = %v, want %s", err, want)
	}
	if _, err := ParseRules(make([]string, maxRules+1)); err == nil {
		t.Error("ParseRules of too many rules = nil, want an error")
	}
}

func TestRulesApply(t *testing.T) {
	rules, err := ParseRules([]string{"0049.=0.", "00.=+.", "+49.=0.", "9110=1", "1xx.=00431xx.", "112=0112"})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		number, want string
		rule         int
	}{
		{"004930", "030", 1},
		{"004330", "+4330", 2},
		{"+4930", "030", 3}, // not applied again to what another has made
		{"123", "0043123", 5},
		{"110", "110", 0},  // an emergency number: no rule with wildcards
		{"112", "0112", 6}, // but one that names it
		{"911", "911", 0},
		{"5", "5", 0},
	}
	for _, tt := range tests {
		got, rule := rules.Apply(tt.number)
		if got != tt.want || rule != tt.rule {
			t.Errorf("Apply(%q) = %q by rule %d, want %q by %d", tt.number, got, rule, tt.want, tt.rule)
		}
	}
}

func TestReadNumber(t *testing.T) {
	tests := []struct {
		text string
		want Reading
		ok   bool
	}{
		{"123", Reading{Number: "123"}, true},
		{"+49 30 1234-56", Reading{"+49301234" + "56", true, false}, true},
		{"(030) 12.34/5", Reading{"03012345", true, false}, true},
		{"030\u00a012\u201134", Reading{"0301234", true, false}, true},
		{"**1#", Reading{Number: "**1#"}, true},
		{"1-800-FLOWERS", Reading{"18003569377", true, true}, true},
		{"1 800 call now", Reading{"18002255669", true, true}, true},
		{"1800FLOWERS", Reading{}, false},
		{"bob", Reading{}, false},
		{"bob2", Reading{}, false},
		{"201a", Reading{}, false},
		{"20-1a", Reading{}, false},
		{"201-abc", Reading{}, false}, // six keys are no such number
		{"1-800-FLÖWERS", Reading{}, false},
		{"", Reading{}, false},
		{"-", Reading{Separated: true}, false},
		{"+", Reading{Number: "+"}, false},
		{"1+1", Reading{}, false},
		{"1\r\n2", Reading{}, false},
		{"\u0661\u0662", Reading{}, false}, // digits of another script
		{strings.Repeat("1", maxNumber+1), Reading{}, false},
	}
	for _, tt := range tests {
		got, ok := ReadNumber(tt.text)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("ReadNumber(%q) = %+v, %v, want %+v, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}

func TestPatternMatches(t *testing.T) {
	tests := []struct {
		pattern, user, host string
		want                bool
	}{
		{"bob@example.org", "bob", "example.org", true},
		{"Bob@Example.ORG", "bob", "example.org", true},
		{"bob@example.org", "bob", "example.com", false},
		{"bob@example.org", "bob", "", false},
		{"bob@example.org", "bobby", "example.org", false},
		{"sip:bob@example.org:5080;transport=tcp", "bob", "example.org", true},
		{"bob@example.org.", "bob", "example.org", true},
		{"sip:j%C3%BCrgen@example.org", "jürgen", "example.org", true},
		{"JÜRGEN@example.org", "jürgen", "example.org", true},
		{"b%6fb@example.org", "bob", "example.org", true},
		{"bob@[2001:db8::1]:5060", "bob", "2001:db8::1", true},
		{"*@example.org", "anyone", "example.org", true},
		{"*@example.org", "", "example.org", true},
		{"*@example.org", "anyone", "sub.example.org", false},
		{"+49 30 1234", "+49301234", "any.example", true},
		{"+49301234", "+49-30-1234", "", true},
		{"+49301234", "+49301234;phone-context=x", "", true},
		{"+49301234", "49301234", "", false},
		{"+4930*", "+49301234", "x", true},
		{"+4930*", "+4930", "x", true},
		{"+4930*", "+4931", "x", false},
		{"0900*", "bob", "x", false},
		{"+*", "+1", "x", true},
		{"+*", "1", "x", false},
		{"*1*", "*12", "x", true},
		{"tel:+1-800", "+1800", "", true},
		{"bonjour:c114e0dc-bd52-8f5c", "c114e0dc-bd52-8f5c", "", true},
		{"Bonjour:C114%23x", "c114#x", "", true},
		{"bonjour:c114", "c114", "example.org", false},
		{"bonjour:c114", "c115", "", false},
		{"bonjour:201", "201", "", true},
		{"201", "bonjour", "", false},
	}
	for _, tt := range tests {
		p, err := ParsePattern(tt.pattern)
		if err != nil {
			t.Errorf("ParsePattern(%q): %v", tt.pattern, err)
			continue
		}
		if got := p.Matches(tt.user, tt.host); got != tt.want {
			t.Errorf("%s matches %s@%s = %v, want %v", tt.pattern, tt.user, tt.host, got, tt.want)
		}
	}
}

func TestParsePatternRefuses(t *testing.T) {
	for _, s := range []string{
		"", "*", "bob", "@example.org", "bob@", "*@*", "*@*.example.org", "a,b@example.org", "bob@bücher.example",
		"bob\r\n@example.org", "a b@example.org", "a@b@c", "1-800-FLOWERS", "\xff@example.org", "<sip:bob@example.org>", "bonjour:",
		strings.Repeat("1", maxRule+1),
	} {
		if p, err := ParsePattern(s); err == nil {
			t.Errorf("ParsePattern(%q) = %+v, want an error", s, p)
		}
	}
	_, err := ParsePatterns([]string{"*@a.example", "bob"})
	if err == nil || !strings.Contains(err.Error(), "number 2 of the list") {
		t.Errorf("ParsePatterns error = %v, want one that names number 2", err)
	}
}

func FuzzRule(f *testing.F) {
	for _, s := range []string{"00.=+.", "[2-9]xx=+4930xxx", "*x#.=*2x.", "1=a", ".=0.", "[1-"} {
		f.Add(s, "004930")
	}
	f.Fuzz(func(t *testing.T, rule, number string) {
		r, err := ParseRule(rule)
		if err != nil {
			return
		}
		if r.String() != rule {
			t.Errorf("ParseRule(%q).String() = %q", rule, r.String())
		}
		n, ok := ReadNumber(number)
		if !ok {
			return
		}
		got, fits := r.Apply(n.Number)
		if !fits {
			return
		}
		if strings.LastIndexByte(got, '+') > 0 || strings.Trim(got, "+0123456789*#") != "" {
			t.Errorf("rule %q: Apply(%q) = %q, which is no number", rule, n.Number, got)
		}
	})
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"bob@example.org", "*@[::1]:5060", "+4930*", "sip:%zz@a", "*", "bonjour:%zz"} {
		f.Add(s, "bob", "example.org")
	}
	f.Fuzz(func(t *testing.T, pattern, user, host string) {
		p, err := ParsePattern(pattern)
		if err != nil {
			return
		}
		if p.domain == "" && p.user == "" {
			t.Errorf("ParsePattern(%q) means everybody", pattern)
		}
		p.Matches(user, host)
	})
}

// The rules that docs/CALLS.md shows are rules.
func TestDocumentedRules(t *testing.T) {
	text, err := os.ReadFile("../../docs/CALLS.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?m)^\\| `([^`|]+=[^`|]+)`").FindAllStringSubmatch(string(text), -1)
	if len(found) < 5 {
		t.Fatalf("docs/CALLS.md shows %d rules, want 5 or more", len(found))
	}
	for _, m := range found {
		if _, err := ParseRule(m[1]); err != nil {
			t.Errorf("docs/CALLS.md: %v", err)
		}
	}
}
