package media_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"parley/media/mediatest"
)

// wire is what a packet takes on the way. Without, it would come in the very moment
// in which it may be asked for.
const wire = 2 * time.Millisecond

// onWire gives the network that delay.
func onWire(n *mediatest.Network) {
	n.SetHook(func(_, _ netip.AddrPort, _ []byte) (bool, time.Duration) { return false, wire })
}

// lowDelay makes both ends of a call such of low delay, with packets of that
// length.
func lowDelay(packet time.Duration) func(*mediatest.Call) {
	return func(c *mediatest.Call) {
		c.PA.PacketTime, c.PB.PacketTime = packet, packet
		c.PA.LowDelay, c.PB.LowDelay = true, true
		onWire(c.Network)
	}
}

// What a call costs in time apart from its devices: the packet, the wire and the
// receive buffer, 10 ms together, and 7 or 5 ms in the converters of narrow codecs.
// The devices of the test add nothing. 2 ms are left for how a call begins.
func TestLowDelayCall(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		codec  string
		packet time.Duration
		most   time.Duration
	}{
		{"PCMA", 10 * ms, 29 * ms},
		{"PCMU", 10 * ms, 29 * ms},
		{"G722", 10 * ms, 27 * ms},
		{"PCMA", 5 * ms, 24 * ms},
		{"G722", 5 * ms, 22 * ms},
		{"PCMA", 20 * ms, 39 * ms}, // as where the far end wants no less
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.codec, " ", tt.packet), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCall(t, tt.codec, lowDelay(tt.packet))
				time.Sleep(5 * time.Second)
				there := mediatest.Clear(t, "a to b", c.A.Said[:4*rate], c.B.Device.Played())
				back := mediatest.Clear(t, "b to a", c.B.Said[:4*rate], c.A.Device.Played())
				t.Logf("%v and %v", there.Delay, back.Delay)
				if there.Delay > tt.most || back.Delay > tt.most {
					t.Errorf("delay %v, back %v, want at most %v", there.Delay, back.Delay, tt.most)
				}
				st := c.SB.Stats()
				if want := uint64(5 * time.Second / tt.packet); st.PacketsReceived < want-2 || st.PacketsReceived > want {
					t.Errorf("%d packets in 5 s, want %d", st.PacketsReceived, want)
				}
				if st.Concealed+st.Recovered != 0 || st.Late != 0 || st.BufferTarget != 5*ms {
					t.Errorf("Stats() = %+v, want nothing missed and a target of 5 ms", st)
				}
			})
		})
	}
}

// Each end does what it can, whatever the other does.
func TestLowDelayOfOneEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plain := newCall(t, "PCMA", func(c *mediatest.Call) { onWire(c.Network) })
		time.Sleep(5 * time.Second)
		was := mediatest.Clear(t, "an ordinary call", plain.A.Said[:4*rate], plain.B.Device.Played()).Delay
		c := newCall(t, "PCMA", func(c *mediatest.Call) {
			lowDelay(10 * time.Millisecond)(c)
			c.PB.PacketTime, c.PB.LowDelay = 20*time.Millisecond, false
		})
		time.Sleep(5 * time.Second)
		toLow := mediatest.Clear(t, "to the end of low delay", c.B.Said[:4*rate], c.A.Device.Played()).Delay
		toPlain := mediatest.Clear(t, "to the ordinary end", c.A.Said[:4*rate], c.B.Device.Played()).Delay
		t.Logf("%v; %v to the end of low delay, %v from it", was, toLow, toPlain)
		if toLow > was-5*time.Millisecond || toPlain > was-10*time.Millisecond {
			t.Errorf("delay %v to the end of low delay, %v from it; want 5 and 10 ms less than %v", toLow, toPlain, was)
		}
	})
}

// On hold, and after a change of the packet time, a call is what it was; and its
// timestamps go on.
func TestLowDelayHoldAndChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ms = time.Millisecond
		c := newCall(t, "PCMA", lowDelay(5*ms))
		var stamps mediatest.Log[[2]time.Duration] // of the clock and of the packet
		c.Network.SetHook(func(from, _ netip.AddrPort, p []byte) (bool, time.Duration) {
			if from == c.SA.LocalAddr() {
				stamp := time.Duration(binary.BigEndian.Uint32(p[4:])) * time.Second / 8000
				stamps.Add([2]time.Duration{time.Duration(time.Now().UnixNano()), stamp})
			}
			return false, wire
		})
		time.Sleep(3 * time.Second)
		c.SA.SetHeld(true)
		time.Sleep(1015 * ms)
		c.SA.SetHeld(false)
		time.Sleep(3 * time.Second)
		heard := func(from, to int) time.Duration {
			return mediatest.Clear(t, fmt.Sprintf("%d s to %d s", from, to), c.A.Said[from*rate:to*rate], c.B.Device.Played()).Delay -
				time.Duration(from)*time.Second
		}
		first, second := heard(0, 2), heard(5, 7)
		for i, packet := range []time.Duration{20 * ms, 10 * ms} {
			lowDelay(packet)(c)
			c.Configure(t)
			time.Sleep(2*time.Second + 15*ms*time.Duration(i)) // ends within a packet
		}
		time.Sleep(2 * time.Second)
		last := heard(11, 12)
		t.Logf("%v, after hold %v, with packets of 10 ms %v", first, second, last)
		if second > first+5*ms || last > first+10*ms {
			t.Errorf("delay %v, after hold %v, with packets of 10 ms %v; want as little again", first, second, last)
		}
		all := stamps.All()
		for i := range all {
			if off := all[i][1] - all[i][0] - (all[0][1] - all[0][0]); off < -25*ms || off > 25*ms {
				t.Fatalf("packet %d: the timestamp is %v off the clock", i, off)
			}
		}
	})
}

// Calls of low delay and ordinary ones at once, joined and not.
func TestLowDelayInAConference(t *testing.T) {
	path := filepath.Join(t.TempDir(), "conference.wav")
	synctest.Test(t, func(t *testing.T) {
		hub, parties := newHub(t, 3)
		for i, packet := range []time.Duration{5 * time.Millisecond, 10 * time.Millisecond} {
			p := &parties[i]
			far := p.Agreed(p.agreed.Codec.Name, p.near.LocalAddr())
			p.agreed.LowDelay, far.LowDelay = true, true
			p.agreed.PacketTime, far.PacketTime = packet, packet
			if err := errors.Join(p.near.Configure(p.agreed), p.far.Configure(far)); err != nil {
				t.Fatal(err)
			}
		}
		// The two loops of the hub must not wake up in the same moment for ever.
		choice := mediatest.Headset()
		choice.Input = "null"
		hub.SetDevices(choice)
		time.Sleep(2300 * time.Microsecond)
		hub.SetDevices(mediatest.Headset())
		time.Sleep(4 * turn) // side by side
		for i, p := range parties {
			mediatest.Clear(t, fmt.Sprintf("party %d hears the hub", i+1), spoken(hub.Device.Sound, 0), in(p.Device.Played(), 0))
			mediatest.Clear(t, fmt.Sprintf("the hub hears party %d", i+1), spoken(p.Device.Sound, i+1), in(hub.Device.Played(), i+1))
		}
		hub.SetConference(parties[0].near, parties[1].near, parties[2].near)
		if err := hub.StartConferenceRecording(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(4*turn + 300*time.Millisecond)
		second := func(sound []float32, i int) []float32 { return in(sound[int(4*turn.Seconds())*rate:], i) }
		for i, p := range parties {
			who := fmt.Sprintf("party %d", i+1)
			mediatest.Clear(t, who+" hears the hub", spoken(hub.Device.Sound, 0), second(p.Device.Played(), 0))
			for j, o := range parties {
				if i != j {
					mediatest.Clear(t, fmt.Sprintf("%s hears party %d", who, j+1), spoken(o.Device.Sound, j+1), second(p.Device.Played(), j+1))
				}
			}
		}
		if err := hub.StopConferenceRecording(); err != nil {
			t.Fatal(err)
		}
		both := readWAV(t, path)
		mediatest.Clear(t, "us", spoken(hub.Device.Sound, 0), both[0])
		for i, p := range parties {
			mediatest.Clear(t, fmt.Sprintf("party %d in the recording", i+1), spoken(p.Device.Sound, i+1), in(both[1], i+1))
		}
	})
}

// A recording of such a call is as long and as whole as any.
func TestLowDelayRecording(t *testing.T) {
	path := filepath.Join(t.TempDir(), "call.wav")
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "G722", lowDelay(5*time.Millisecond))
		if err := c.SA.StartRecording(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		c.SA.SetHeld(true)
		time.Sleep(995 * time.Millisecond)
		c.SA.SetHeld(false)
		time.Sleep(2 * time.Second)
		if err := c.SA.StopRecording(); err != nil {
			t.Fatal(err)
		}
		got := readWAV(t, path)
		if d := time.Duration(len(got[0])) * time.Second / rate; d < 4950*time.Millisecond || d > 5050*time.Millisecond {
			t.Errorf("the recording lasts %v, want 5s", d)
		}
		mediatest.Clear(t, "us", c.A.Said[:19*rate/10], got[0])
		mediatest.Clear(t, "us after hold", c.A.Said[31*rate/10:49*rate/10], got[0])
		mediatest.Clear(t, "them", c.B.Said[:18*rate/10], got[1])
		for i, channel := range got {
			if loud := mediatest.RMS(channel[22*rate/10 : 28*rate/10]); loud > 0.001 {
				t.Errorf("channel %d holds %v on hold, want silence", i, loud)
			}
		}
	})
}

// A network that goes bad in the middle of a call costs no more than it costs an
// ordinary one, and when it is good again the delay is what it was.
func TestLowDelayWhenTheNetworkGoesBad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ms = time.Millisecond
		bad := func(c *mediatest.Call) mediatest.Report {
			time.Sleep(3 * time.Second)
			c.Network.SetHook(func(_, _ netip.AddrPort, p []byte) (bool, time.Duration) {
				n := binary.BigEndian.Uint16(p[2:])
				return n%100 == 0, time.Duration(n*7919%40) * ms // of 40 ms, in no order
			})
			time.Sleep(5 * time.Second)
			onWire(c.Network)
			time.Sleep(25 * time.Second)
			return mediatest.Compare(c.A.Said[2*rate:9*rate], c.B.Device.Played()[:10*rate], rate)
		}
		plain := newCall(t, "PCMA", func(c *mediatest.Call) {
			c.PA.PacketTime, c.PB.PacketTime = 10*ms, 10*ms
			onWire(c.Network)
		})
		was := bad(plain)
		c := newCall(t, "PCMA", lowDelay(10*ms))
		got := bad(c)
		t.Logf("%+v, ordinary %+v", got, was)
		if got.Gaps > was.Gaps+1 || got.LongestGap > 30*ms || got.MedianCorrelation < was.MedianCorrelation-0.05 {
			t.Errorf("a bad network: %+v, want no worse than %+v", got, was)
		}
		st := c.SB.Stats()
		if st.Concealed > plain.SB.Stats().Concealed*5/4+40*ms {
			t.Errorf("concealed %v, want no more than the %v of an ordinary call", st.Concealed, plain.SB.Stats().Concealed)
		}
		if st.BufferTarget != 5*ms || st.BufferDelay > 15*ms {
			t.Errorf("BufferTarget = %v, BufferDelay = %v, want 5 ms again", st.BufferTarget, st.BufferDelay)
		}
	})
}
