package middleware_test

import (
	"net/netip"
	"time"
)

// dropAll loses every packet.
func dropAll(_, _ netip.AddrPort, _ []byte) (drop bool, delay time.Duration) { return true, 0 }
