package rtp

import (
	"crypto/rand"
	"net"
	"net/netip"
	"testing"
	"time"
)

// deaf is a socket that nothing comes from.
type deaf struct{ closed chan struct{} }

func (d deaf) ReadFrom([]byte) (int, net.Addr, error)    { <-d.closed; return 0, nil, net.ErrClosed }
func (d deaf) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), nil }
func (d deaf) Close() error                              { close(d.closed); return nil }
func (d deaf) LocalAddr() net.Addr                       { return &net.UDPAddr{} }
func (d deaf) SetDeadline(time.Time) error               { return nil }
func (d deaf) SetReadDeadline(time.Time) error           { return nil }
func (d deaf) SetWriteDeadline(time.Time) error          { return nil }

func newDeafSession(tb testing.TB, crypto *Crypto) *Session {
	s, err := New(Config{
		Conn: deaf{make(chan struct{})}, Control: deaf{make(chan struct{})}, Rand: rand.Reader,
		OnPacket: func(p *Packet) {
			if len(p.Payload) > MaxPayload {
				tb.Errorf("payload of %d bytes, bound is %d", len(p.Payload), MaxPayload)
			}
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	err = s.Configure(Params{
		Remote: netip.MustParseAddrPort("10.0.0.2:4000"), PayloadType: 8, ClockRate: 8000,
		Receive: map[uint8]int{0: 8000, 8: 8000}, Events: map[uint8]int{101: 8000}, Crypto: crypto,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func FuzzRTPReceive(f *testing.F) {
	head := []byte{0x80, 8, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4}
	f.Add(append(head[:12:12], make([]byte, 160)...), uint8(1))
	f.Add([]byte{0x80, 0xe5, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 5, 0x8a, 3, 0x20}, uint8(1))
	f.Add([]byte{0xb1, 8, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 9, 9, 9, 9, 0xbe, 0xde, 0, 1, 0x10, 1, 0, 0, 5, 2}, uint8(2))
	f.Add([]byte{0xbf, 8, 0xff, 0xff}, uint8(2))
	plain := newDeafSession(f, nil)
	secret := newDeafSession(f, &Crypto{
		Suite: "AES_CM_128_HMAC_SHA1_80", LocalKey: make([]byte, 16),
		LocalSalt: make([]byte, 14), RemoteKey: make([]byte, 16), RemoteSalt: make([]byte, 14),
	})
	f.Fuzz(func(t *testing.T, b []byte, host uint8) {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, host}), 4000)
		plain.datagram(b, from, true)
		secret.datagram(b, from, true)
		if st := plain.Stats(); st.Jitter < 0 {
			t.Errorf("Jitter = %v", st.Jitter)
		}
	})
}

func FuzzRTCP(f *testing.F) {
	f.Add([]byte{0x80, 200, 0, 6, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1})
	f.Add([]byte{0x81, 201, 0, 7, 1, 2, 3, 4, 1, 1, 1, 1, 9, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1})
	f.Add([]byte{0x81, 202, 0, 2, 1, 2, 3, 4, 1, 1, 'a', 0, 0x81, 203, 0, 1, 1, 2, 3, 4})
	f.Add([]byte{0x80, 205, 0xff, 0xff, 0, 0, 0, 0})
	s := newDeafSession(f, nil)
	from := netip.MustParseAddrPort("10.0.0.2:4001")
	f.Fuzz(func(t *testing.T, b []byte) {
		s.datagram(b, from, false)
		if st := s.Stats(); st.RTT < 0 || st.RTT > time.Minute {
			t.Errorf("RTT = %v, want 0 to a minute", st.RTT)
		}
	})
}

func BenchmarkSendAndReceive(b *testing.B) {
	crypto := &Crypto{
		Suite: "AES_CM_128_HMAC_SHA1_80", LocalKey: make([]byte, 16),
		LocalSalt: make([]byte, 14), RemoteKey: make([]byte, 16), RemoteSalt: make([]byte, 14),
	}
	for name, c := range map[string]*Crypto{"plain": nil, "secret": crypto} {
		b.Run("send "+name, func(b *testing.B) {
			s := newDeafSession(b, c)
			payload := make([]byte, 160)
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Send(payload, 160); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("receive plain", func(b *testing.B) {
		s := newDeafSession(b, nil)
		from := netip.MustParseAddrPort("10.0.0.2:4000")
		packet := append([]byte{0x80, 8, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4}, make([]byte, 160)...)
		b.ReportAllocs()
		for b.Loop() {
			packet[3]++
			if packet[3] == 0 {
				packet[2]++
			}
			s.datagram(packet, from, true)
		}
		if st := s.Stats(); st.Malformed+st.Foreign+st.Unwanted != 0 {
			b.Fatalf("refused packets: %+v", st)
		}
	})
}
