package middleware_test

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"parley/middleware/middlewaretest"
)

// Rules are tried before they are saved, for accounts that are not there yet.
func TestRulesOfADraftAreTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1")
		tests := []struct {
			text    string
			rules   []string
			address string
			steps   []string
		}{
			{"0049", []string{"00.=+."}, "sip:+49@pbx.example", []string{
				"rule 1, 00.=+., makes +49 of 0049", "+49 is called as +49@pbx.example",
			}},
			{"205", nil, "sip:205@pbx.example", []string{"205 is called as 205@pbx.example"}},
			{"anna@example.org", []string{"x.=9x."}, "sip:anna@example.org", nil},
			{"205", []string{"no rule"}, "", nil},
			{"", nil, "", nil},
		}
		for _, tt := range tests {
			got := p.App.SessionManager().TestDialRules("201@pbx.example", tt.rules, tt.text)
			var steps []string
			for _, s := range got.Steps {
				steps = append(steps, s.String())
			}
			if got.Address != tt.address || (got.Err != nil) != (tt.address == "") {
				t.Errorf("%q with %q is %q, %v; want %q", tt.text, tt.rules, got.Address, got.Err, tt.address)
			}
			if diff := cmp.Diff(tt.steps, steps); diff != "" {
				t.Errorf("steps of %q (-want +got):\n%s", tt.text, diff)
			}
		}
		p.Stop()
	})
}
