package middleware_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/middleware"
	"parley/middleware/bus"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
)

// first returns the first notification of type T, or fails the test.
func first[T bus.Notification](t *testing.T, p *middlewaretest.Phone) T {
	t.Helper()
	for _, n := range p.Notes() {
		if n, ok := n.(T); ok {
			return n
		}
	}
	var none T
	t.Errorf("there is no %s", bus.Name(none))
	return none
}

// The states of both ends over a life with everything in it are the nine.
func TestNineStates(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := withoutAudio(t, alice, bob)
		out.AddAudio()
		soon()
		if err := in.AcceptProposal(true, false); err != nil {
			t.Fatal(err)
		}
		soon()
		out.End()
		soon()
		want := map[string][]session.State{
			"alice": {session.Null, session.Calling, session.Established, session.Proposing, session.Established, session.Terminating, session.Terminated},
			"bob":   {session.Null, session.Incoming, session.Accepting, session.Established, session.Proposed, session.Established, session.Terminated},
		}
		for who, p := range map[string]*middlewaretest.Phone{"alice": alice, "bob": bob} {
			got := []session.State{session.Null}
			for _, n := range p.Notes() {
				if n, ok := n.(middleware.SIPSessionChangedState); ok {
					if n.PrevState != got[len(got)-1] || n.State != n.Now.State() || n.At.IsZero() {
						t.Errorf("%s: %v to %v after %v, with a snapshot in %v", who, n.PrevState, n.State, got, n.Now.State())
					}
					got = append(got, n.State)
				}
			}
			if diff := cmp.Diff(want[who], got); diff != "" {
				t.Errorf("states of %s (-want +got):\n%s", who, diff)
			}
		}
	})
}

// What the notifications of a call carry.
func TestCallNotificationsSayAll(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		began := time.Now()
		out, in := connected(t, alice, bob)
		if got := first[middleware.SIPSessionNewIncoming](t, bob); !slices.Equal(got.Streams, []string{"audio"}) || got.Session != in.ID() {
			t.Errorf("SIPSessionNewIncoming = %+v", got)
		}
		if got := first[middleware.SIPSessionNewOutgoing](t, alice); !slices.Equal(got.Streams, []string{"audio"}) || got.Session != out.ID() {
			t.Errorf("SIPSessionNewOutgoing = %+v", got)
		}
		ring := first[middleware.SIPSessionGotRingIndication](t, alice)
		will, did := first[middleware.SIPSessionWillStart](t, alice), first[middleware.SIPSessionDidStart](t, alice)
		if ring.At.Before(began) || will.At.Before(ring.At) || did.At.Before(will.At) || did.At.After(time.Now()) {
			t.Errorf("rings at %v, will start at %v, did at %v", ring.At, will.At, did.At)
		}
		if got := first[middleware.SIPSessionGotStreamUpdate](t, alice); !slices.Equal(got.Streams, []string{"audio"}) || got.At.IsZero() {
			t.Errorf("SIPSessionGotStreamUpdate = %+v, want audio", got)
		}
		out.SendDTMF("7")
		time.Sleep(time.Second)
		synctest.Wait()
		if got := first[middleware.SIPSessionGotDTMF](t, bob); got.Digit != '7' || got.At.IsZero() {
			t.Errorf("SIPSessionGotDTMF = %+v, want 7", got)
		}
		out.Hold()
		soon()
		ours, theirs := first[middleware.SIPSessionGotHoldRequest](t, alice), first[middleware.SIPSessionGotHoldRequest](t, bob)
		if ours.Originator != middleware.Local || theirs.Originator != middleware.Remote || ours.At.IsZero() {
			t.Errorf("SIPSessionGotHoldRequest by %s and %s, want local and remote", ours.Originator, theirs.Originator)
		}
		out.Unhold()
		soon()
		back, again := first[middleware.SIPSessionGotUnholdRequest](t, alice), first[middleware.SIPSessionGotUnholdRequest](t, bob)
		if back.Originator != middleware.Local || again.Originator != middleware.Remote || back.At.IsZero() {
			t.Errorf("SIPSessionGotUnholdRequest by %s and %s, want local and remote", back.Originator, again.Originator)
		}
		out.End()
		soon()
		over, gone := first[middleware.SIPSessionDidEnd](t, alice), first[middleware.SIPSessionDidEnd](t, bob)
		if over.Originator != middleware.Local || gone.Originator != middleware.Remote || over.At.Before(first[middleware.SIPSessionWillEnd](t, alice).At) {
			t.Errorf("SIPSessionDidEnd by %s and %s, want local and remote", over.Originator, gone.Originator)
		}
	})
}

func TestRecordingNotificationsSayAll(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, _ := connected(t, alice, bob)
		file := filepath.Join(t.TempDir(), "call.wav")
		out.StartRecordingAudio(file)
		time.Sleep(time.Second)
		out.StopRecordingAudio()
		synctest.Wait()
		start, started := first[middleware.SIPSessionWillStartRecordingAudio](t, alice), first[middleware.SIPSessionDidStartRecordingAudio](t, alice)
		stop, stopped := first[middleware.SIPSessionWillStopRecordingAudio](t, alice), first[middleware.SIPSessionDidStopRecordingAudio](t, alice)
		for _, got := range []string{start.FileName, started.FileName, stop.FileName, stopped.FileName} {
			if got != file {
				t.Errorf("file = %q, want %q", got, file)
			}
		}
		if start.At.IsZero() || started.At.Before(start.At) || stop.At.Sub(started.At) < time.Second || stopped.At.Before(stop.At) || stopped.Err != nil {
			t.Errorf("recorded from %v, %v to %v, %v: %v", start.At, started.At, stop.At, stopped.At, stopped.Err)
		}
	})
}

// A failed session tells why and by whom, then ends once; nothing else follows.
func TestFailureNotificationsSayAll(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		alice.Dial(bob.URI())
		soon()
		bob.Session().Reject(true)
		soon()
		wantNames(t, "alice", alice, "SIPSessionNewOutgoing", "SIPSessionGotRingIndication", "SIPSessionDidFail", "SIPSessionDidEnd")
		fail := first[middleware.SIPSessionDidFail](t, alice)
		if fail.Originator != middleware.Remote || fail.Failure.Code != 486 || fail.Failure.Reason != "Busy Here" || fail.At.IsZero() {
			t.Errorf("SIPSessionDidFail by %s: %d %s, want remote 486 Busy Here", fail.Originator, fail.Failure.Code, fail.Failure.Reason)
		}
	})
}

func TestProposalNotificationsSayAll(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := withoutAudio(t, alice, bob)
		out.AddAudio()
		soon()
		ours, theirs := first[middleware.SIPSessionGotStreamProposal](t, alice), first[middleware.SIPSessionGotStreamProposal](t, bob)
		if ours.Proposer != middleware.Local || theirs.Proposer != middleware.Remote || !slices.Equal(theirs.Streams, []string{"audio"}) || ours.At.IsZero() {
			t.Errorf("proposals = %+v, %+v", ours, theirs)
		}
		in.RejectProposal()
		soon()
		if no := first[middleware.SIPSessionRejectedStreamProposal](t, alice); no.Proposer != middleware.Local || no.Reason == "" || no.At.IsZero() {
			t.Errorf("SIPSessionRejectedStreamProposal by %s: %q, want local and a reason", no.Proposer, no.Reason)
		}
		out.AddAudio()
		soon()
		if err := in.AcceptProposal(true, false); err != nil {
			t.Fatal(err)
		}
		soon()
		if yes := first[middleware.SIPSessionAcceptedStreamProposal](t, bob); yes.Proposer != middleware.Remote || !slices.Equal(yes.Streams, []string{"audio"}) || yes.At.IsZero() {
			t.Errorf("SIPSessionAcceptedStreamProposal = %+v, want audio by remote", yes)
		}
	})
}

// What the notifications of a registration carry, from the first REGISTER over
// one that is refused to the last.
func TestRegistrationNotificationsSayAll(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		m := r.Expect("REGISTER")
		r.Send(m.From, m.Reply("503 Service Unavailable", "r", "Retry-After: 30\n"))
		synctest.Wait()
		failed := first[middleware.SIPAccountRegistrationDidFail](t, p)
		if failed.Failure.Code != 503 || failed.Failure.Reason != "Service Unavailable" || failed.Delay < 30*time.Second || failed.NextRoute != "" {
			t.Errorf("SIPAccountRegistrationDidFail = %+v in %v", failed.Failure, failed.Delay)
		}
		accept(r, r.Expect("REGISTER"), 600)
		synctest.Wait()
		ok := first[middleware.SIPAccountRegistrationDidSucceed](t, p)
		if ok.Code != 200 || ok.Reason != "OK" || ok.Expires != 600*time.Second || ok.Now.Contact != ok.ContactURI {
			t.Errorf("SIPAccountRegistrationDidSucceed = %d %s for %v at %s", ok.Code, ok.Reason, ok.Expires, ok.ContactURI)
		}
		if len(ok.ContactURIList) != 2 || !slices.Contains(ok.ContactURIList, ok.ContactURI) {
			t.Errorf("contacts = %q, want ours, %q, and the other", ok.ContactURIList, ok.ContactURI)
		}
		err := p.App.AccountManager().ChangeAccount("alice@example.org", func(a *middleware.AccountSettings) error {
			a.Registration = false
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		bye := r.Expect("REGISTER")
		synctest.Wait()
		if will := first[middleware.SIPAccountRegistrationWillEnd](t, p); will.Account != "alice@example.org" || will.Now.ID != will.Account {
			t.Errorf("SIPAccountRegistrationWillEnd of %q", will.Account)
		}
		r.Send(bye.From, bye.Reply("200 OK", "r", ""))
		time.Sleep(time.Second)
		synctest.Wait()
		if over := first[middleware.SIPAccountRegistrationDidEnd](t, p); over.Code != 200 || over.Reason != "OK" || over.Now.Contact != "" {
			t.Errorf("SIPAccountRegistrationDidEnd = %d %s, bound at %q", over.Code, over.Reason, over.Now.Contact)
		}
	})
}

// An account's way from being added to being removed, as told.
func TestAccountManagerNotificationsSayAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1")
		m := p.App.AccountManager()
		set := middleware.NewAccountSettings("alice@example.org")
		set.Registration = false
		a, err := m.AddAccount(t.Context(), set, "")
		if err != nil {
			t.Fatal(err)
		}
		soon()
		if added := first[middleware.SIPAccountManagerDidAddAccount](t, p); added.Account != a.ID() || added.Now.ID != a.ID() {
			t.Errorf("SIPAccountManagerDidAddAccount of %q", added.Account)
		}
		if now := first[middleware.SIPAccountManagerDidChangeDefaultAccount](t, p); now.OldAccount != "" || now.Account != a.ID() {
			t.Errorf("SIPAccountManagerDidChangeDefaultAccount = %+v", now)
		}
		if on, _ := middlewaretest.Last[middleware.SIPAccountDidActivate](p); on.Account != a.ID() || !on.Now.Active {
			t.Errorf("SIPAccountDidActivate of %q", on.Account)
		}
		if list := m.GetAccounts(); !slices.Equal(list, []*middleware.Account{a}) || !m.HasAccount(a.ID()) {
			t.Errorf("accounts = %v, want the one", list)
		}
		if err := m.RemoveAccount(t.Context(), a.ID()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if off, _ := middlewaretest.Last[middleware.SIPAccountDidDeactivate](p); off.Account != a.ID() || off.Now.Active {
			t.Errorf("SIPAccountDidDeactivate of %q", off.Account)
		}
		if gone := first[middleware.SIPAccountManagerDidRemoveAccount](t, p); gone.Account != a.ID() {
			t.Errorf("SIPAccountManagerDidRemoveAccount of %q", gone.Account)
		}
		p.Stop()
	})
}

// The order in which the parts start and stop.
func TestApplicationOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1", withAccounts("a@example.org"))
		soon()
		begun := time.Now()
		p.Stop()
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("the end took %v, want 10 s at most without a registrar", took)
		}
		var got []string
		for _, n := range p.Notes() {
			name := bus.Name(n)
			switch n := n.(type) {
			case middleware.SIPAccountDidActivate:
				name += " " + n.Account
			case middleware.SIPAccountDidDeactivate:
				name += " " + n.Account
			case middleware.SIPApplicationWillStart, middleware.SIPApplicationDidStart, middleware.SIPApplicationWillEnd,
				middleware.SIPApplicationDidEnd, middleware.SIPAccountManagerDidAddAccount:
			default:
				continue
			}
			got = append(got, name)
		}
		want := []string{
			"SIPApplicationWillStart",
			"SIPAccountDidActivate bonjour@local", "SIPAccountManagerDidAddAccount", "SIPAccountDidActivate a@example.org",
			"SIPApplicationDidStart",
			"SIPApplicationWillEnd",
			"SIPAccountDidDeactivate a@example.org", "SIPAccountDidDeactivate bonjour@local",
			"SIPApplicationDidEnd",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if list := p.App.SessionManager().Sessions(); len(list) != 0 {
			t.Errorf("%d sessions after the end", len(list))
		}
	})
}

// What is not supported has its place and says so; nothing is posted of it.
func TestNotSupported(t *testing.T) {
	places := []bus.Notification{
		middleware.SIPSessionGotMessage{ChatMessage: middleware.ChatMessage{Content: []byte("x"), ContentType: "text/plain", CPIMHeaders: map[string]string{}, Message: nil}},
		middleware.SIPSessionDidDeliverMessage{ChatReport: middleware.ChatReport{MessageID: "1", Code: 200, Reason: "OK", Message: nil}},
		middleware.SIPSessionDidNotDeliverMessage{},
		middleware.SIPSubscriptionDidSucceed{},
		middleware.SIPSubscriptionDidFail{},
		middleware.SIPSubscriptionWillEnd{},
		middleware.SIPSubscriptionDidEnd{},
		middleware.SIPSubscriptionGotNotify{},
		middleware.SIPPublicationDidSucceed{},
		middleware.SIPPublicationDidFail{},
		middleware.SIPPublicationWillEnd{},
		middleware.SIPPublicationDidEnd{},
		middleware.MSRPChatDidInitialize{},
		middleware.MSRPChatDidStart{},
		middleware.MSRPChatDidFail{},
		middleware.MSRPChatWillEnd{},
		middleware.MSRPChatDidEnd{},
		middleware.MSRPChatGotMessage{},
		middleware.MSRPChatDidDeliverMessage{},
		middleware.MSRPChatDidNotDeliverMessage{},
		middleware.MSRPFileTransferDidInitialize{},
		middleware.MSRPFileTransferDidStart{},
		middleware.MSRPFileTransferDidFail{},
		middleware.MSRPFileTransferGotFile{},
		middleware.MSRPFileTransferDidDeliverFile{},
		middleware.MSRPFileTransferDidNotDeliverFile{},
		middleware.MSRPFileTransferWillEnd{},
		middleware.MSRPFileTransferDidEnd{},
	}
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		accept(r, r.Expect("REGISTER"), 600)
		a, err := p.App.AccountManager().GetAccount("alice@example.org")
		if err != nil {
			t.Fatal(err)
		}
		s := p.Dial("sip:nobody@192.0.2.99:5060")
		_, sent := s.SendMessage("hello", "text/plain")
		var chat *middleware.MSRPChat
		var file *middleware.MSRPFileTransfer
		chat, chats := s.ChatTransport()
		file, files := s.SendFile("x")
		for what, err := range map[string]error{
			"AddChat": s.AddChat(), "RemoveChat": s.RemoveChat(), "SendMessage": sent, "AcceptProposal": s.AcceptProposal(true, true),
			"ChatTransport": chats, "SendFile": files, "Subscribe": a.Subscribe("presence"), "Publish": a.Publish("presence"),
		} {
			if !errors.Is(err, middleware.ErrNotSupported) {
				t.Errorf("%s = %v, want ErrNotSupported", what, err)
			}
		}
		if s.HasChat() || chat != nil || file != nil {
			t.Error("a session has chat")
		}
		soon()
		for _, n := range p.Notes() {
			for _, place := range places {
				if bus.Name(n) == bus.Name(place) {
					t.Errorf("%s was posted", bus.Name(n))
				}
			}
		}
	})
}
