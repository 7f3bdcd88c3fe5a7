package media_test

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/media"
	"parley/media/mediatest"
)

// slowDriver is a driver whose microphones need a while before they begin.
type slowDriver struct {
	*mediatest.Driver
	after time.Duration
}

func (d slowDriver) OpenCapture(id string) (media.Capture, error) {
	return &slowCapture{open: func() (media.Capture, error) {
		<-time.After(d.after)
		return d.Driver.OpenCapture(id)
	}}, nil
}

type slowCapture struct {
	open func() (media.Capture, error)
	c    atomic.Pointer[media.Capture]
}

func (c *slowCapture) Read(frame []float32) error {
	if c.c.Load() == nil {
		opened, err := c.open()
		if err != nil {
			return err
		}
		c.c.Store(&opened)
	}
	return (*c.c.Load()).Read(frame)
}

func (c *slowCapture) Latency() time.Duration { return 0 }

func (c *slowCapture) Close() error {
	if opened := c.c.Load(); opened != nil {
		return (*opened).Close()
	}
	return nil
}

// The far end gets packets from the beginning, though the microphone needs two
// seconds to begin, and the voice once it has.
func TestSilenceUntilTheMicrophoneBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		far := mediatest.NewPhone(t, n, "10.0.0.2", 2, codecs()...)
		said := mediatest.Speech(1, 12*rate, rate)
		near := media.New(media.Config{
			Hardware: slowDriver{mediatest.NewDriver(mediatest.NewDevice("headset", said)), 2 * time.Second},
			Codecs:   codecs(), Network: n,
		})
		defer near.Close()
		near.Start(mediatest.Headset())
		s, err := near.NewStream(media.StreamConfig{Local: netip.MustParseAddr("10.0.0.1")})
		if err != nil {
			t.Fatal(err)
		}
		type packet struct {
			at time.Duration
			ts uint32
		}
		var log mediatest.Log[packet]
		began := time.Now()
		n.SetHook(func(from, _ netip.AddrPort, b []byte) (bool, time.Duration) {
			if from == s.LocalAddr() {
				log.Add(packet{time.Since(began), binary.BigEndian.Uint32(b[4:])})
			}
			return false, 0
		})
		other := far.Stream(t)
		if err := s.Configure(far.Agreed("PCMA", other.LocalAddr())); err != nil {
			t.Fatal(err)
		}
		if err := other.Configure(far.Agreed("PCMA", s.LocalAddr())); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Second)
		all := log.All()
		if len(all) < 290 || all[0].at > 100*time.Millisecond {
			t.Fatalf("%d packets, the first after %v; want 6 s of them from the beginning", len(all), all[0].at)
		}
		for i, p := range all {
			if ahead := time.Duration(p.ts-all[0].ts)*time.Second/8000 - (p.at - all[0].at); ahead > 20*time.Millisecond || ahead < -20*time.Millisecond {
				t.Fatalf("packet %d after %v: its timestamp is %v ahead of time", i, p.at, ahead)
			}
		}
		r := mediatest.Compare(said[:3*rate], far.Device.Played(), rate)
		if r.MedianCorrelation < 0.9 || r.Gaps > 0 {
			t.Errorf("the voice after the silence: %+v", r)
		}
	})
}

func TestAudioStopsAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "PCMA", nil)
		told := func() (got []media.StreamEvent) {
			return slices.DeleteFunc(c.A.StreamEvents(), func(ev media.StreamEvent) bool {
				_, first := ev.(media.FirstPacket)
				return first
			})
		}
		want := func(what string, events ...media.StreamEvent) {
			t.Helper()
			if got := told(); !slices.Equal(got, events) {
				t.Errorf("%s: told %v, want %v", what, got, events)
			}
		}
		lose := func(_, to netip.AddrPort, _ []byte) (bool, time.Duration) { return to == c.SA.LocalAddr(), 0 }
		time.Sleep(10 * time.Second)
		want("a call")
		c.Network.SetHook(lose)
		time.Sleep(4900 * time.Millisecond)
		want("almost 5 s of nothing")
		time.Sleep(200 * time.Millisecond)
		want("5 s of nothing", media.AudioStopped{})
		time.Sleep(20 * time.Second)
		c.Network.SetHook(nil)
		time.Sleep(100 * time.Millisecond)
		want("again", media.AudioStopped{}, media.AudioResumed{})
		c.Network.SetHook(lose)
		c.SA.SetHeld(true)
		time.Sleep(20 * time.Second)
		want("on hold", media.AudioStopped{}, media.AudioResumed{})
		c.SA.SetHeld(false)
		time.Sleep(6 * time.Second)
		want("after it", media.AudioStopped{}, media.AudioResumed{}, media.AudioStopped{})
		c.SA.SetHeld(true)
		c.Network.SetHook(nil)
		c.SA.SetHeld(false)
		time.Sleep(time.Second)
		want("in the end", media.AudioStopped{}, media.AudioResumed{}, media.AudioStopped{}, media.AudioResumed{})
	})
}

// On hold nothing is said, but the way through address translators is kept open
// both ways, and nobody takes that for voice or misses packets.
func TestKeepAliveOnHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "PCMA", func(c *mediatest.Call) { secure(c, "AES_CM_128_HMAC_SHA1_80", 10) })
		time.Sleep(2 * time.Second)
		c.SA.SetHeld(true)
		c.PA.Send, c.PA.Receive, c.PB.Send, c.PB.Receive = false, false, false, false
		c.Configure(t)
		var log mediatest.Log[time.Time]
		c.Network.SetHook(func(from, to netip.AddrPort, b []byte) (bool, time.Duration) {
			if from == c.SA.LocalAddr() && to == c.SB.LocalAddr() {
				log.Add(time.Now())
			}
			return false, 0
		})
		time.Sleep(2 * time.Minute)
		kept := log.All()
		if len(kept) < 4 || len(kept) > 8 {
			t.Errorf("%d packets in two minutes, want one every 15 to 23 s", len(kept))
		}
		for i := 1; i < len(kept); i++ {
			if d := kept[i].Sub(kept[i-1]); d < 15*time.Second || d > 23*time.Second {
				t.Errorf("%v between two packets, want 15 to 23 s", d)
			}
		}
		c.Network.SetHook(nil)
		c.SA.SetHeld(false)
		c.PA.Send, c.PA.Receive, c.PB.Send, c.PB.Receive = true, true, true, true
		c.Configure(t)
		time.Sleep(3 * time.Second)
		if st := c.SB.Stats(); st.Lost > 0 || st.Refused > 0 {
			t.Errorf("Stats = %+v, want nothing lost nor refused", st)
		}
	})
}
