package netwatch

import (
	"context"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/leaktest"
)

func TestAddrsAreConcrete(t *testing.T) {
	got, err := Addrs()
	if err != nil || len(got) == 0 {
		t.Fatalf("Addrs = %v, %v, want this machine's addresses", got, err)
	}
	for i, a := range got {
		if a.IsUnspecified() || a.Is6() && a.IsLinkLocalUnicast() {
			t.Errorf("address %d is %v, want a concrete one", i, a)
		}
	}
	if last := got[len(got)-1]; !last.IsLoopback() {
		t.Errorf("the last address is %v, want the loopback one", last)
	}
}

func TestPollHintsOfChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var addr atomic.Value
		addr.Store(netip.MustParseAddr("192.0.2.1"))
		var hints atomic.Int32
		go poll(ctx, func() ([]netip.Addr, error) { return []netip.Addr{addr.Load().(netip.Addr)}, nil }, func() { hints.Add(1) })
		time.Sleep(time.Minute)
		if n := hints.Load(); n != 0 {
			t.Errorf("%d hints without a change, want none", n)
		}
		addr.Store(netip.MustParseAddr("192.0.2.2"))
		time.Sleep(2 * pollEvery)
		if n := hints.Load(); n != 1 {
			t.Errorf("%d hints of one change, want one", n)
		}
	})
}

func TestWatchLeavesNothingBehind(t *testing.T) {
	leaktest.Check(t)
	ctx, cancel := context.WithCancel(t.Context())
	Watch(ctx, slog.New(slog.DiscardHandler))
	cancel()
}
