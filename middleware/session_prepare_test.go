package middleware_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/media/mediatest"
	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/sdp"
	"parley/storage"
)

// The same INVITE goes to every route that is kept.
func TestKeysGoOverTLSOnly(t *testing.T) {
	const off, prefer, require = sdp.SecurityOff, sdp.SecurityPrefer, sdp.SecurityRequire
	tests := []struct {
		wish       sdp.Security
		inClear    bool
		transports string
		kept       string
		want       sdp.Security
	}{
		{prefer, false, "tls", "tls", prefer},
		{prefer, false, "tls udp", "tls", prefer},
		{prefer, false, "udp tls", "udp tls", off},
		{prefer, false, "udp", "udp", off},
		{prefer, true, "tls udp", "tls udp", prefer},
		{require, false, "udp tls", "tls", require},
		{require, false, "udp", "", off},
		{require, true, "udp", "udp", require},
		{off, false, "tls udp", "tls udp", off},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%v %v %s", tt.wish, tt.inClear, tt.transports), func(t *testing.T) {
			kept, got := middleware.Keys(tt.wish, tt.inClear, strings.Fields(tt.transports)...)
			if strings.Join(kept, " ") != tt.kept || got != tt.want {
				t.Errorf("Keys = %v, %v, want %s, %v", kept, got, tt.kept, tt.want)
			}
		})
	}
}

// An account that demands encryption and forbids keys in clear has no call over
// UDP, and its keys are not seen there.
func TestNoCallWithoutASafeWayForKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		p := middlewaretest.NewPhone(t, n, "192.0.2.1", func(_ *middleware.Config, s *storage.Settings) {
			a := storage.NewAccount("alice@192.0.2.9")
			a.Registration = false
			a.SRTP, a.SRTPInClear, a.Transport = storage.SRTPRequire, false, "udp"
			s.Accounts = append(s.Accounts, a)
		})
		soon()
		_, err := p.App.SessionManager().Dial(middleware.DialRequest{Target: "sip:x@192.0.2.2", Account: "alice@192.0.2.9"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](p)
		if fail.Failure.Kind != middleware.NeedsEncryption {
			t.Errorf("failure = %v, want needs-encryption", fail.Failure.Kind)
		}
		for _, packet := range n.SIP.Packets() {
			if strings.Contains(string(packet.Data), "a=crypto") {
				t.Errorf("keys were sent in clear:\n%s", packet.Data)
			}
		}
		p.Stop()
	})
}

// A slowNetwork takes its time to open a socket.
type slowNetwork struct{ *mediatest.Network }

func (n slowNetwork) ListenPacket(addr netip.AddrPort) (net.PacketConn, error) {
	<-time.After(100 * time.Millisecond)
	return n.Network.ListenPacket(addr)
}

func TestGivenUpWhileSocketsAreOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1", func(c *middleware.Config, _ *storage.Settings) {
			c.Media.Network = slowNetwork{n.Media}
		})
		s := alice.Dial("sip:x@192.0.2.2:5060")
		time.Sleep(50 * time.Millisecond)
		s.End()
		<-s.Done()
		if got := s.Snapshot().State(); got != session.Terminated {
			t.Errorf("state = %v, want Terminated", got)
		}
		if open := n.Media.Open(); open != 0 {
			t.Errorf("%d media sockets are open after the end of the only call, want none", open)
		}
		alice.Stop()
	})
}
