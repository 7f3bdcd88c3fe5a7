package sip_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/sip"
	"parley/sip/siptest"
)

const (
	offerSDP  = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\n"
	answerSDP = "v=0\r\no=- 2 1 IN IP4 10.0.0.2\r\ns=-\r\nt=0 0\r\n"
)

// A side is one endpoint of a test with all that happened on it.
type side struct {
	t     *testing.T
	e     *sip.Endpoint
	addr  netip.AddrPort
	calls chan *sip.Call

	mu     sync.Mutex
	events []string
	seen   map[string]sip.Event
	notify chan struct{}
}

func newSide(t *testing.T, n *siptest.Network, addr string, change func(*sip.Config)) *side {
	t.Helper()
	s := &side{t: t, calls: make(chan *sip.Call, 16), seen: map[string]sip.Event{}, notify: make(chan struct{}, 1024)}
	s.addr = netip.MustParseAddrPort(addr)
	cfg := sip.Config{
		UserAgent: "Test/1", Listen: []netip.AddrPort{s.addr}, Network: n.Host(s.addr.Addr().String()),
		ContactUser: "abcdefgh",
		OnCall: func(c *sip.Call) {
			c.SetHandler(s.on)
			s.calls <- c
		},
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if s.e, err = sip.Listen(t.Context(), cfg); err != nil {
		t.Fatalf("Listen: %v", err)
	}
	return s
}

func (s *side) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.e.Close(ctx); err != nil {
		s.t.Errorf("Close: %v", err)
	}
}

func (s *side) on(ev sip.Event) {
	s.mu.Lock()
	s.events = append(s.events, describe(ev))
	s.seen[fmt.Sprintf("%T", ev)] = ev
	s.mu.Unlock()
	s.notify <- struct{}{}
}

func (s *side) route() sip.Route { return sip.Route{Transport: "udp", Addr: s.addr} }

func describe(ev sip.Event) string {
	switch ev := ev.(type) {
	case sip.Provisional:
		return fmt.Sprintf("provisional %d", ev.Code)
	case sip.Answered:
		return fmt.Sprintf("answered %d", ev.Code)
	case sip.Failed:
		return "failed " + brief(ev.Err)
	case sip.Canceled:
		return fmt.Sprintf("canceled elsewhere=%v", ev.Elsewhere)
	case sip.Confirmed:
		return "confirmed"
	case sip.Reinvited:
		return "reinvited"
	case sip.ReinviteCanceled:
		return "reinvite canceled"
	case sip.ReinviteAnswered:
		return fmt.Sprintf("reinvite answered %d", ev.Code)
	case sip.ReinviteFailed:
		return "reinvite failed " + brief(ev.Err)
	case sip.Relocated:
		return "relocated " + ev.Local.String()
	case sip.RelocateFailed:
		return "relocate failed"
	case sip.Hungup:
		return "hungup"
	case sip.Ended:
		return "ended " + brief(ev.Err)
	case sip.InfoReceived:
		return "info " + ev.ContentType
	case sip.ReferProgress:
		return fmt.Sprintf("refer %d", ev.Code)
	case sip.ReferFinished:
		return fmt.Sprintf("refer finished %d %s", ev.Code, brief(ev.Err))
	case sip.Referred:
		return "referred " + ev.To.URI.String()
	}
	return fmt.Sprintf("%T", ev)
}

func brief(err error) string {
	var status *sip.StatusError
	switch {
	case err == nil:
		return "well"
	case errors.As(err, &status):
		return fmt.Sprint(status.Code)
	case errors.Is(err, sip.ErrTimeout):
		return "timeout"
	case errors.Is(err, sip.ErrNoAck):
		return "no ack"
	case errors.Is(err, sip.ErrReferUntold):
		return "untold"
	}
	return err.Error()
}

// wait returns when an event with the description has come.
func (s *side) wait(want string) {
	s.t.Helper()
	timer := time.NewTimer(3 * time.Minute)
	defer timer.Stop()
	for {
		s.mu.Lock()
		for _, ev := range s.events {
			if ev == want {
				s.mu.Unlock()
				return
			}
		}
		s.mu.Unlock()
		select {
		case <-s.notify:
		case <-timer.C:
			s.t.Fatalf("no event %q, only %q", want, s.list())
		}
	}
}

func (s *side) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.events...)
}

func (s *side) want(events ...string) {
	s.t.Helper()
	if diff := cmp.Diff(events, s.list()); diff != "" {
		s.t.Errorf("events (-want +got):\n%s", diff)
	}
}

func (s *side) invite(to ...sip.Route) *sip.Call {
	s.t.Helper()
	c, err := s.e.Invite(s.request(to...))
	if err != nil {
		s.t.Fatalf("Invite: %v", err)
	}
	return c
}

func (s *side) request(to ...sip.Route) sip.InviteRequest {
	target := must(sip.ParseURI("sip:bob@example.org"))
	return sip.InviteRequest{
		From: sip.Address{Name: "Alice", URI: must(sip.ParseURI("sip:alice@example.org"))}, To: sip.Address{URI: target},
		Target: target, Routes: to, Body: []byte(offerSDP), OnEvent: s.on,
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (s *side) call() *sip.Call {
	s.t.Helper()
	select {
	case c := <-s.calls:
		return c
	case <-time.After(time.Minute):
		s.t.Fatal("no call came in")
		return nil
	}
}

// ok fails the test on an error.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

// pair runs f with two endpoints in a bubble.
func pair(t *testing.T, f func(t *testing.T, n *siptest.Network, alice, bob *side)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		alice, bob := newSide(t, n, "10.0.0.1:5060", nil), newSide(t, n, "10.0.0.2:5060", nil)
		defer bob.close()
		defer alice.close()
		f(t, n, alice, bob)
	})
}

var names = map[string]string{"10.0.0.1": "a", "10.0.0.2": "b"}

// connect brings a call up.
func connect(t *testing.T, alice, bob *side) (out, in *sip.Call) {
	t.Helper()
	out = alice.invite(bob.route())
	in = bob.call()
	ok(t, in.Ring(180, nil))
	ok(t, in.Answer([]byte(answerSDP)))
	alice.wait("answered 200")
	bob.wait("confirmed")
	return out, in
}

func TestCallOutAndIn(t *testing.T) {
	pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
		out, in := connect(t, alice, bob)
		if got, want := string(in.Body()), offerSDP; got != want {
			t.Errorf("offer = %q, want %q", got, want)
		}
		if got := string(alice.seen["sip.Answered"].(sip.Answered).Body); got != answerSDP {
			t.Errorf("answer = %q, want %q", got, answerSDP)
		}
		if got, want := in.Remote().Name, "Alice"; got != want {
			t.Errorf("caller = %q, want %q", got, want)
		}
		if in.ID() != out.ID() {
			t.Errorf("Call-IDs %q and %q differ", in.ID(), out.ID())
		}
		ok(t, out.Bye(""))
		alice.wait("ended well")
		bob.wait("hungup")
		alice.want("provisional 180", "answered 200", "ended well")
		bob.want("confirmed", "hungup")
		want := []string{"a>b INVITE", "b>a 180 INVITE", "b>a 200 INVITE", "a>b ACK", "a>b BYE", "b>a 200 BYE"}
		if diff := cmp.Diff(want, n.Trace(names)); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		for _, p := range n.Packets() {
			if p.From.Port() != 5060 {
				t.Errorf("%s left from port %d, want 5060", p.Summary(), p.From.Port())
			}
			if !strings.Contains(string(p.Data), "abcdefgh@10.0.0.") && p.Summary() == "INVITE" {
				t.Errorf("INVITE without our Contact:\n%s", p.Data)
			}
		}
	})
}
