package mediatest

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"parley/media"
	"parley/media/codec"
)

// Phone is one end of a call in memory: an engine with a headset and a bell of
// its own. Make it inside a testing/synctest bubble.
type Phone struct {
	*media.Engine

	Host   netip.Addr
	Driver *Driver
	Device *Device   // "headset": microphone and speaker
	Bell   *Device   // "bell"
	Said   []float32 // what the microphone hears, over and over

	codecs []codec.Codec

	mu           sync.Mutex
	events       []media.Event
	streamEvents []media.StreamEvent
}

// Headset chooses the devices of a [Phone] by their names.
func Headset() media.DeviceChoice {
	return media.DeviceChoice{Input: "headset", Output: "headset", Alert: "bell"}
}

// NewPhone makes a phone at host that says 12 s of [Speech] of the given seed,
// and closes it with the test.
func NewPhone(t testing.TB, n *Network, host string, seed uint64, codecs ...codec.Codec) *Phone {
	t.Helper()
	p := &Phone{
		Host: netip.MustParseAddr(host), codecs: codecs,
		Said: Speech(seed, 12*media.SampleRate, media.SampleRate),
		Bell: NewDevice("bell", nil),
	}
	p.Device = NewDevice("headset", p.Said)
	p.Driver = NewDriver(p.Device, p.Bell)
	p.Engine = media.New(media.Config{
		Hardware: p.Driver, Codecs: codecs, Network: n,
		OnEvent: func(ev media.Event) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.events = append(p.events, ev)
		},
	})
	p.Start(Headset())
	t.Cleanup(func() { p.Close() })
	return p
}

// Events returns what the engine has told so far.
func (p *Phone) Events() []media.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.events)
}

// StreamEvents returns what the phone's streams have told so far.
func (p *Phone) StreamEvents() []media.StreamEvent {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.streamEvents)
}

// Stream opens a stream on a low port.
func (p *Phone) Stream(t testing.TB) *media.Stream {
	t.Helper()
	s, err := p.NewStream(media.StreamConfig{
		Local: p.Host, Ports: [2]int{5000, 5100},
		OnEvent: func(ev media.StreamEvent) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.streamEvents = append(p.streamEvents, ev)
		},
	})
	if err != nil {
		t.Fatalf("NewStream: %v", err)
	}
	return s
}

// Agreed returns the parameters of a call with remote over the named codec: both
// ways, 20 ms, all of the phone's codecs and telephone-event accepted.
func (p *Phone) Agreed(name string, remote netip.AddrPort) media.Params {
	const eventPT = 101
	a := media.Params{
		Remote: remote, Send: true, Receive: true, PacketTime: 20 * time.Millisecond,
		Formats: map[uint8]codec.Format{}, HasEvents: true, EventPT: eventPT,
	}
	for _, c := range p.codecs {
		f := c.Format()
		a.Formats[f.PayloadType] = f
		if f.Name == name {
			a.Codec = f
		}
	}
	a.EventRate = a.Codec.ClockRate
	a.Formats[eventPT] = codec.Format{Name: "telephone-event", ClockRate: a.EventRate}
	return a
}

// Call is two phones that talk.
type Call struct {
	Network *Network
	A, B    *Phone
	SA, SB  *media.Stream
	PA, PB  media.Params // what each side was configured with
}

// NewCall makes a call over the named codec. adjust, if not nil, may change both
// sides' parameters before they take effect.
func NewCall(t testing.TB, name string, adjust func(c *Call), codecs ...codec.Codec) *Call {
	t.Helper()
	c := &Call{Network: NewNetwork()}
	c.A = NewPhone(t, c.Network, "10.0.0.1", 1, codecs...)
	c.B = NewPhone(t, c.Network, "10.0.0.2", 2, codecs...)
	c.SA, c.SB = c.A.Stream(t), c.B.Stream(t)
	c.PA, c.PB = c.A.Agreed(name, c.SB.LocalAddr()), c.B.Agreed(name, c.SA.LocalAddr())
	if adjust != nil {
		adjust(c)
	}
	c.Configure(t)
	return c
}

// Configure applies PA and PB.
func (c *Call) Configure(t testing.TB) {
	t.Helper()
	if err := c.SA.Configure(c.PA); err != nil {
		t.Fatalf("Configure: %v", err)
	}
	if err := c.SB.Configure(c.PB); err != nil {
		t.Fatalf("Configure: %v", err)
	}
}

// Clear fails the test unless got holds ref clearly and without a gap.
func Clear(t testing.TB, what string, ref, got []float32) Report {
	t.Helper()
	r := Compare(ref, got, media.SampleRate)
	if r.MedianCorrelation < 0.9 || r.Gaps > 0 || r.Windows < 5 {
		t.Errorf("%s: %+v, want a clear voice", what, r)
	}
	return r
}
