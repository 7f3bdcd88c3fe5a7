package middleware_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
	"parley/storage"
)

// set changes settings of a phone that runs.
func set(t *testing.T, p *middlewaretest.Phone, change func(*middleware.Settings)) {
	t.Helper()
	err := p.App.ChangeSettings(func(s *middleware.Settings) error {
		change(s)
		return nil
	})
	if err != nil {
		t.Fatalf("settings of %s: %v", p.Addr, err)
	}
}

// invited runs f with a phone whose account is registered at a scripted server,
// and that server's way to call it.
func invited(t *testing.T, f func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, call func(from, headers string))) {
	t.Helper()
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		m := r.Expect("REGISTER")
		accept(r, m, 600)
		soon()
		contact := strings.Trim(strings.SplitN(m.Header("Contact"), ">", 2)[0], "<>")
		calls := 0
		f(t, p, r, func(from, headers string) {
			calls++
			r.Send(m.From, fmt.Sprintf("INVITE %s SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK%d\nMax-Forwards: 70\n"+
				"From: %s;tag=f%d\nTo: <sip:alice@example.org>\nCall-ID: call-%d\nCSeq: 1 INVITE\n%sContact: <sip:bob@192.0.2.10:5060>\n"+
				"Content-Type: application/sdp\n\nv=0\no=- 1 1 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\nm=audio 4000 RTP/AVP 9\na=rtpmap:9 G722/8000\n",
				contact, calls, from, calls, calls, headers))
		})
	})
}

// refused acknowledges a failure, so that it is not repeated.
func refused(r *siptest.Peer, m siptest.Message) {
	r.Send(m.From, fmt.Sprintf("ACK sip:alice@example.org SIP/2.0\nVia: %s\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: 1 ACK\n",
		m.Header("Via"), m.Header("From"), m.Header("To"), m.Header("Call-ID")))
}

// acknowledged confirms an answer.
func acknowledged(r *siptest.Peer, m siptest.Message) {
	r.Send(m.From, fmt.Sprintf("ACK sip:alice@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKack\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: 1 ACK\n",
		m.Header("From"), m.Header("To"), m.Header("Call-ID")))
	soon()
}

// hungUp ends the newest call of p.
func hungUp(p *middlewaretest.Phone, r *siptest.Peer) {
	p.Session().End()
	bye := r.Expect("BYE")
	r.Send(bye.From, bye.Reply("200 OK", "", ""))
	soon()
}

func TestCallersAreTurnedAwayWithoutRinging(t *testing.T) {
	invited(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, call func(from, headers string)) {
		set(t, p, func(s *middleware.Settings) {
			s.Calls.Reject = []string{"*@spam.example", "бо*б@example.org", "+4990*"}
			s.Calls.RejectAnonymous = true
		})
		for _, tt := range []struct {
			from, headers, want string
		}{
			{"<sip:x@spam.example>", "", "603 INVITE"},
			{"<sip:x@SPAM.example;user=phone>", "", "603 INVITE"},
			{"<sip:%D0%B1%D0%BE*%D0%B1@example.org>", "", "603 INVITE"},
			{"<sip:+49-900-123@any.example>", "", "603 INVITE"},
			{"<sip:ok@example.org>", "P-Asserted-Identity: <sip:+4990055@pbx.example>\n", "603 INVITE"},
			{"\"Anonymous\" <sip:anonymous@anonymous.invalid>", "", "433 INVITE"},
			{"<sip:bob@example.org>", "Privacy: id\n", "433 INVITE"},
		} {
			call(tt.from, tt.headers)
			refused(r, r.Expect(tt.want))
			soon()
			wantNames(t, "alice", p, "SIPSessionNewIncoming", "SIPSessionDidFail", "SIPSessionDidEnd")
			fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](p)
			if fail.Failure.Kind != middleware.Blocked || fail.Originator != middleware.Local {
				t.Errorf("failure of the call from %s = %v by %s, want blocked by local", tt.from, fail.Failure.Kind, fail.Originator)
			}
			wantOutcome(t, p, storage.Blocked)
		}
		call("<sip:anonymous@anonymous.invalid>", "P-Asserted-Identity: <sip:bob@example.org>\n") // known to the server
		refusedAfterRinging(t, p, r)
	})
}

// refusedAfterRinging expects that the newest call rings, and declines it.
func refusedAfterRinging(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
	t.Helper()
	r.Expect("180 INVITE")
	soon()
	p.Session().Reject(false)
	refused(r, r.Expect("603 INVITE"))
	soon()
	p.Names()
}

func TestEveryCallIsForwarded(t *testing.T) {
	invited(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, call func(from, headers string)) {
		err := p.App.AccountManager().ChangeAccount("alice@example.org", func(a *middleware.AccountSettings) error {
			a.DialRules = []string{"0.=+49."}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		set(t, p, func(s *middleware.Settings) { s.Calls.Forwarding, s.Calls.ForwardTo = true, "030 12" })
		call("<sip:bob@example.org>", "Diversion: \"The \\\"Boss\\\"\" <sip:boss@example.org>;reason=no-answer\n")
		m := r.Expect("302 INVITE")
		refused(r, m)
		if got, want := m.Header("Contact"), "<sip:+493012@example.org>"; got != want {
			t.Errorf("Contact = %s, want %s", got, want)
		}
		want := []string{
			"<sip:alice@example.org>;reason=unconditional;counter=1",
			`"The \"Boss\"" <sip:boss@example.org>;reason=no-answer`,
		}
		if diff := cmp.Diff(want, m.Headers("Diversion")); diff != "" {
			t.Errorf("Diversion (-want +got):\n%s", diff)
		}
		soon()
		wantNames(t, "alice", p, "SIPSessionNewIncoming", "SIPSessionDidFail", "SIPSessionDidEnd")
		fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](p)
		if f := fail.Failure; f.Kind != middleware.Forwarded || f.Code != 302 || f.Detail != "+493012@example.org" {
			t.Errorf("failure = %v %d %q, want forwarded 302 with the address", f.Kind, f.Code, f.Detail)
		}
		wantOutcome(t, p, storage.Forwarded)
	})
}

// A call that would go round in a circle, or nowhere, rings, and the account
// says why until a call was forwarded.
func TestCallThatCannotBeForwardedRings(t *testing.T) {
	invited(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, call func(from, headers string)) {
		for _, tt := range []struct{ to, headers string }{
			{"alice@example.org", ""},
			{"sip:alice@EXAMPLE.ORG:5060;transport=tcp", ""},
			{"bob@example.org", ""}, // the caller
			{"carol@example.org", "Diversion: <sip:alice@example.org>;reason=user-busy\n"},
			{"carol@example.org", "Diversion: <sip:carol@example.org>\n"},
			{"carol@example.org", "Diversion: <sip:x@example.org>;counter=5\n"},
			{"carol@example.org", "History-Info: <sip:alice@example.org>;index=1, <sip:carol@example.org;cause=302>;index=1.1\n"},
			{"sip:nobody@", ""},
			{"a b", ""},
		} {
			set(t, p, func(s *middleware.Settings) { s.Calls.Forwarding, s.Calls.ForwardTo = true, tt.to })
			call("<sip:bob@example.org>", tt.headers)
			r.Expect("180 INVITE")
			soon()
			wantNames(t, "alice, forwarding to "+tt.to, p, "SIPSessionNewIncoming", "SIPSessionForwardingDidFail")
			if snapshot(t, p).ForwardError == nil {
				t.Errorf("forwarding to %s: the account says nothing", tt.to)
			}
			p.Session().Reject(false)
			refused(r, r.Expect("603 INVITE"))
			soon()
			p.Names()
		}
		set(t, p, func(s *middleware.Settings) { s.Calls.ForwardTo = "carol@example.org" })
		call("<sip:bob@example.org>", "")
		refused(r, r.Expect("302 INVITE"))
		soon()
		if err := snapshot(t, p).ForwardError; err != nil {
			t.Errorf("after a call was forwarded the account still says %v", err)
		}
	})
}

func TestDoNotDisturbIsKeptAndForwards(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		if err := bob.App.SetUserStatus(middleware.DoNotDisturb); err != nil {
			t.Fatal(err)
		}
		if !bob.App.Settings().Calls.DoNotDisturb {
			t.Error("do not disturb is not kept")
		}
		set(t, bob, func(s *middleware.Settings) { s.Calls.ForwardBusyTo = "sip:carol@192.0.2.3:5060" })
		alice.Dial(bob.URI())
		soon()
		wantNames(t, "bob", bob, "SIPSessionNewIncoming", "SIPSessionDidFail", "SIPSessionDidEnd")
		fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](bob)
		if fail.Failure.Kind != middleware.Forwarded {
			t.Errorf("failure at bob = %v, want forwarded", fail.Failure.Kind)
		}
		set(t, bob, func(s *middleware.Settings) { s.Calls.DoNotDisturb = false })
		if got := bob.App.UserStatus(); got != middleware.Online {
			t.Errorf("status after the setting was taken back = %s, want ONLINE", got)
		}
		set(t, bob, func(s *middleware.Settings) { s.Calls.DoNotDisturb = true })
		if got := bob.App.UserStatus(); got != middleware.DoNotDisturb {
			t.Errorf("status after the setting was made = %s, want DND", got)
		}
		for range 2 {
			if err := bob.App.SetUserStatus(middleware.Away); err != nil {
				t.Fatal(err)
			}
		}
		told := 0
		for _, n := range bob.Notes() {
			if _, ok := n.(middleware.UserStatusDidChange); ok {
				told++
			}
		}
		if told != 4 || bob.App.Settings().Calls.DoNotDisturb {
			t.Errorf("changes of status told = %d, setting %v, want 4, false", told, bob.App.Settings().Calls.DoNotDisturb)
		}
	})
}

func TestDoNotDisturbSurvivesTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1", func(_ *middleware.Config, s *storage.Settings) {
			s.Calls.DoNotDisturb = true
		})
		if got := p.App.UserStatus(); got != middleware.DoNotDisturb {
			t.Errorf("status at the start = %s, want DND", got)
		}
		p.Stop()
	})
}

func TestSecondCallIsForwardedWithoutCallWaiting(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		set(t, bob, func(s *middleware.Settings) {
			s.Calls.CallWaiting, s.Calls.ForwardBusyTo = false, "sip:carol@192.0.2.3:5060"
		})
		connected(t, alice, bob)
		alice.Dial(bob.URI())
		soon()
		fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](bob)
		if fail.Failure.Kind != middleware.Forwarded {
			t.Errorf("failure of the second call = %v, want forwarded", fail.Failure.Kind)
		}
	})
}

func TestUnansweredCallIsForwarded(t *testing.T) {
	invited(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, call func(from, headers string)) {
		set(t, p, func(s *middleware.Settings) {
			s.Calls.ForwardNoAnswerTo, s.Calls.ForwardAfter = "205", 15*time.Second
		})
		call("<sip:bob@example.org>", "")
		begun := time.Now()
		m := r.Expect("302 INVITE")
		if took := time.Since(begun).Round(time.Second); took != 15*time.Second {
			t.Errorf("forwarded after %v, want 15s", took)
		}
		refused(r, m)
		if got := m.Header("Diversion"); !strings.Contains(got, "reason=no-answer") {
			t.Errorf("Diversion = %s, want reason no-answer", got)
		}
		soon()
		wantNames(t, "alice", p, "SIPSessionNewIncoming", "SIPSessionWillEnd", "SIPSessionDidEnd")
		wantOutcome(t, p, storage.Forwarded)

		call("<sip:bob@example.org>", "") // answered in time: nothing is forwarded
		soon()
		p.Session().Accept()
		acknowledged(r, r.Expect("200 INVITE"))
		time.Sleep(16 * time.Second)
		r.Silent("302 INVITE", time.Second)
		hungUp(p, r)
	})
}

func TestRedirect(t *testing.T) {
	invited(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, call func(from, headers string)) {
		call("<sip:bob@example.org>", "")
		r.Expect("180 INVITE")
		soon()
		s := p.Session()
		p.Names()
		for _, bad := range []string{"", "a b", "carol@example.org\r\nContact: <sip:evil@example.org>", "sip:carol%0d%0a@example.org", "alice@example.org"} {
			if err := s.DoWait(t.Context(), session.Redirect, bad); err == nil {
				t.Errorf("Redirect(%q) = nil, want an error", bad)
			}
			soon()
			wantNames(t, "alice", p, "SIPSessionCommandRefused")
			if got := s.Snapshot(); got.State() != session.Incoming || got.End.Kind != middleware.NoFailure {
				t.Fatalf("after Redirect(%q) the call is %v, %v, want it to ring", bad, got.State(), got.End.Kind)
			}
		}
		s.Redirect("carol@example.org")
		m := r.Expect("302 INVITE")
		refused(r, m)
		if got, want := m.Header("Contact")+m.Header("Diversion"), "<sip:carol@example.org><sip:alice@example.org>;reason=deflection;counter=1"; got != want {
			t.Errorf("Contact and Diversion = %s, want %s", got, want)
		}
		soon()
		wantNames(t, "alice", p, "SIPSessionWillEnd", "SIPSessionDidEnd")
		if end := s.Snapshot().End; end.Kind != middleware.Forwarded || end.By != middleware.Local {
			t.Errorf("end = %v by %s, want forwarded by local", end.Kind, end.By)
		}
		if err := s.DoWait(t.Context(), session.Redirect, "carol@example.org"); !errors.Is(err, middleware.ErrSessionOver) {
			t.Errorf("Redirect after the end = %v, want ErrSessionOver", err)
		}
	})
}

func TestRedirectOfACallThatDoesNotRing(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := connected(t, alice, bob)
		for _, s := range []*middleware.Session{out, in} {
			var wrong *session.InputError
			if err := s.DoWait(t.Context(), session.Redirect, "sip:x@192.0.2.9"); !errors.As(err, &wrong) {
				t.Errorf("Redirect of an established call = %v, want an InputError", err)
			}
		}
	})
}

func TestCallIsAnsweredByItself(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		set(t, bob, func(s *middleware.Settings) { s.Calls.AutoAnswer = true })
		out := alice.Dial(bob.URI())
		soon()
		in := bob.Session()
		if at := in.Snapshot().AutoAnswerAt; time.Until(at) < 4*time.Second || time.Until(at) > 5*time.Second {
			t.Errorf("AutoAnswerAt is in %v, want in 4 to 5 s", time.Until(at))
		}
		wantNames(t, "bob", bob, "SIPSessionNewIncoming")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		wantNames(t, "bob", bob, "SIPSessionWillStart", "SIPSessionDidStart")
		if snap := in.Snapshot(); !snap.AutoAnswerAt.IsZero() || snap.State() != session.Established {
			t.Errorf("after the answer: %v, AutoAnswerAt %v, want Established and zero", snap.State(), snap.AutoAnswerAt)
		}
		// A second call rings: it must not cut into the first.
		alice.Dial(bob.URI())
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if snap := bob.Session().Snapshot(); snap.State() != session.Incoming || !snap.AutoAnswerAt.IsZero() {
			t.Errorf("the second call is %v, AutoAnswerAt %v, want Incoming and zero", snap.State(), snap.AutoAnswerAt)
		}
		out.End()
		soon()
	})
}

func TestAutoAnswerCanBeCanceled(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		set(t, bob, func(s *middleware.Settings) { s.Calls.AutoAnswer = true })
		alice.Dial(bob.URI())
		soon()
		in := bob.Session()
		in.CancelAutoAnswer()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if snap := in.Snapshot(); snap.State() != session.Incoming || !snap.AutoAnswerAt.IsZero() {
			t.Errorf("after 10 s the call is %v, AutoAnswerAt %v, want Incoming and zero", snap.State(), snap.AutoAnswerAt)
		}
		wantNames(t, "bob", bob, "SIPSessionNewIncoming")
	})
}

// A call that was begun while another one counts down is not disturbed.
func TestAutoAnswerGivesWayToACallOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1")
		bob := middlewaretest.NewPhone(t, n, "192.0.2.2", func(_ *middleware.Config, s *storage.Settings) { s.Calls.AutoAnswer = true })
		carol := middlewaretest.NewPhone(t, n, "192.0.2.3")
		alice.Dial(bob.URI())
		soon()
		in := bob.Session()
		bob.Dial(carol.URI())
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if snap := in.Snapshot(); snap.State() != session.Incoming || !snap.AutoAnswerAt.IsZero() {
			t.Errorf("the incoming call is %v, AutoAnswerAt %v, want Incoming and zero", snap.State(), snap.AutoAnswerAt)
		}
		alice.Stop()
		bob.Stop()
		carol.Stop()
	})
}

func TestCallThatAsksIsAnsweredIfItMay(t *testing.T) {
	for _, tt := range []struct {
		headers string
		from    []string
		want    string
	}{
		{"Call-Info: <sip:x@example.org>;answer-after=0\n", []string{"*@example.org"}, "200 INVITE"},
		{"Alert-Info: <http://x.example>;info=alert-autoanswer;delay=0\n", []string{"bob@example.org"}, "200 INVITE"},
		{"Call-Info: <sip:x@example.org>;answer-after=0\n", nil, ""},
		{"Call-Info: <sip:x@example.org>;answer-after=0\n", []string{"*@other.example"}, ""},
		{"Call-Info: <sip:x@example.org>;answer-after=0\nP-Asserted-Identity: <sip:eve@other.example>\n", []string{"bob@example.org"}, ""},
		{"", []string{"*@example.org"}, ""},
	} {
		invited(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, call func(from, headers string)) {
			set(t, p, func(s *middleware.Settings) {
				s.Calls.AnswerAfterHeader, s.Calls.AutoAnswerFrom = true, tt.from
			})
			call("<sip:bob@example.org>", tt.headers)
			if tt.want == "" {
				refusedAfterRinging(t, p, r)
				return
			}
			m := r.Expect(tt.want)
			if p.Session().Snapshot().State() == session.Incoming {
				t.Error("the call still rings")
			}
			acknowledged(r, m)
			hungUp(p, r)
		})
	}
}

// Two phones that forward to each other do not send a caller round: the second
// one sees where the call has been, and rings.
func TestPhonesThatForwardToEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1")
		bob := middlewaretest.NewPhone(t, n, "192.0.2.2")
		carol := middlewaretest.NewPhone(t, n, "192.0.2.3")
		set(t, bob, func(s *middleware.Settings) { s.Calls.Forwarding, s.Calls.ForwardTo = true, carol.URI() })
		set(t, carol, func(s *middleware.Settings) { s.Calls.Forwarding, s.Calls.ForwardTo = true, bob.URI() })
		out := alice.Dial(bob.URI())
		time.Sleep(10 * time.Second)
		synctest.Wait()
		wantNames(t, "bob", bob, "SIPSessionNewIncoming", "SIPSessionDidFail", "SIPSessionDidEnd")
		wantNames(t, "carol", carol, "SIPSessionNewIncoming", "SIPSessionForwardingDidFail")
		if got := out.Snapshot(); !got.Progress.Ringing {
			t.Errorf("the caller's session is %v, want it to hear that carol rings", got.State())
		}
		carol.Session().Accept()
		soon()
		if got := out.Snapshot().State(); got != session.Established {
			t.Errorf("the caller's session is %v, want Established", got)
		}
		alice.Stop()
		bob.Stop()
		carol.Stop()
	})
}
