package middleware_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/session"
)

// What no call may be made of, nor a transfer, nor a redirection.
var badTargets = []string{
	"", " ", "\r\n", "sip:", "sips:", "sip:@", "sip:bob@", "bob@", "tel:", "callto:", "sip:bob@ex ample.org", "sip:bob@192.0.2.9:99999",
	"sip:bob@192.0.2.9\r\nX-Evil: 1", "sip:bob\r\nX: 1@192.0.2.9", "sip:bo%0D%0Ab@192.0.2.9:5060", "sip:bob@192.0.2.9:5060;x=%0d%0aY",
	"sip:bob@192.0.2.9:5060?Subject=a%0D%0AX-Evil:%201", "tel:%0D%0A", "<sip:bob@192.0.2.9>\x00", "sip:" + strings.Repeat("a", 40000) + "@192.0.2.9:5060",
}

// Whoever lies to the API gets an error, and nothing comes of it.
func TestLiesOfPrograms(t *testing.T) {
	besieged(t, 1, func(t *testing.T, b *siege) {
		m := b.p.App.SessionManager()
		before := b.s.Snapshot()
		lies := map[string]func() error{
			"TransferTo nobody":           func() error { return b.s.TransferTo(99) },
			"TransferTo itself":           func() error { return b.s.TransferTo(b.s.ID()) },
			"Park without an account":     func() error { return b.s.Park("1") },
			"AcceptProposal of nothing":   func() error { return b.s.AcceptProposal(false, false) },
			"AcceptProposal of chat":      func() error { return b.s.AcceptProposal(true, true) },
			"Dial from nobody":            func() error { return dialError(m, "sip:bob@192.0.2.10:5060", "nobody@example.org") },
			"Dial from a header":          func() error { return dialError(m, "sip:bob@192.0.2.10:5060", "a\r\nX: 1@example.org") },
			"Pickup by nobody":            func() error { _, err := m.Pickup("nobody@example.org", "1"); return err },
			"Pickup without an account":   func() error { _, err := m.Pickup("", "1\r\n"); return err },
			"Unpark by nobody":            func() error { _, err := m.Unpark("nobody@example.org", "1"); return err },
			"a digit that is none":        func() error { return b.s.DoWait(t.Context(), session.SendDTMF, "1\r\n") },
			"too many digits":             func() error { return b.s.DoWait(t.Context(), session.SendDTMF, strings.Repeat("1", 65)) },
			"a recording somewhere":       func() error { return b.s.DoWait(t.Context(), session.StartRecording, "../x.wav") },
			"SetForwarding to a header":   func() error { return b.p.App.SetForwarding(true, "sip:x@y\r\nX: 1") },
			"a conference of one":         func() error { return m.Join(b.s.ID()) },
			"a conference with nobody":    func() error { return m.Join(b.s.ID(), 99) },
			"a conference of nobody":      func() error { return m.Join() },
			"a conference of minus one":   func() error { return m.Join(-1, 0) },
			"an input that is none":       func() error { return b.s.DoWait(t.Context(), 250, "") },
			"a call that nobody made":     func() error { return found(m.Session(99)) },
			"a call of a negative number": func() error { return found(m.Session(-1)) },
		}
		for i, target := range badTargets {
			lies[fmt.Sprint("Dial ", i)] = func() error { return dialError(m, target, "") }
			lies[fmt.Sprint("Transfer ", i)] = func() error { return b.s.Transfer(target) }
			lies[fmt.Sprint("DoWait of Transfer ", i)] = func() error { return b.s.DoWait(t.Context(), session.Transfer, target) }
		}
		for name, lie := range lies {
			if err := lie(); err == nil {
				t.Errorf("%s: no error", name)
			} else if strings.ContainsAny(err.Error(), "\r\n\x00") {
				t.Errorf("%s: the error %q is not fit to be shown", name, err)
			}
		}
		synctest.Wait()
		after := b.s.Snapshot()
		after.Audio, before.Audio = middleware.Audio{}, middleware.Audio{}
		if after != before {
			t.Errorf("the call has changed to %+v", after)
		}
		if list := m.Sessions(); len(list) != 1 {
			t.Errorf("%d calls are going on, want the one", len(list))
		}
		if got := b.drain(); len(got) != 0 {
			t.Errorf("the far end was told: %v", got)
		}
	})
}

func dialError(m *middleware.SessionManager, target, account string) error {
	_, err := m.Dial(middleware.DialRequest{Target: target, Account: account})
	return err
}

func found(_ *middleware.Session, ok bool) error {
	if ok {
		return nil
	}
	return errors.New("there is none")
}

// A ringing call cannot be sent to what is no address, and rings on.
func TestLiesAboutARedirection(t *testing.T) {
	besieged(t, 2, func(t *testing.T, b *siege) {
		b.stranger.Send(siptestPhone, called(b.stranger, "ring", ""))
		b.stranger.Expect("180 INVITE")
		s := b.p.Session()
		before := s.Snapshot()
		for _, target := range badTargets {
			if err := s.DoWait(t.Context(), session.Redirect, target); err == nil {
				t.Errorf("Redirect(%q) = nil, want an error", target)
			}
		}
		if after := s.Snapshot(); after != before {
			t.Errorf("the call has changed to %+v", after)
		}
		s.Reject(false)
		soon()
	})
}

// The conference's methods, where there is none and where there is.
func TestConferenceMethodsInTheWrongState(t *testing.T) {
	besieged(t, 2, func(t *testing.T, b *siege) {
		m := b.p.App.SessionManager()
		refused := func(method string, want error, f func() error) {
			t.Helper()
			before, call := m.Conference(), b.s.Snapshot()
			err := f()
			var wrong *middleware.ConferenceError
			if !errors.Is(err, want) || !errors.As(err, &wrong) || wrong.Method != method || !strings.Contains(err.Error(), method) {
				t.Errorf("%s = %v, want %v with the method's name", method, err, want)
			}
			synctest.Wait()
			if after := m.Conference(); after.Rev != before.Rev || len(after.Members) != len(before.Members) || b.s.Snapshot() != call {
				t.Errorf("%s has changed something", method)
			}
		}
		part := func(id middleware.SessionID) func() error { return func() error { return m.Part(id) } }
		start := func() error { return m.StartConferenceRecording("") }
		refused("Part", middleware.ErrNoConference, part(b.s.ID()))
		refused("HoldConference", middleware.ErrNoConference, m.HoldConference)
		refused("UnholdConference", middleware.ErrNoConference, m.UnholdConference)
		refused("EndConference", middleware.ErrNoConference, m.EndConference)
		refused("StartConferenceRecording", middleware.ErrNoConference, start)
		refused("StopConferenceRecording", middleware.ErrNotRecording, m.StopConferenceRecording)
		second := b.join(m)
		refused("Part", middleware.ErrNotMember, part(99))
		refused("StopConferenceRecording", middleware.ErrNotRecording, m.StopConferenceRecording)
		if err := start(); err != nil {
			t.Fatal(err)
		}
		refused("StartConferenceRecording", middleware.ErrRecording, start)
		second.End()
		bye := b.stranger.Expect("BYE")
		b.stranger.Send(bye.From, bye.Reply("200 OK", "", ""))
		soon()
		refused("EndConference", middleware.ErrNoConference, m.EndConference)
	})
}

// join makes a conference of the call and one from the stranger.
func (b *siege) join(m *middleware.SessionManager) *middleware.Session {
	b.t.Helper()
	second := b.secondCall()
	for range 2 { // the first is held, and resumed when they are joined
		re := b.r.Expect("INVITE")
		b.r.Send(re.From, re.Reply("200 OK", "b", version(b.cseq)))
		b.cseq++
		b.r.Expect("ACK")
		soon()
		if !b.s.Snapshot().OnHoldByLocal {
			break
		}
		if err := m.Join(b.s.ID(), second.ID()); err != nil {
			b.t.Fatal(err)
		}
	}
	if got := len(m.Conference().Members); got != 2 {
		b.t.Fatalf("%d members, want 2", got)
	}
	return second
}

// A program that gives commands as fast as it can, right or wrong, harms nothing.
func TestStormOfCommands(t *testing.T) {
	besieged(t, 1, func(t *testing.T, b *siege) {
		var refused atomic.Int64
		for range 200 {
			for name, c := range commands {
				switch name {
				case "End", "RemoveAudio", "Transfer", "SendDTMF", "StartRecordingAudio":
					continue
				}
				if err := c.call(b.s); err != nil {
					refused.Add(1)
				}
			}
		}
		b.s.Unhold()
		for range 6 {
			time.Sleep(time.Second)
			b.answerAll()
		}
		if refused.Load() != 0 {
			t.Errorf("%d commands failed at once", refused.Load())
		}
	})
}

// answerAll takes every offer of the phone.
func (b *siege) answerAll() {
	for {
		synctest.Wait()
		m, ok := b.r.Poll()
		if !ok {
			return
		}
		if m.Summary() == "INVITE" {
			b.cseq++
			b.r.Send(m.From, m.Reply("200 OK", "b", version(b.cseq)))
		}
	}
}
