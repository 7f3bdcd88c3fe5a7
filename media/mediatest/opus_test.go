package mediatest_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"parley/media"
	"parley/media/codec"
	"parley/media/codec/opus"
	"parley/media/mediatest"
)

func TestOpusThroughTheEngine(t *testing.T) {
	for _, ms := range []int{10, 20, 30, 60} {
		synctest.Test(t, func(t *testing.T) {
			c := mediatest.NewCall(t, "opus", func(c *mediatest.Call) {
				c.PA.PacketTime = time.Duration(ms) * time.Millisecond
			}, codec.PCMA(), opus.New())
			time.Sleep(5 * time.Second)
			r := mediatest.Clear(t, "a to b", c.A.Said[:4*media.SampleRate], c.B.Device.Played())
			if ms == 20 && r.Delay > 60*time.Millisecond {
				t.Errorf("delay %v, want below 60ms", r.Delay)
			}
			want := map[int]uint64{10: 500, 20: 250, 30: 250, 60: 83}[ms]
			if got := c.SA.Stats().PacketsSent; got < want-3 || got > want {
				t.Errorf("%d ms: %d packets in 5s, want %d", ms, got, want)
			}
		})
	}
}

// Opus of low delay looks 2.5 ms ahead in place of 6.5.
func TestOpusOfLowDelay(t *testing.T) {
	for _, packet := range []time.Duration{5 * time.Millisecond, 10 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			c := mediatest.NewCall(t, "opus", func(c *mediatest.Call) {
				c.PA.PacketTime, c.PA.LowDelay = packet, true
				c.PB.PacketTime, c.PB.LowDelay = packet, true
				c.Network.SetHook(func(_, _ netip.AddrPort, _ []byte) (bool, time.Duration) {
					return false, 2 * time.Millisecond
				})
			}, codec.PCMA(), opus.New())
			time.Sleep(5 * time.Second)
			r := mediatest.Clear(t, "a to b", c.A.Said[:4*media.SampleRate], c.B.Device.Played())
			t.Logf("%v: delay %v, correlation %.3f", packet, r.Delay, r.MedianCorrelation)
			// The packet, the look-ahead, and 10 ms of wire and receive buffer.
			if most := packet + 13*time.Millisecond; r.Delay > most {
				t.Errorf("packets of %v: delay %v, want at most %v", packet, r.Delay, most)
			}
			if st := c.SB.Stats(); st.Concealed+st.Recovered != 0 {
				t.Errorf("packets of %v: %+v, want nothing invented", packet, st)
			}
		})
	}
}

func TestChangeFromG711ToOpus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mediatest.NewCall(t, "PCMA", nil, codec.PCMA(), opus.New())
		time.Sleep(2 * time.Second)
		c.PA, c.PB = c.A.Agreed("opus", c.SB.LocalAddr()), c.B.Agreed("opus", c.SA.LocalAddr())
		c.Configure(t)
		time.Sleep(4 * time.Second)
		mediatest.Clear(t, "before", c.A.Said[:18*media.SampleRate/10], c.B.Device.Played())
		mediatest.Clear(t, "after", c.A.Said[23*media.SampleRate/10:5*media.SampleRate], c.B.Device.Played())
		if st := c.SA.Stats(); st.Codec != "opus" {
			t.Errorf("Codec = %q, want opus", st.Codec)
		}
	})
}
