package middleware_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/sip/siptest"
	"parley/storage"
)

// redirecting runs f with a phone and scripted far ends at 192.0.2.10, .11 and
// so on.
func redirecting(t *testing.T, count int, f func(t *testing.T, p *middlewaretest.Phone, far []*siptest.Peer), options ...middlewaretest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		var far []*siptest.Peer
		for i := range count {
			far = append(far, siptest.NewPeer(t, &n.SIP, fmt.Sprintf("192.0.2.%d:5060", 10+i)))
		}
		p := middlewaretest.NewPhone(t, n, "192.0.2.1", options...)
		f(t, p, far)
		p.Stop()
		for _, r := range far {
			r.Close()
		}
	})
}

// answerWith has a far end answer the next INVITE.
func answerWith(r *siptest.Peer, status, extra string) siptest.Message {
	invite := r.Expect("INVITE")
	r.Send(invite.From, invite.Reply(status, "b", extra))
	r.Expect("ACK")
	soon()
	return invite
}

func TestRedirectionIsFollowed(t *testing.T) {
	redirecting(t, 3, func(t *testing.T, p *middlewaretest.Phone, far []*siptest.Peer) {
		s := p.Dial("sip:bob@192.0.2.10:5060")
		first := far[0].Expect("INVITE")
		far[0].Send(first.From, first.Reply("183 Session Progress", "b", peerAudio))
		soon()
		far[0].Send(first.From, first.Reply("302 Moved Temporarily", "b",
			"Contact: <sip:second@192.0.2.11:5060>;q=0.4, <sip:third@192.0.2.12:5060>;q=0.3, <sip:bob@192.0.2.10:5060>;q=0.9, <sip:bob@192.0.2.1:5060>;q=0.8\n"))
		far[0].Expect("ACK")
		second := answerWith(far[1], "486 Busy Here", "")
		third := answerWith(far[2], "200 OK", "Contact: <sip:third@192.0.2.12:5060>\n"+peerAudio)
		wantNames(t, "phone", p,
			"SIPSessionNewOutgoing", "SIPSessionWasRedirected", "SIPSessionWasRedirected", "SIPSessionWillStart", "SIPSessionDidStart")
		var hops []string
		for _, n := range p.Notes() {
			if n, ok := n.(middleware.SIPSessionWasRedirected); ok {
				hops = append(hops, fmt.Sprint(n.Code, " ", n.From, " ", n.To))
			}
		}
		want := []string{
			"302 sip:bob@192.0.2.10:5060 sip:second@192.0.2.11:5060",
			"486 sip:second@192.0.2.11:5060 sip:third@192.0.2.12:5060",
		}
		if diff := cmp.Diff(want, hops); diff != "" {
			t.Errorf("redirections (-want +got):\n%s", diff)
		}
		if second.Header("To") != first.Header("To") || third.Line() != "INVITE sip:third@192.0.2.12:5060 SIP/2.0" {
			t.Errorf("To = %q and %q, the last goes to %q", first.Header("To"), second.Header("To"), third.Line())
		}
		if got := s.Snapshot(); got.RemoteURI != "sip:third@192.0.2.12:5060" || got.RedirectedTo.URI != got.RemoteURI || got.Peer.URI != "sip:bob@192.0.2.10:5060" || got.CallID != third.Header("Call-ID") {
			t.Errorf("snapshot = %+v", got)
		}
		s.End()
		bye := far[2].Expect("BYE")
		far[2].Send(bye.From, bye.Reply("200 OK", "b", ""))
		soon()
	})
}

// An address that there is no way to costs nothing but its turn.
func TestRedirectionToNowhere(t *testing.T) {
	redirecting(t, 2, func(t *testing.T, p *middlewaretest.Phone, far []*siptest.Peer) {
		s := p.Dial("sip:bob@192.0.2.10:5060")
		answerWith(far[0], "302 Moved", "Contact: <sip:bob@no-such.example>;q=0.9, <sip:bob@192.0.2.77:5060;transport=tcp>;q=0.8, <sip:bob@192.0.2.11:5060>;q=0.7\n")
		answerWith(far[1], "603 Decline", "")
		wantOver(t, s)
		wantNames(t, "phone", p, "SIPSessionNewOutgoing", "SIPSessionWasRedirected", "SIPSessionWasRedirected", "SIPSessionWasRedirected", "SIPSessionDidFail", "SIPSessionDidEnd")
		if fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](p); fail.Failure.Kind != middleware.Declined {
			t.Errorf("failure = %+v", fail.Failure)
		}
	})
	redirecting(t, 1, func(t *testing.T, p *middlewaretest.Phone, far []*siptest.Peer) {
		s := p.Dial("sip:bob@192.0.2.10:5060")
		answerWith(far[0], "302 Moved", "Contact: <sip:bob@no-such.example>\n")
		wantOver(t, s)
		if fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](p); fail.Failure.Kind != middleware.HostNotFound {
			t.Errorf("failure = %+v", fail.Failure)
		}
	})
}

// However long the chain, five other addresses are the most, and none twice.
func TestRedirectionsAreBounded(t *testing.T) {
	redirecting(t, 8, func(t *testing.T, p *middlewaretest.Phone, far []*siptest.Peer) {
		s := p.Dial("sip:bob@192.0.2.10:5060")
		for i := range 6 {
			answerWith(far[i], "302 Moved", fmt.Sprintf("Contact: <sip:bob@192.0.2.10:5060>, <sip:bob@192.0.2.%d:5060>\n", 11+i))
		}
		wantOver(t, s)
		fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](p)
		if got := fail.Failure; got.Kind != middleware.Moved || got.Code != 302 || got.Detail != "bob@192.0.2.10:5060" {
			t.Errorf("failure = %+v", got)
		}
		far[6].Silent("INVITE", 5*time.Second)
	})
}

func TestRedirectionsThatAreNotFollowed(t *testing.T) {
	off := func(_ *middleware.Config, s *storage.Settings) { s.Calls.FollowRedirects = false }
	on := func(*middleware.Config, *storage.Settings) {}
	tests := []struct {
		name, dial, status, contacts string
		option                       middlewaretest.Option
		kind                         middleware.FailureKind
		detail                       string
	}{
		{"switched off", "sip:bob@192.0.2.10:5060", "302 Moved", "Contact: \"Bob\" <sip:bob@192.0.2.11:5060>\n", off, middleware.Moved, "bob@192.0.2.11:5060"},
		{"no address", "sip:bob@192.0.2.10:5060", "301 Moved", "", on, middleware.Moved, ""},
		{"another scheme", "sip:bob@192.0.2.10:5060", "302 Moved", "Contact: <mailto:bob@example.org>\n", on, middleware.Moved, ""},
		{"a number without an account", "sip:bob@192.0.2.10:5060", "302 Moved", "Contact: <tel:+4930123>\n", on, middleware.Moved, "+4930123"},
		{"a proxy", "sip:bob@192.0.2.10:5060", "305 Use Proxy", "Contact: <sip:192.0.2.11:5060>\n", on, middleware.Moved, "192.0.2.11:5060"},
		{"ourselves", "sip:bob@192.0.2.10:5060", "302 Moved", "Contact: <sip:x@192.0.2.1:5060>\n", on, middleware.Moved, "x@192.0.2.1:5060"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			redirecting(t, 2, func(t *testing.T, p *middlewaretest.Phone, far []*siptest.Peer) {
				s := p.Dial(tt.dial)
				answerWith(far[0], tt.status, tt.contacts)
				wantOver(t, s)
				fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](p)
				if got := fail.Failure; got.Kind != tt.kind || got.Detail != tt.detail {
					t.Errorf("failure = %+v, want %v with %q", got, tt.kind, tt.detail)
				}
				if slices.Contains(p.Names(), "SIPSessionWasRedirected") {
					t.Error("it says that it was redirected")
				}
			}, tt.option)
		})
	}
}

// What must be secret stays secret.
func TestRedirectionIsNoDowngrade(t *testing.T) {
	for to, want := range map[string]bool{"sip:bob@192.0.2.11": false, "sips:bob@192.0.2.11": true} {
		if got := middleware.Redirects("sips:bob@example.org", to); got != want {
			t.Errorf("from sips to %s: followed %v, want %v", to, got, want)
		}
	}
}

// A call that a person gave up is not taken up again.
func TestRedirectionAfterTheEnd(t *testing.T) {
	redirecting(t, 2, func(t *testing.T, p *middlewaretest.Phone, far []*siptest.Peer) {
		s := p.Dial("sip:bob@192.0.2.10:5060")
		invite := far[0].Expect("INVITE")
		far[0].Send(invite.From, invite.Reply("180 Ringing", "b", ""))
		soon()
		s.End()
		far[0].Expect("CANCEL")
		far[0].Send(invite.From, invite.Reply("302 Moved", "b", "Contact: <sip:bob@192.0.2.11:5060>\n"))
		wantOver(t, s)
		far[1].Silent("INVITE", 5*time.Second)
	})
	redirecting(t, 2, func(t *testing.T, p *middlewaretest.Phone, far []*siptest.Peer) {
		s := p.Dial("sip:bob@192.0.2.10:5060")
		answerWith(far[0], "302 Moved", "Contact: <sip:bob@192.0.2.11:5060>\n")
		invite := far[1].Expect("INVITE")
		s.End()
		far[1].Send(invite.From, invite.Reply("180 Ringing", "b", ""))
		cancel := far[1].Expect("CANCEL")
		far[1].Send(invite.From, cancel.Reply("200 OK", "b", ""))
		far[1].Send(invite.From, invite.Reply("487 Request Terminated", "b", ""))
		wantOver(t, s)
	})
}

// A number that a server of ours names is called through it.
func TestRedirectionToANumber(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		accept(r, r.Expect("REGISTER"), 600)
		s, err := p.App.SessionManager().Dial(middleware.DialRequest{Target: "bob@example.org", Account: "alice@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		answerWith(r, "302 Moved", "Contact: <tel:+49-30-123>\n")
		if got, want := answerWith(r, "404 Not Found", "").Line(), "INVITE sip:+4930123@example.org SIP/2.0"; got != want {
			t.Errorf("second call = %q, want %q", got, want)
		}
		wantOver(t, s)
		if fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](p); fail.Failure.Kind != middleware.NotFound {
			t.Errorf("failure = %+v", fail.Failure)
		}
	})
}
