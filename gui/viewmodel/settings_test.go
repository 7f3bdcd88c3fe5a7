package viewmodel_test

import (
	"fmt"
	"testing"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/middleware"
)

// Complaints about settings go by what stands above the field, not by the key.
func TestExplainValueNamesTheField(t *testing.T) {
	_ = i18n.Use(i18n.English)
	tests := []struct {
		err  middleware.ValueError
		want string
	}{
		{middleware.ValueError{Key: "proxy", Value: "a b", Want: "a host"}, "Outbound proxy: “a b” cannot be used. Wanted: a server's name, with a port or without."},
		{
			middleware.ValueError{Key: "dial_rules", Value: "x", Want: "a list; number 1 has no ="},
			"Dial rules: “x” cannot be used. Wanted: rules of the form MATCH=REPLACEMENT. (number 1 has no =)",
		},
		{middleware.ValueError{Key: "calls.forward_to", Value: " ", Want: "a number"}, "Forward every call to: “ ” cannot be used. Wanted: a number or an address."},
		{middleware.ValueError{Key: "expires", Value: "1", Want: "from 30 to 86400"}, "Register again every: “1” cannot be used. Wanted: from 30 to 86400."},
		{middleware.ValueError{Key: "audio.input", Value: "1", Want: "a device"}, "audio.input: “1” cannot be used. Wanted: a device."},
	}
	for _, tt := range tests {
		if got := viewmodel.ExplainError(fmt.Errorf("saving: %w", &tt.err)); got != tt.want {
			t.Errorf("ExplainError(%v) = %q, want %q", &tt.err, got, tt.want)
		}
	}
}

func TestDialResultExplains(t *testing.T) {
	_ = i18n.Use(i18n.English)
	tests := []struct {
		test middleware.DialTest
		want viewmodel.DialResult
	}{
		{
			middleware.DialTest{Address: "sip:+4930@pbx.example", Steps: []middleware.DialStep{
				{Kind: middleware.DialSeparators, From: "00 49 30", To: "004930"},
				{Kind: middleware.DialAccount, To: "201@pbx.example"},
				{Kind: middleware.DialRule, From: "004930", To: "+4930", Rule: 2, Text: "00.=+."},
				{Kind: middleware.DialDomain, From: "+4930", To: "+4930@pbx.example"},
			}},
			viewmodel.DialResult{Text: "+4930@pbx.example would be called.", Tone: viewmodel.Good, Steps: []string{
				"Without separators: 004930", "Rule 2, 00.=+., makes +4930 of 004930.",
			}},
		},
		{
			middleware.DialTest{Address: "sip:112@pbx.example", Steps: []middleware.DialStep{{Kind: middleware.DialEmergency, From: "112"}, {Kind: middleware.DialNoRule, From: "112"}}},
			viewmodel.DialResult{Text: "112@pbx.example would be called.", Tone: viewmodel.Good, Steps: []string{
				"112 is an emergency number: rules with wildcards leave it alone.", "No rule fits 112.",
			}},
		},
		{middleware.DialTest{Err: middleware.ErrNoTarget}, viewmodel.DialResult{Text: "That is neither a number nor an address.", Tone: viewmodel.Bad}},
	}
	for _, tt := range tests {
		got := viewmodel.NewDialResult(tt.test)
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("NewDialResult(%v) = %v, want %v", tt.test, got, tt.want)
		}
	}
}
