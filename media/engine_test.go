package media_test

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/media"
	"parley/media/codec"
	"parley/media/codec/opus"
	"parley/media/mediatest"
)

// phone is one end of a call: an engine with a device of its own.
type phone struct {
	*media.Engine
	host   netip.Addr
	driver *mediatest.Driver
	device *mediatest.Device // microphone and speaker
	bell   *mediatest.Device
	said   []float32

	mu      sync.Mutex
	events  []media.Event
	streams []media.StreamEvent
}

const rate = media.SampleRate

// newPhone makes a phone that says speech of its own and closes it with the test.
func newPhone(t *testing.T, n *mediatest.Network, host string, seed uint64, choice media.DeviceChoice) *phone {
	t.Helper()
	p := &phone{host: netip.MustParseAddr(host), said: mediatest.Speech(seed, 20*rate, rate)}
	p.device = mediatest.NewDevice("headset", p.said)
	p.bell = mediatest.NewDevice("bell", nil)
	p.driver = mediatest.NewDriver(p.device, p.bell)
	p.Engine = media.New(media.Config{
		Hardware: p.driver, Codecs: codecs(), Network: n,
		OnEvent: func(ev media.Event) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.events = append(p.events, ev)
		},
	})
	p.Start(choice)
	t.Cleanup(func() { p.Close() })
	return p
}

func codecs() []codec.Codec { return []codec.Codec{codec.PCMA(), codec.PCMU(), codec.G722(), opus.New()} }

func (p *phone) stream(t *testing.T) *media.Stream {
	t.Helper()
	s, err := p.NewStream(media.StreamConfig{Local: p.host, Ports: [2]int{5000, 5100},
		OnEvent: func(ev media.StreamEvent) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.streams = append(p.streams, ev)
		}})
	if err != nil {
		t.Fatalf("NewStream: %v", err)
	}
	return s
}

func (p *phone) seen() []media.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.events)
}

func (p *phone) streamSeen() []media.StreamEvent {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.streams)
}

// agreed are the parameters of a call over the named codec to remote.
func agreed(name string, remote netip.AddrPort) media.Params {
	p := media.Params{
		Remote: remote, Send: true, Receive: true, PacketTime: 20 * time.Millisecond,
		Formats: map[uint8]codec.Format{}, HasEvents: true, EventPT: 101,
	}
	for _, c := range codecs() {
		f := c.Format()
		p.Formats[f.PayloadType] = f
		if f.Name == name {
			p.Codec = f
		}
	}
	p.EventRate = p.Codec.ClockRate
	p.Formats[101] = codec.Format{Name: "telephone-event", ClockRate: p.EventRate}
	return p
}

func configure(t *testing.T, s *media.Stream, p media.Params) {
	t.Helper()
	if err := s.Configure(p); err != nil {
		t.Fatalf("Configure: %v", err)
	}
}

// call is two phones that talk.
type call struct {
	network *mediatest.Network
	a, b    *phone
	sa, sb  *media.Stream
}

// newCall makes a call over the named codec; adjust may change both sides'
// parameters.
func newCall(t *testing.T, name string, adjust func(pa, pb *media.Params)) *call {
	t.Helper()
	c := &call{network: mediatest.NewNetwork()}
	headset := media.DeviceChoice{Input: "headset", Output: "headset", Alert: "bell"}
	c.a = newPhone(t, c.network, "10.0.0.1", 1, headset)
	c.b = newPhone(t, c.network, "10.0.0.2", 2, headset)
	c.sa, c.sb = c.a.stream(t), c.b.stream(t)
	pa, pb := agreed(name, c.sb.LocalAddr()), agreed(name, c.sa.LocalAddr())
	if adjust != nil {
		adjust(&pa, &pb)
	}
	configure(t, c.sa, pa)
	configure(t, c.sb, pb)
	return c
}

// clearly fails the test unless got holds ref undamaged.
func clearly(t *testing.T, what string, ref, got []float32) mediatest.Report {
	t.Helper()
	r := mediatest.Compare(ref, got, rate)
	if r.MedianCorrelation < 0.9 || r.Gaps > 0 || r.Windows < 5 {
		t.Errorf("%s: %+v, want a clear voice", what, r)
	}
	return r
}

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func TestVoiceBothWays(t *testing.T) {
	for _, c := range codecs() {
		name := c.Format().Name
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newCall(t, name, nil)
				time.Sleep(5 * time.Second)
				for _, way := range []struct {
					name     string
					from, to *phone
				}{{"a to b", c.a, c.b}, {"b to a", c.b, c.a}} {
					r := clearly(t, way.name, way.from.said[:4*rate], way.to.device.Played())
					if r.Delay > 80*time.Millisecond {
						t.Errorf("%s: delay %v, want at most 80ms", way.name, r.Delay)
					}
					t.Logf("%s: %+v", way.name, r)
				}
				st := c.sa.Stats()
				if st.PacketsSent < 245 || st.Lost != 0 || st.Concealed > 50*time.Millisecond || !st.FirstAudio || st.Codec != name {
					t.Errorf("Stats() = %+v, want 250 packets, none lost, and %s", st, name)
				}
				if got := c.a.streamSeen(); len(got) != 1 || got[0] != (media.FirstPacket{From: c.sb.LocalAddr()}) {
					t.Errorf("stream events = %v, want one FirstPacket", got)
				}
				if got := c.a.seen(); len(got) != 0 {
					t.Errorf("events = %v, want none", got)
				}
			})
		})
	}
}

func TestFirstPacketLeavesAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begin := time.Now()
		var first time.Duration
		n := mediatest.NewNetwork()
		n.SetHook(func(netip.AddrPort, netip.AddrPort, []byte) (bool, time.Duration) {
			if first == 0 {
				first = time.Since(begin)
			}
			return false, 0
		})
		a := newPhone(t, n, "10.0.0.1", 1, media.DeviceChoice{})
		time.Sleep(3 * time.Second)
		if a.driver.Opened() != 0 {
			t.Error("a device is open with no call")
		}
		begin = time.Now()
		configure(t, a.stream(t), agreed("PCMA", netip.MustParseAddrPort("10.0.0.2:5000")))
		time.Sleep(time.Second)
		if first == 0 || first > 60*time.Millisecond {
			t.Errorf("first packet after %v, want within 60ms", first)
		}
	})
}

func TestDevicesAreClosedWhenNobodyNeedsThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCall(t, "PCMA", nil)
		time.Sleep(time.Second)
		if got := c.a.driver.Open(); got != 2 {
			t.Errorf("%d devices open in a call, want microphone and speaker", got)
		}
		c.sa.Close()
		time.Sleep(time.Second)
		if got := c.a.driver.Open(); got != 0 {
			t.Errorf("%d devices open after the call, want none", got)
		}
		c.a.SetTones(media.Tones{Ring: true})
		time.Sleep(time.Second)
		if got := c.a.driver.Open(); got != 1 || mediatest.RMS(c.a.bell.Played()) == 0 {
			t.Errorf("%d devices open while ringing, want the bell alone, and sounding", got)
		}
		c.a.SetTones(media.Tones{})
		time.Sleep(time.Second)
		if got := c.a.driver.Open(); got != 0 {
			t.Errorf("%d devices open after the ring, want none", got)
		}
		if got := c.network.Open(); got != 2 {
			t.Errorf("%d sockets open, want those of b", got)
		}
		c.a.Close()
		if !c.a.driver.Closed() {
			t.Error("Close left the driver open")
		}
		if _, err := c.a.NewStream(media.StreamConfig{Local: c.a.host}); err != media.ErrClosed {
			t.Errorf("NewStream after Close = %v, want %v", err, media.ErrClosed)
		}
	})
}
