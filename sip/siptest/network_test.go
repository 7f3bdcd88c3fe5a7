package siptest

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestHookDropsAndDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &Network{}
		a, b := NewPeer(t, n, "10.0.0.1:5060"), NewPeer(t, n, "10.0.0.2:5060")
		defer a.Close()
		defer b.Close()
		n.SetHook(func(p Packet) (time.Duration, bool) {
			return time.Second, p.Summary() == "BYE"
		})
		start := time.Now()
		a.Send(b.Addr, "BYE sip:b SIP/2.0\nCSeq: 1 BYE\n")
		a.Send(b.Addr, "INFO sip:b SIP/2.0\nCSeq: 2 INFO\n\nx\n")
		got := b.Expect("INFO")
		if took := time.Since(start); took != time.Second {
			t.Errorf("delivered after %v, want 1s", took)
		}
		if got.Header("Content-Length") != "3" || got.Body() != "x\r\n" {
			t.Errorf("got %q", got.Data)
		}
		b.Silent("BYE", time.Minute)
		trace := n.Trace(map[string]string{"10.0.0.1": "a", "10.0.0.2": "b"})
		if len(trace) != 2 || trace[0] != "a>b BYE lost" || trace[1] != "a>b INFO" {
			t.Errorf("Trace = %q", trace)
		}
	})
}

func TestStreams(t *testing.T) {
	n := &Network{}
	at := netip.MustParseAddrPort("10.0.0.2:5060")
	h := n.Host("10.0.0.1")
	if _, err := h.Dial(context.Background(), h.Addr(), at); !errors.Is(err, ErrRefused) {
		t.Errorf("Dial where nobody listens: %v, want %v", err, ErrRefused)
	}
	l, err := n.Host("10.0.0.2").Listen(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := h.Dial(context.Background(), h.Addr(), at)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	n.BreakStreams()
	got, err := io.ReadAll(s)
	if string(got) != "hello" || err != nil {
		t.Errorf("read %q, %v, want what was sent before the break", got, err)
	}
	if _, err := s.Write([]byte("x")); err == nil {
		t.Error("a broken stream took a write")
	}
}
