package media_test

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"parley/media"
	"parley/media/codec"
	"parley/media/mediatest"
)

const rate = media.SampleRate

func codecs() []codec.Codec { return []codec.Codec{codec.PCMA(), codec.PCMU(), codec.G722()} }

func newCall(t *testing.T, name string, adjust func(*mediatest.Call)) *mediatest.Call {
	t.Helper()
	return mediatest.NewCall(t, name, adjust, codecs()...)
}

func TestVoiceBothWays(t *testing.T) {
	for _, c := range codecs() {
		name := c.Format().Name
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCall(t, name, nil)
				time.Sleep(5 * time.Second)
				for _, way := range []struct {
					name     string
					from, to *mediatest.Phone
				}{{"a to b", c.A, c.B}, {"b to a", c.B, c.A}} {
					r := mediatest.Clear(t, way.name, way.from.Said[:4*rate], way.to.Device.Played())
					if r.Delay > 60*time.Millisecond {
						t.Errorf("%s: delay %v, want at most 60ms", way.name, r.Delay)
					}
				}
				st := c.SA.Stats()
				if st.PacketsSent < 245 || st.Lost != 0 || st.Concealed > 50*time.Millisecond || !st.FirstAudio || st.Codec != name {
					t.Errorf("Stats() = %+v, want 250 packets, none lost, and %s", st, name)
				}
				if got := c.A.StreamEvents(); len(got) != 1 || got[0] != (media.FirstPacket{From: c.SB.LocalAddr()}) {
					t.Errorf("stream events = %v, want one FirstPacket", got)
				}
				if got := c.A.Events(); len(got) != 0 {
					t.Errorf("events = %v, want none", got)
				}
			})
		})
	}
}

func TestPacketTimes(t *testing.T) {
	for _, ms := range []int{10, 20, 30, 40, 60, 45, 200} {
		synctest.Test(t, func(t *testing.T) {
			c := newCall(t, "G722", func(c *mediatest.Call) {
				c.PA.PacketTime = time.Duration(ms) * time.Millisecond
			})
			time.Sleep(5 * time.Second)
			want := 5000 / min(ms/10*10, 60)
			if got := int(c.SA.Stats().PacketsSent); got < want-5 || got > want {
				t.Errorf("%d ms: %d packets in 5s, want %d", ms, got, want)
			}
			mediatest.Clear(t, "voice", c.A.Said[:4*rate], c.B.Device.Played())
		})
	}
}

func TestFirstPacketLeavesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent mediatest.Log[time.Time]
		n := mediatest.NewNetwork()
		n.SetHook(func(netip.AddrPort, netip.AddrPort, []byte) (bool, time.Duration) {
			sent.Add(time.Now())
			return false, 0
		})
		a := mediatest.NewPhone(t, n, "10.0.0.1", 1, codecs()...)
		time.Sleep(3 * time.Second)
		if a.Driver.Opened() != 0 {
			t.Error("a device is open with no call")
		}
		begin := time.Now()
		if err := a.Stream(t).Configure(a.Agreed("PCMA", netip.MustParseAddrPort("10.0.0.2:5000"))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if all := sent.All(); len(all) == 0 || all[0].Sub(begin) > 60*time.Millisecond {
			t.Errorf("packets sent at %v, want the first within 60ms of %v", all, begin)
		}
	})
}

func TestDevicesAreClosedWhenNobodyNeedsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "PCMA", nil)
		time.Sleep(time.Second)
		if got := c.A.Driver.Open(); got != 2 {
			t.Errorf("%d devices open in a call, want microphone and speaker", got)
		}
		c.SA.Close()
		time.Sleep(time.Second)
		if got := c.A.Driver.Open(); got != 0 {
			t.Errorf("%d devices open after the call, want none", got)
		}
		c.A.SetTones(media.Tones{Ring: true})
		time.Sleep(time.Second)
		if got := c.A.Driver.Open(); got != 1 || mediatest.RMS(c.A.Bell.Played()) == 0 {
			t.Errorf("%d devices open while ringing, want the bell alone, and sounding", got)
		}
		c.A.SetTones(media.Tones{})
		time.Sleep(time.Second)
		if got := c.A.Driver.Open(); got != 0 {
			t.Errorf("%d devices open after the ring, want none", got)
		}
		if got := c.Network.Open(); got != 2 {
			t.Errorf("%d sockets open, want those of b", got)
		}
		c.A.Close()
		if !c.A.Driver.Closed() {
			t.Error("Close left the driver open")
		}
		if _, err := c.A.NewStream(media.StreamConfig{Local: c.A.Host}); err != media.ErrClosed {
			t.Errorf("NewStream after Close = %v, want %v", err, media.ErrClosed)
		}
	})
}

func TestMuteSendsSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "PCMU", nil)
		time.Sleep(2 * time.Second)
		c.A.SetMuted(true)
		time.Sleep(500 * time.Millisecond)
		sent, heard := c.SA.Stats().PacketsSent, len(c.B.Device.Played())
		time.Sleep(2 * time.Second)
		if got := c.SA.Stats().PacketsSent - sent; got < 99 || got > 101 {
			t.Errorf("%d packets sent in 2s of mute, want 100", got)
		}
		if got := mediatest.RMS(c.B.Device.Played()[heard:]); got > 0.001 {
			t.Errorf("the far end hears %v of a muted microphone, want silence", got)
		}
		if in, _ := c.A.Levels(); in > 0.01 {
			t.Errorf("input level %v while muted, want none", in)
		}
		c.A.SetMuted(false)
		time.Sleep(time.Second)
		heard = len(c.B.Device.Played())
		time.Sleep(time.Second)
		if got := mediatest.RMS(c.B.Device.Played()[heard:]); got < 0.05 || c.A.Muted() {
			t.Errorf("after mute the far end hears %v, want the voice", got)
		}
		if in, out := c.A.Levels(); in < 0.05 || out < 0.05 {
			t.Errorf("Levels() = %v, %v, want both voices", in, out)
		}
	})
}

func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "PCMA", nil)
		var log mediatest.Log[uint32]
		c.Network.SetHook(func(from, to netip.AddrPort, p []byte) (bool, time.Duration) {
			if from == c.SA.LocalAddr() && p[1]&0x7f == 8 {
				log.Add(binary.BigEndian.Uint32(p[4:]))
			}
			return false, 0
		})
		time.Sleep(2 * time.Second)
		c.SA.SetHeld(true)
		time.Sleep(200 * time.Millisecond)
		heldAt, sent := len(log.All()), c.SA.Stats().PacketsSent
		playedA, playedB := len(c.A.Device.Played()), len(c.B.Device.Played())
		time.Sleep(2 * time.Second)
		if got := c.SA.Stats().PacketsSent; got != sent {
			t.Errorf("%d packets sent on hold", got-sent)
		}
		if a, b := mediatest.RMS(c.A.Device.Played()[playedA:]), mediatest.RMS(c.B.Device.Played()[playedB:]); a > 0 || b > 0.001 {
			t.Errorf("on hold a hears %v and b %v, want silence", a, b)
		}
		c.SA.SetHeld(false)
		time.Sleep(time.Second)
		from := len(c.B.Device.Played())
		at := len(log.All())
		time.Sleep(2 * time.Second)
		stamps := log.All()
		if got := mediatest.RMS(c.B.Device.Played()[from:]); got < 0.05 {
			t.Errorf("after hold b hears %v, want the voice", got)
		}
		if len(stamps) <= at || at <= heldAt {
			t.Fatalf("%d packets after hold", len(stamps)-heldAt)
		}
		// 8000 units a second, over the hold too.
		if got := stamps[len(stamps)-1] - stamps[0]; got < 7*8000 || got > 7*8000+2400 {
			t.Errorf("timestamps moved by %d in 7.2s, want 57600", got)
		}
	})
}

func TestOneWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "PCMA", func(c *mediatest.Call) { c.PA.Receive, c.PB.Send = false, false })
		time.Sleep(3 * time.Second)
		mediatest.Clear(t, "a to b", c.A.Said[:2*rate], c.B.Device.Played())
		if got := c.SB.Stats().PacketsSent; got != 0 {
			t.Errorf("b sent %d packets, want none", got)
		}
		if got := mediatest.RMS(c.A.Device.Played()); got != 0 {
			t.Errorf("a hears %v, want silence", got)
		}
	})
}
