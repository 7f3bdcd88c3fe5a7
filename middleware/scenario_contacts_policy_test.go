package middleware_test

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"parley/media"
	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
	"parley/storage"
)

// knows makes a contact of an address.
func knows(t *testing.T, p *middlewaretest.Phone, address string, autoAnswer bool) {
	t.Helper()
	_, err := p.App.Contacts().Add(t.Context(), middleware.Contact{
		Name: "Somebody", AutoAnswer: autoAnswer, Addresses: []storage.ContactAddress{{Address: address}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOnlyContactsMayCall(t *testing.T) {
	invited(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, call func(from, headers string)) {
		knows(t, p, "bob@example.org", false)
		set(t, p, func(s *middleware.Settings) { s.Calls.ContactsOnly = true })
		for _, tt := range []struct{ from, headers, want string }{
			{"<sip:bob@example.org>", "", ""},
			{"<sip:bob@EXAMPLE.org:5060;user=phone>", "", ""},
			{"<sip:eve@example.org>", "", "603 INVITE"},
			{"<sip:anonymous@anonymous.invalid>", "", "603 INVITE"},
			{"<sip:bob@example.org>", "Privacy: id\n", "603 INVITE"},
			{"<sip:eve@example.org>", "P-Asserted-Identity: <sip:bob@example.org>\n", ""},
			{"<sip:bob@example.org>", "P-Asserted-Identity: <sip:eve@example.org>\n", "603 INVITE"},
		} {
			call(tt.from, tt.headers)
			if tt.want == "" {
				refusedAfterRinging(t, p, r)
				continue
			}
			refused(r, r.Expect(tt.want))
			soon()
			wantNames(t, "alice, called by "+tt.from, p, "SIPSessionNewIncoming", "SIPSessionDidFail", "SIPSessionDidEnd")
		}
	})
}

func TestContactThatIsAnsweredByItself(t *testing.T) {
	invited(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, call func(from, headers string)) {
		knows(t, p, "door@example.org", true)
		knows(t, p, "bob@example.org", false)
		set(t, p, func(s *middleware.Settings) { s.Calls.AutoAnswerAfter = 0 })
		call("<sip:bob@example.org>", "")
		refusedAfterRinging(t, p, r)
		call("<sip:door@example.org>", "")
		acknowledged(r, r.Expect("200 INVITE"))
		if got := p.Session().Snapshot().State(); got != session.Established {
			t.Errorf("state = %v, want Established", got)
		}
		hungUp(p, r)
	})
}

// Nobody but this program can call its Echo Test.
func TestCallsAreNotForwardedToTheEchoTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1")
		bob := middlewaretest.NewPhone(t, n, "127.0.0.1", func(c *middleware.Config, s *storage.Settings) {
			c.Echo, c.Direct = media.NewEchoDriver(time.Second, nil), netip.MustParseAddrPort("127.0.0.1:5060")
			s.Calls.Forwarding, s.Calls.ForwardTo = true, middleware.EchoTarget
		})
		alice.Dial(bob.URI())
		soon()
		wantNames(t, "bob", bob, "SIPSessionNewIncoming", "SIPSessionForwardingDidFail")
		err := bob.Session().DoWait(t.Context(), session.Redirect, middleware.EchoTarget)
		if !errors.Is(err, middleware.ErrForwardTarget) {
			t.Errorf("Redirect to the Echo Test = %v, want ErrForwardTarget", err)
		}
		alice.Stop()
		bob.Stop()
	})
}
