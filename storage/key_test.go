package storage

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAccountKeySet(t *testing.T) {
	tests := []struct {
		key, text string
		want      func(*Account)
	}{
		{"display_name", "Ann B.", func(a *Account) { a.DisplayName = "Ann B." }},
		{"Display-Name", "", func(a *Account) {}},
		{"enabled", "no", func(a *Account) { a.Enabled = false }},
		{"srtp_in_clear", "ON", func(a *Account) { a.SRTPInClear = true }},
		{"transport", "tls", func(a *Account) { a.Transport = TransportTLS }},
		{"expires", "120", func(a *Account) { a.Expires = 2 * time.Minute }},
		{"ptime", "40", func(a *Account) { a.PacketTime = 40 * time.Millisecond }},
		{"ptime", "0", func(a *Account) {}},
		{"codecs", "pcma, OPUS", func(a *Account) { a.Codecs = []string{"PCMA", "opus"} }},
		{"codecs", "", func(a *Account) {}},
		{"proxy", "sip:proxy.example.org:5070;transport=tcp;lr", func(a *Account) { a.Proxy = "sip:proxy.example.org:5070;transport=tcp;lr" }},
		{"proxy", "[2001:db8::1]:5060", func(a *Account) { a.Proxy = "[2001:db8::1]:5060" }},
		{"session_timer", "0", func(a *Account) { a.SessionTimer = 0 }},
		{"session_timer", "90", func(a *Account) { a.SessionTimer = 90 * time.Second }},
		{"reliable_provisional", "off", func(a *Account) { a.Reliable = ReliableOff }},
		{"local_port", "5060", func(a *Account) { a.LocalPort = 5060 }},
	}
	for _, tt := range tests {
		got, want := NewAccount("a@b.c"), NewAccount("a@b.c")
		tt.want(&want)
		k, err := FindKey(AccountKeys(), tt.key)
		if err != nil {
			t.Errorf("FindKey(%q): %v", tt.key, err)
			continue
		}
		if err := k.Set(&got, tt.text); err != nil {
			t.Errorf("Set(%s, %q): %v", tt.key, tt.text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Set(%s, %q) (-want +got):\n%s", tt.key, tt.text, diff)
		}
	}
}

func TestAccountKeySetRefuses(t *testing.T) {
	tests := []struct{ key, text, err string }{
		{"transport", "sctp", `storage: transport cannot be "sctp", it must be one of auto, udp, tcp, tls`},
		{"expires", "soon", `storage: expires cannot be "soon", it must be a whole number from 30 to 86400`},
		{"expires", "5", `storage: expires cannot be "5", it must be a whole number from 30 to 86400`},
		{"expires", "99999999999999999999", `storage: expires cannot be "99999999999999999999", it must be a whole number from 30 to 86400`},
		{"ptime", "25", `storage: ptime cannot be "25", it must be one of the numbers 0, 10, 20, 30, 40, 60`},
		{"enabled", "maybe", `storage: enabled cannot be "maybe", it must be true or false`},
		{"codecs", "opus,G729", `storage: codecs cannot be "opus,G729", it must be a list of different codecs out of opus, G722, PCMA, PCMU`},
		{"dial_rules", "00.=+.,1=a", `storage: dial_rules cannot be "00.=+.,1=a", it must be a list of dial rules of the form MATCH=REPLACEMENT; "1=a", number 2 of the list, character 3: only digits, * # + x and . can be dialed`},
		{"session_timer", "89", `storage: session_timer cannot be "89", it must be 0 or a whole number from 90 to 86400`},
		{"session_timer", "-1", `storage: session_timer cannot be "-1", it must be 0 or a whole number from 90 to 86400`},
		{"park_code", "7a", `storage: park_code cannot be "7a", it must be digits, * and #, or empty`},
		{"display_name", "a\r\nb", `storage: display_name cannot be "a\r\nb", it must be text without control characters, at most 1024 bytes`},
		{"proxy", "sip:", `storage: proxy cannot be "sip:", it must be a sip: or sips: URI, host or host:port, or empty`},
	}
	for _, tt := range tests {
		k, err := FindKey(AccountKeys(), tt.key)
		if err != nil {
			t.Fatal(err)
		}
		a := NewAccount("a@b.c")
		err = k.Set(&a, tt.text)
		if err == nil || err.Error() != tt.err {
			t.Errorf("Set(%s, %q) = %v, want %s", tt.key, tt.text, err, tt.err)
		}
		if diff := cmp.Diff(NewAccount("a@b.c"), a); diff != "" {
			t.Errorf("Set(%s, %q) changed the account (-want +got):\n%s", tt.key, tt.text, diff)
		}
	}
}

func TestFindKeySuggests(t *testing.T) {
	for _, tt := range []struct{ name, near string }{
		{"transprot", "transport"}, {"expire", "expires"}, {"strp", "srtp"}, {"codec", "codecs"}, {"password", ""}, {"", ""},
	} {
		_, err := FindKey(AccountKeys(), tt.name)
		var ue *UnknownKeyError
		if !errors.As(err, &ue) || ue.Near != tt.near || len(ue.All) != len(AccountKeys()) {
			t.Errorf("FindKey(%q) = %v, want near %q", tt.name, err, tt.near)
		}
	}
}

// Each key must read what it writes, have a default that it allows, and stand
// for a field of its own.
func TestKeyTables(t *testing.T) {
	checkTable(t, Keys(), DefaultSettings(), full())
	checkTable(t, AccountKeys(), NewAccount(""), full().Accounts[0])
}

func checkTable[T any](t *testing.T, keys []Key[T], def, other T) {
	t.Helper()
	fields := map[any]string{}
	for _, k := range keys {
		if k.Default != k.Get(&def) {
			t.Errorf("Default of %s = %q, want %q", k.Name, k.Default, k.Get(&def))
		}
		if err := k.Check(&def); err != nil {
			t.Errorf("default of %s: %v", k.Name, err)
		}
		if twin, ok := fields[k.ref(&def)]; ok {
			t.Errorf("%s and %s stand for one field", k.Name, twin)
		}
		fields[k.ref(&def)] = k.Name
		if k.Get(&other) == k.Default {
			t.Errorf("test data has the default for %s", k.Name)
		}
		copied := def
		if err := k.Set(&copied, k.Get(&other)); err != nil {
			t.Errorf("Set(%s, %q): %v", k.Name, k.Get(&other), err)
		}
		if got, want := k.Get(&copied), k.Get(&other); got != want {
			t.Errorf("Get after Set of %s = %q, want %q", k.Name, got, want)
		}
		if values := k.Values(); values != nil && k.Get(&def) != "" {
			for _, v := range values {
				if err := k.Set(&copied, v); err != nil {
					t.Errorf("Set(%s, %q) of a listed value: %v", k.Name, v, err)
				}
			}
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, tt := range []struct {
		text string
		want bool
	}{
		{"a@b", true},
		{"a@b.c", true},
		{"201@10.0.0.1", true},
		{"201@10.0.0.1:5080", true},
		{"a@[2001:db8::1]:5060", true},
		{"+49301234@example.org", true},
		{"ü@example.org", true},
		{"", false},
		{"a", false},
		{"@b", false},
		{"a@", false},
		{"a@b@c", false},
		{"a b@c", false},
		{"a@b c", false},
		{"a@b:0", false},
		{"a@b:x", false},
		{"sip:a@b;x", false},
		{"<a@b>", false},
		{"a@b..c", false},
		{"a@-b", false},
		{"a\u00a0@b", false},
	} {
		if got := isAddress(tt.text); got != tt.want {
			t.Errorf("isAddress(%q) = %v, want %v", tt.text, got, tt.want)
		}
	}
}

func TestRemoveAccount(t *testing.T) {
	s := full()
	before := s.Clone()
	if s.Account("201@10.0.0.1:5080") == nil || s.Account("nobody@x.y") != nil {
		t.Error("Account does not find what is there, or finds what is not")
	}
	if !s.RemoveAccount("alice@example.org") || s.DefaultAccount != "" || len(s.Accounts) != 1 {
		t.Errorf("after RemoveAccount: default %q, %d accounts, want none and 1", s.DefaultAccount, len(s.Accounts))
	}
	if s.RemoveAccount("alice@example.org") {
		t.Error("RemoveAccount of a removed account = true, want false")
	}
	if got := before.Accounts[0].ID; got != "alice@example.org" {
		t.Errorf("a clone changed with its original: %q", got)
	}
}
