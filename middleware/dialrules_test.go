package middleware_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/sip/siptest"
	"parley/storage"
)

// withRules gives a phone the account 201@pbx.example with those dial rules, and
// a second one without.
func withRules(rules ...string) middlewaretest.Option {
	return func(_ *middleware.Config, s *storage.Settings) {
		for _, id := range []string{"201@pbx.example", "bob@example.org"} {
			a := storage.NewAccount(id)
			a.Registration = false
			s.Accounts = append(s.Accounts, a)
		}
		s.Accounts[0].DialRules = rules
	}
}

func TestDialRulesDecideWhatIsCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1", withRules("0049.=0.", "00.=+.", "+49.=0.", "xxx=8xxx"))
		tests := []struct {
			account, text string
			address, from string
			rule          int
		}{
			{"", "0049 30 1234", "sip:0301234@pbx.example", "201@pbx.example", 1},
			{"", "0043 1 1234", "sip:+4311234@pbx.example", "201@pbx.example", 2},
			{"", "tel:+49-30-1234", "sip:0301234@pbx.example", "201@pbx.example", 3},
			{"", "callto:+49301234", "sip:0301234@pbx.example", "201@pbx.example", 3},
			{"", "205", "sip:8205@pbx.example", "201@pbx.example", 4},
			{"", "112", "sip:112@pbx.example", "201@pbx.example", 0},
			{"", "2050", "sip:2050@pbx.example", "201@pbx.example", 0},
			{"", "anna", "sip:anna@pbx.example", "201@pbx.example", 0},
			// A whole address is not changed: the history's were already.
			{"", "sip:205@pbx.example", "sip:205@pbx.example", "201@pbx.example", 0},
			{"", "205@pbx.example", "sip:205@pbx.example", "201@pbx.example", 0},
			{"bob@example.org", "205", "sip:205@example.org", "bob@example.org", 0},
			{"", "tel:205;phone-context=example.org", "sip:205@example.org", "bob@example.org", 0},
			{"", "tel:205;phone-context=+4930", "sip:8205@pbx.example", "201@pbx.example", 4},
			{"", "sip:1@192.0.2.9:5070", "sip:1@192.0.2.9:5070", "", 0},
		}
		for _, tt := range tests {
			got := p.App.SessionManager().TestDial(tt.account, tt.text)
			if got.Err != nil || got.Address != tt.address || got.Account != tt.from || got.Rule != tt.rule {
				t.Errorf("TestDial(%q, %q) = %s from %q by rule %d, %v; want %s from %q by rule %d",
					tt.account, tt.text, got.Address, got.Account, got.Rule, got.Err, tt.address, tt.from, tt.rule)
			}
		}
		if n := len(p.App.SessionManager().Sessions()); n > 0 {
			t.Errorf("TestDial made %d calls", n)
		}
		p.Stop()
	})
}

func TestDialTestExplains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1", withRules("00.=+."))
		tests := []struct {
			text string
			want []string
		}{
			{"00 49-30", []string{
				"00 49-30 without separators is 004930", "from account 201@pbx.example",
				"rule 1, 00.=+., makes +4930 of 004930", "+4930 is called as +4930@pbx.example",
			}},
			{"1-800-FLOWERS", []string{
				"1-800-FLOWERS on the keys is 18003569377", "from account 201@pbx.example",
				"no rule fits 18003569377", "18003569377 is called as 18003569377@pbx.example",
			}},
			{"tel:112;ext=5;phone-context=+49", []string{
				"extension 5 is not dialed", "phone-context +49 is not heeded", "from account 201@pbx.example",
				"112 is an emergency number", "no rule fits 112", "112 is called as 112@pbx.example",
			}},
			{"tel:5;phone-context=elsewhere.example", []string{
				"from account 201@pbx.example", "no rule fits 5", "phone-context elsewhere.example is not heeded", "5 is called as 5@pbx.example",
			}},
			{"sip:a@192.0.2.9?Replaces=x&Subject=Hi", []string{"header Replaces is left out", "without an account"}},
		}
		for _, tt := range tests {
			got := p.App.SessionManager().TestDial("", tt.text)
			var steps []string
			for _, s := range got.Steps {
				steps = append(steps, s.String())
			}
			if diff := cmp.Diff(tt.want, steps); diff != "" || got.Err != nil {
				t.Errorf("steps of %q, %v (-want +got):\n%s", tt.text, got.Err, diff)
			}
		}
		p.Stop()
	})
}

func TestDialTestTellsWhyNothingWouldBeCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1")
		for text, want := range map[string]error{
			"": middleware.ErrNoTarget, "205": middleware.ErrNoAccount, "tel:205": middleware.ErrNoAccount,
			"a b": middleware.ErrNoTarget, "sip:a@192.0.2.9?Subject=%0d%0a": middleware.ErrNoTarget,
		} {
			got := p.App.SessionManager().TestDial("", text)
			if !errors.Is(got.Err, want) || got.Address != "" {
				t.Errorf("TestDial(%q) = %q, %v, want %v", text, got.Address, got.Err, want)
			}
		}
		if got := p.App.SessionManager().TestDial("nobody@example.org", "1"); !errors.Is(got.Err, middleware.ErrNoSuchAccount) {
			t.Errorf("TestDial from an unknown account: %v, want ErrNoSuchAccount", got.Err)
		}
		p.Stop()
	})
}

// What an address asks for beside its subject never goes out.
func TestOnlyTheSubjectOfAnAddressGoesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		r := siptest.NewPeer(t, &n.SIP, "192.0.2.10:5060")
		p := middlewaretest.NewPhone(t, n, "192.0.2.1")
		p.Dial("sip:bob@192.0.2.10:5060;method=BYE?Subject=Tea%20time&Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc&X-Evil=1")
		invite := r.Expect("INVITE")
		if got, want := invite.Line(), "INVITE sip:bob@192.0.2.10:5060 SIP/2.0"; got != want {
			t.Errorf("request line = %q, want %q", got, want)
		}
		if got := invite.Header("Subject"); got != "Tea time" {
			t.Errorf("Subject = %q, want Tea time", got)
		}
		for _, name := range []string{"Replaces", "X-Evil"} {
			if got := invite.Header(name); got != "" {
				t.Errorf("%s = %q, want none", name, got)
			}
		}
		r.Send(invite.From, invite.Reply("486 Busy Here", "b", ""))
		soon()
		p.Stop()
		r.Close()
	})
}

func TestBadDialRuleIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1", withRules("00.=+."))
		err := p.App.AccountManager().ChangeAccount("201@pbx.example", func(a *middleware.AccountSettings) error {
			a.DialRules = []string{"00.=+.", "12=x"}
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), "number 2 of the list, character 4") {
			t.Errorf("ChangeAccount with a bad rule = %v, want an error that names rule and character", err)
		}
		p.Stop()
	})
}
