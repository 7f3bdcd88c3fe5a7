package media_test

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"parley/media"
	"parley/media/mediatest"
	"parley/media/rtp"
)

// The call moves from one address of a's machine to another. b is told, as a
// re-INVITE would, a moment later.
func TestRebindInTheMiddleOfACall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "call.wav")
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "G722", func(c *mediatest.Call) { secure(c, "AEAD_AES_128_GCM", 10) })
		moved := netip.MustParseAddr("10.0.7.7")
		type packet struct {
			from         netip.AddrPort
			ssrc, ts, nr uint32
		}
		var log mediatest.Log[packet]
		c.Network.SetHook(func(from, to netip.AddrPort, p []byte) (bool, time.Duration) {
			if to == c.SB.LocalAddr() && from.Port()%2 == 0 {
				log.Add(packet{
					from, binary.BigEndian.Uint32(p[8:]), binary.BigEndian.Uint32(p[4:]),
					uint32(binary.BigEndian.Uint16(p[2:])),
				})
			}
			return false, 0
		})
		if err := c.SA.StartRecording(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		before, old := c.SA.Stats(), c.SA.LocalAddr()
		if err := c.SA.Rebind(moved, [2]int{6000, 6010}); err != nil {
			t.Fatal(err)
		}
		now := c.SA.LocalAddr()
		if now.Addr() != moved || now.Port() < 6000 || now.Port() > 6010 || now.Port()%2 != 0 ||
			c.SA.RTCPAddr() != netip.AddrPortFrom(moved, now.Port()+1) {
			t.Errorf("LocalAddr = %v, RTCPAddr = %v, want a pair of 6000 to 6010 at %v", now, c.SA.RTCPAddr(), moved)
		}
		if got := c.Network.Open(); got != 4 {
			t.Errorf("%d sockets are open, want 4: the old ones are closed", got)
		}
		c.PB.Remote = now
		c.Configure(t)
		time.Sleep(3 * time.Second)
		mediatest.Clear(t, "a to b", c.A.Said[:4*rate], c.B.Device.Played())
		mediatest.Clear(t, "b to a", c.B.Said[:4*rate], c.A.Device.Played())
		if st := c.SA.Stats(); st.PacketsReceived < before.PacketsReceived+140 || st.Lost > 1 || !st.Recording || st.Refused > 0 {
			t.Errorf("Stats = %+v, want what was before and 3 s more, at most the packet on its way lost: %+v", st, before)
		}
		checkLine(t, slices.DeleteFunc(log.All(), func(p packet) bool { return p.from != old && p.from != now }),
			func(p packet) [3]uint32 { return [3]uint32{p.ssrc, p.ts, p.nr} })
		if last := log.All()[len(log.All())-1]; last.from != now {
			t.Errorf("the last packet came from %v, want %v", last.from, now)
		}
		if err := c.SA.StopRecording(); err != nil {
			t.Fatal(err)
		}
		both := readWAV(t, path)
		mediatest.Clear(t, "them in the recording", c.B.Said[rate/2:4*rate], both[1])
		mediatest.Clear(t, "us in the recording", c.A.Said[rate/2:4*rate], both[0])
	})
}

// checkLine fails unless the packets are of one SSRC and follow each other 20 ms
// apart. of returns SSRC, timestamp and number.
func checkLine[P any](t *testing.T, all []P, of func(P) [3]uint32) {
	t.Helper()
	if len(all) < 200 {
		t.Fatalf("%d packets, want 5 s of them", len(all))
	}
	for i := 1; i < len(all); i++ {
		a, b := of(all[i-1]), of(all[i])
		if a[0] != b[0] || b[1]-a[1] != 160 || uint16(b[2]-a[2]) != 1 {
			t.Fatalf("packet %d: SSRC, timestamp and number %v after %v", i, b, a)
		}
	}
}

func TestRebindThatFailsChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "PCMA", nil)
		taken, err := c.Network.Listen(netip.MustParseAddrPort("10.0.7.7:6001"))
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		old := c.SA.LocalAddr()
		if err := c.SA.Rebind(netip.MustParseAddr("10.0.7.7"), [2]int{6000, 6001}); !errors.Is(err, rtp.ErrNoPort) {
			t.Errorf("Rebind = %v, want %v", err, rtp.ErrNoPort)
		}
		if got := c.SA.LocalAddr(); got != old {
			t.Errorf("LocalAddr = %v, want still %v", got, old)
		}
		time.Sleep(3 * time.Second)
		mediatest.Clear(t, "b to a", c.B.Said[:2*rate], c.A.Device.Played())
		c.SA.Close()
		open := c.Network.Open()
		if err := c.SA.Rebind(c.A.Host, [2]int{6000, 6100}); !errors.Is(err, media.ErrClosed) {
			t.Errorf("Rebind after Close = %v, want %v", err, media.ErrClosed)
		}
		if got := c.Network.Open(); got != open {
			t.Errorf("%d sockets are open, want %d", got, open)
		}
	})
}

// Calls end at any moment, also in the middle of moving.
func TestRebindAndCloseAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		phone := mediatest.NewPhone(t, n, "10.0.0.1", 1, codecs()...)
		for range 100 {
			s := phone.Stream(t)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range 5 {
					if s.Rebind(phone.Host, [2]int{6000, 6100}) != nil {
						return
					}
				}
			}()
			s.Close()
			<-done
			if got := n.Open(); got != 0 {
				t.Fatalf("%d sockets are open after Close", got)
			}
		}
	})
}
