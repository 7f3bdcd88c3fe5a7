package rtp_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"parley/media/mediatest"
	"parley/media/rtp"
)

// keepTalking sends voice until the returned function is called.
func keepTalking(e *end) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(packetTime)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				e.Send(make([]byte, 160), 160)
			}
		}
	}()
	return func() { cancel(); <-done }
}

func TestSendDigitOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a, b := pair(t, n)
		type wire struct {
			pt       uint8
			marker   bool
			ts       uint32
			end      bool
			duration uint16
		}
		var log mediatest.Log[wire]
		n.SetHook(func(from, to netip.AddrPort, p []byte) (bool, time.Duration) {
			if from == a.at && p[1]&0x7f < 72 || p[1]&0x7f == 101 {
				w := wire{pt: p[1] & 0x7f, marker: p[1]&0x80 != 0, ts: binary.BigEndian.Uint32(p[4:])}
				if w.pt == 101 {
					w.end, w.duration = p[13]&0x80 != 0, binary.BigEndian.Uint16(p[14:])
				}
				log.Add(w)
			}
			return false, 0
		})
		stop := keepTalking(a)
		time.Sleep(90 * time.Millisecond)
		if err := a.SendDigit(t.Context(), '5', 100*time.Millisecond); err != nil {
			t.Fatalf("SendDigit: %v", err)
		}
		time.Sleep(90 * time.Millisecond)
		stop()
		seen := log.All()
		first := slices.IndexFunc(seen, func(w wire) bool { return w.pt == 101 })
		var want []wire
		start := seen[first].ts
		for i := range 5 {
			want = append(want, wire{101, i == 0, start, i == 4, uint16(160 * (i + 1))})
		}
		want = append(want, want[4], want[4])
		if got := seen[first : first+7]; !slices.Equal(got, want) {
			t.Errorf("digit on the wire = %v, want %v", got, want)
		}
		voice := seen[first+7:]
		if len(voice) == 0 || voice[0].pt != 8 || voice[0].ts != start+7*160 || !voice[0].marker {
			t.Errorf("voice after the digit = %v, want it with a marker at %d", voice, start+7*160)
		}
		if got, want := b.heard(), []string{"5 100ms"}; !slices.Equal(got, want) {
			t.Errorf("the far end heard %v, want %v", got, want)
		}
	})
}

func TestDigitsInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a, b := pair(t, n)
		pa, pb := params(b.at), params(a.at)
		pa.ClockRate, pa.EventRate, pa.PayloadType = 48000, 48000, 96
		pb.Receive, pb.Events = map[uint8]int{96: 48000}, map[uint8]int{101: 48000}
		configure(t, a, pa)
		configure(t, b, pb)
		go func() {
			for range 200 {
				a.Send(make([]byte, 60), 960)
				time.Sleep(packetTime)
			}
		}()
		for _, d := range "19*#D" {
			if err := a.SendDigit(t.Context(), d, 60*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{"1 60ms", "9 60ms", "* 60ms", "# 60ms", "D 60ms"}
		if got := b.heard(); !slices.Equal(got, want) {
			t.Errorf("the far end heard %v, want %v", got, want)
		}
		time.Sleep(5 * time.Second)
	})
}

func TestSendDigitRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a, b := pair(t, n)
		tests := []struct {
			digit rune
			held  time.Duration
		}{{'E', 100 * time.Millisecond}, {'1', time.Millisecond}, {'1', time.Minute}}
		for _, tt := range tests {
			if err := a.SendDigit(t.Context(), tt.digit, tt.held); !errors.Is(err, rtp.ErrDigit) {
				t.Errorf("SendDigit(%q, %v) = %v, want %v", tt.digit, tt.held, err, rtp.ErrDigit)
			}
		}
		p := params(b.at)
		p.HasEvents = false
		configure(t, a, p)
		if err := a.SendDigit(t.Context(), '1', time.Second); !errors.Is(err, rtp.ErrNoTelephoneEvent) {
			t.Errorf("SendDigit = %v, want %v", err, rtp.ErrNoTelephoneEvent)
		}
	})
}

func TestCanceledDigitIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t, mediatest.NewNetwork())
		stop := keepTalking(a)
		ctx, cancel := context.WithTimeout(t.Context(), 110*time.Millisecond)
		defer cancel()
		if err := a.SendDigit(ctx, '7', 5*time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("SendDigit = %v, want %v", err, context.DeadlineExceeded)
		}
		if err := a.SendDigit(t.Context(), '8', 100*time.Millisecond); err != nil {
			t.Errorf("the next digit: %v", err)
		}
		stop()
		if got, want := b.heard(), []string{"7 120ms", "8 100ms"}; !slices.Equal(got, want) {
			t.Errorf("the far end heard %v, want %v", got, want)
		}
	})
}

func TestDigitWithLostPackets(t *testing.T) {
	tests := []struct {
		name string
		drop func(event int) bool // the nth event packet of a digit of 100 ms
		want []string
	}{
		{"its begin", func(n int) bool { return n < 4 }, []string{"5 100ms"}},
		{"two of the ends", func(n int) bool { return n == 4 || n == 5 }, []string{"5 100ms"}},
		{"all the ends", func(n int) bool { return n >= 4 }, []string{"5 80ms"}},
		{"all", func(n int) bool { return true }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := mediatest.NewNetwork()
				a, b := pair(t, n)
				events := 0
				n.SetHook(func(_, _ netip.AddrPort, p []byte) (bool, time.Duration) {
					if p[1]&0x7f != 101 {
						return false, 0
					}
					events++
					return tt.drop(events - 1), 0
				})
				stop := keepTalking(a)
				a.SendDigit(t.Context(), '5', 100*time.Millisecond)
				time.Sleep(time.Second)
				stop()
				if got := b.heard(); !slices.Equal(got, tt.want) {
					t.Errorf("heard %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestReceiveEvents(t *testing.T) {
	type ev struct {
		ts       uint32
		marker   bool
		code     byte
		end      bool
		duration uint16
	}
	tests := []struct {
		name string
		in   []ev
		want []string
	}{
		{"three ends are one digit", []ev{{100, true, 1, false, 160}, {100, false, 1, true, 800}, {100, false, 1, true, 800}, {100, false, 1, true, 800}}, []string{"1 100ms"}},
		{"a digit after one without an end", []ev{{100, true, 1, false, 400}, {2000, true, 2, true, 400}}, []string{"1 50ms", "2 50ms"}},
		{"the same digit twice", []ev{{100, true, 3, true, 400}, {2000, true, 3, true, 400}}, []string{"3 50ms", "3 50ms"}},
		{"a late packet of the one before", []ev{{100, true, 1, true, 400}, {2000, true, 2, true, 400}, {100, false, 1, true, 400}}, []string{"1 50ms", "2 50ms"}},
		{"late packets of the same", []ev{{100, true, 1, false, 400}, {100, false, 1, false, 160}, {100, false, 1, true, 480}}, []string{"1 60ms"}},
		{"two segments", []ev{{100, true, 1, false, 0xffff}, {100 + 0xffff, false, 1, true, 8000}}, []string{"1 9.191875s"}},
		{"a flash", []ev{{100, true, 16, true, 400}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := mediatest.NewNetwork()
				a := newEnd(t, n, "10.0.0.1:4000")
				peer, err := n.Listen(addr("10.0.0.2:4000"))
				if err != nil {
					t.Fatal(err)
				}
				defer peer.Close()
				configure(t, a, params(peer.AddrPort()))
				for i, e := range tt.in {
					flags := byte(10)
					if e.end {
						flags |= 0x80
					}
					p := raw(101, uint16(i), e.ts, 7, []byte{e.code, flags, byte(e.duration >> 8), byte(e.duration)})
					if e.marker {
						p[1] |= 0x80
					}
					peer.WriteTo(p, net.UDPAddrFromAddrPort(a.at))
				}
				time.Sleep(time.Second)
				synctest.Wait()
				if got := a.heard(); !slices.Equal(got, tt.want) {
					t.Errorf("heard %v, want %v", got, tt.want)
				}
				for _, p := range a.take() {
					if !p.Event {
						t.Errorf("packet %d is handed over as voice", p.Sequence)
					}
				}
			})
		})
	}
}
