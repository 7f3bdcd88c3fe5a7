// Package netwatch tells which addresses this machine has and when that may have
// changed.
package netwatch

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"
)

// pollEvery is how often the addresses are looked at where the system does not
// tell of changes.
const pollEvery = 2 * time.Second

// Addrs lists the addresses of the interfaces that are up, the loopback one last.
// Link-local IPv6 addresses are left out: they mean nothing without a zone, which
// SIP cannot carry.
func Addrs() ([]netip.Addr, error) {
	ifaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("network interfaces: %w", err)
	}
	var addrs, loopback []netip.Addr
	for _, ifc := range ifaces {
		if ifc.Flags&net.FlagUp == 0 {
			continue
		}
		list, err := ifc.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		for _, a := range list {
			ip, err := netip.ParsePrefix(a.String())
			switch {
			case err != nil || ip.Addr().Is6() && ip.Addr().IsLinkLocalUnicast():
			case !ip.Addr().IsLoopback():
				addrs = append(addrs, ip.Addr())
			case ip.Addr().Is4():
				loopback = append(loopback, ip.Addr())
			}
		}
	}
	return append(addrs, loopback...), nil
}

// Watch returns a channel that gets a value when [Addrs] may say something else
// than before; hints that nobody takes are merged. It ends with ctx and never closes
// the channel. log may be told why it has to poll.
func Watch(ctx context.Context, log *slog.Logger) <-chan struct{} {
	hints := make(chan struct{}, 1)
	hint := func() {
		select {
		case hints <- struct{}{}:
		default:
		}
	}
	err := listen(ctx, hint)
	if err == nil {
		return hints
	}
	log.Info("The system does not tell of changes of the network", "err", err)
	go poll(ctx, Addrs, hint)
	return hints
}

// poll hints whenever addrs says something else, until ctx ends.
func poll(ctx context.Context, addrs func() ([]netip.Addr, error), hint func()) {
	last, _ := addrs()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, err := addrs()
		if err != nil || slices.Equal(now, last) {
			continue
		}
		last = now
		hint()
	}
}
