package middleware_test

import (
	"errors"
	"testing"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/sip/siptest"
)

// withCodes gives the account of registered its feature codes.
func withCodes(t *testing.T, p *middlewaretest.Phone) {
	t.Helper()
	err := p.App.AccountManager().ChangeAccount("alice@example.org", func(a *middleware.AccountSettings) error {
		a.ParkCode, a.UnparkCode, a.DialRules = "70", "*7", []string{"xxx.=9xxx.", "*.=1."}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	soon()
}

// Parking is a transfer to the account's code, which dial rules leave alone.
func TestParkTransfersToTheCode(t *testing.T) {
	calling(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, s *middleware.Session) {
		if err := s.Park("1"); !errors.Is(err, middleware.ErrNoFeatureCode) {
			t.Errorf("Park without a code = %v, want ErrNoFeatureCode", err)
		}
		withCodes(t, p)
		for _, bad := range []string{"1 2", "1\r\nTo: x", "1@evil.example", "<sip:x>", "ü"} {
			if err := s.Park(bad); !errors.Is(err, middleware.ErrNoTarget) {
				t.Errorf("Park(%q) = %v, want ErrNoTarget", bad, err)
			}
		}
		if err := s.Park("1"); err != nil {
			t.Fatal(err)
		}
		hold := r.Expect("INVITE")
		r.Send(hold.From, hold.Reply("200 OK", "", peerAudio))
		r.Expect("ACK")
		refer := r.Expect("REFER")
		if got, want := refer.Header("Refer-To"), "<sip:701@example.org>"; got != want {
			t.Errorf("Refer-To = %s, want %s", got, want)
		}
		r.Send(refer.From, refer.Reply("603 Decline", "", ""))
		back := r.Expect("INVITE") // the call is kept, and taken out of hold
		r.Send(back.From, back.Reply("200 OK", "", peerAudio))
		r.Expect("ACK")
		s.End()
		bye := r.Expect("BYE")
		r.Send(bye.From, bye.Reply("200 OK", "", ""))
		soon()
	})
}

func TestParkOfADirectCall(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, _ := connected(t, alice, bob)
		if err := out.Park("1"); !errors.Is(err, middleware.ErrNoFeatureCode) {
			t.Errorf("Park of a direct call = %v, want ErrNoFeatureCode", err)
		}
		if _, err := alice.App.SessionManager().Pickup("", "205"); !errors.Is(err, middleware.ErrNoAccount) {
			t.Errorf("Pickup without an account = %v, want ErrNoAccount", err)
		}
		if _, err := alice.App.SessionManager().Unpark("nobody@example.org", "1"); !errors.Is(err, middleware.ErrNoSuchAccount) {
			t.Errorf("Unpark from an unknown account = %v, want ErrNoSuchAccount", err)
		}
	})
}

func TestPickupAndUnparkDialTheCode(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		accept(r, r.Expect("REGISTER"), 600)
		soon()
		withCodes(t, p)
		m := p.App.SessionManager()
		for _, tt := range []struct {
			dial       func(account, rest string) (*middleware.Session, error)
			rest, want string
		}{
			{m.Pickup, "205", "INVITE sip:**205@example.org SIP/2.0"},
			{m.Pickup, "", "INVITE sip:**@example.org SIP/2.0"},
			{m.Unpark, " 1# ", "INVITE sip:*71%23@example.org SIP/2.0"},
		} {
			s, err := tt.dial("alice@example.org", tt.rest)
			if err != nil {
				t.Fatal(err)
			}
			invite := r.Expect("INVITE")
			if got := invite.Line(); got != tt.want {
				t.Errorf("request line = %q, want %q", got, tt.want)
			}
			r.Send(invite.From, invite.Reply("404 Not Found", "b", ""))
			soon()
			if end := s.Snapshot().End; end.Kind != middleware.NotFound {
				t.Errorf("end of the call to %s = %v, want not-found", tt.rest, end.Kind)
			}
		}
	})
}
