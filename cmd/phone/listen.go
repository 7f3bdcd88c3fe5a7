package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"

	"parley/internal/netwatch"
	system "parley/internal/power"
	"parley/middleware"
)

// listenAddrs turns the --sip-listen flag, or the setting of that name, into
// the address to listen on with the port asked for, 0 for any. Without either it
// returns nothing: every address of this machine, as they come and go.
func listenAddrs(text string) ([]netip.AddrPort, netip.AddrPort, error) {
	if text == "" {
		return nil, netip.AddrPort{}, nil
	}
	addr, port := text, 0
	if host, p, err := net.SplitHostPort(text); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return nil, netip.AddrPort{}, fmt.Errorf("listening address %q: %q is no port", text, p)
		}
		addr, port = host, int(n)
	}
	a, err := netip.ParseAddr(addr)
	if err != nil || a.IsUnspecified() {
		return nil, netip.AddrPort{}, fmt.Errorf("listening address %q must be an address of this machine, such as 192.0.2.7 or 127.0.0.1:5060", text)
	}
	ap := netip.AddrPortFrom(a, uint16(port))
	return []netip.AddrPort{ap}, ap, nil
}

// monitor follows the addresses and the sleep of this machine until ctx ends.
func monitor(ctx context.Context, log *slog.Logger, everywhere bool) middleware.NetworkMonitor {
	power := make(chan middleware.PowerEvent)
	told := system.Watch(ctx, log)
	go func() {
		for {
			select {
			case ev := <-told:
				out := middleware.DidWake
				if ev == system.WillSleep {
					out = middleware.WillSleep
				}
				select {
				case power <- out:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return middleware.NetworkMonitor{
		Addrs: netwatch.Addrs, Changed: netwatch.Watch(ctx, log), Follow: everywhere, Power: power,
	}
}
