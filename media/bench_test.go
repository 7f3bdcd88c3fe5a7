package media

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"testing"
	"time"

	"parley/media/codec"
	"parley/media/rtp"
)

// hole is a network that swallows everything and brings nothing.
type hole struct{ closed chan struct{} }

func (hole) ListenPacket(at netip.AddrPort) (net.PacketConn, error) {
	return hole{make(chan struct{})}, nil
}

func (h hole) ReadFrom([]byte) (int, net.Addr, error)    { <-h.closed; return 0, nil, net.ErrClosed }
func (h hole) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), nil }
func (h hole) Close() error                              { close(h.closed); return nil }
func (h hole) LocalAddr() net.Addr                       { return &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 5000} }
func (h hole) SetDeadline(time.Time) error               { return nil }
func (h hole) SetReadDeadline(time.Time) error           { return nil }
func (h hole) SetWriteDeadline(time.Time) error          { return nil }

// newQuietCall is an engine with one stream that its loops do not touch, for it
// was not started.
func newQuietCall(tb testing.TB, c codec.Codec) (*Engine, *Stream) {
	tb.Helper()
	e := New(Config{Codecs: []codec.Codec{c}, Network: hole{}})
	tb.Cleanup(func() { e.Close() })
	return e, newQuietStream(tb, e, c)
}

// newQuietStream adds a stream to such an engine.
func newQuietStream(tb testing.TB, e *Engine, c codec.Codec) *Stream {
	tb.Helper()
	s, err := e.NewStream(StreamConfig{Local: netip.MustParseAddr("10.0.0.1")})
	if err != nil {
		tb.Fatal(err)
	}
	f := c.Format()
	err = s.Configure(Params{
		Codec: f, Formats: map[uint8]codec.Format{f.PayloadType: f}, Send: true, Receive: true,
		Remote: netip.MustParseAddrPort("10.0.0.2:5000"),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// newQuietConference is a conference of n members on such an engine, and a
// function for 10 ms of all of it: packets in, both loops, packets out.
func newQuietConference(tb testing.TB, c codec.Codec, n int) (streams []*Stream, step func()) {
	e, first := newQuietCall(tb, c)
	streams = []*Stream{first}
	for len(streams) < n {
		streams = append(streams, newQuietStream(tb, e, c))
	}
	var feeds []func()
	for _, s := range streams {
		feeds = append(feeds, newFeed(tb, c, s))
	}
	e.SetConference(streams...)
	frame := make([]float32, FrameSamples)
	sine(frame)
	return streams, func() {
		for _, feed := range feeds {
			feed()
		}
		e.nextFrame()
		e.captured(frame, false)
	}
}

// One step is 10 ms of everything for all members. "calls" is as many calls side
// by side, for comparison.
func BenchmarkConference(b *testing.B) {
	for _, c := range []codec.Codec{codec.PCMA(), codec.G722()} {
		for _, n := range []int{3, 10} {
			for _, joined := range []bool{true, false} {
				name := "conference"
				if !joined {
					name = "calls"
				}
				b.Run(fmt.Sprintf("%s/%s of %d", c.Format().Name, name, n), func(b *testing.B) {
					streams, step := newQuietConference(b, c, n)
					if !joined {
						streams[0].engine.SetConference()
					}
					b.ReportAllocs()
					for b.Loop() {
						step()
					}
					b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/100, "%CPU")
				})
			}
		}
	}
}

func sine(frame []float32) {
	for i := range frame {
		frame[i] = float32(0.3 * math.Sin(float64(i)*2*math.Pi*10/FrameSamples))
	}
}

// One step is 10 ms of one call on the capture loop.
func BenchmarkCapture(b *testing.B) {
	for _, c := range []codec.Codec{codec.PCMA(), codec.G722()} {
		b.Run(c.Format().Name, func(b *testing.B) {
			e, _ := newQuietCall(b, c)
			frame := make([]float32, FrameSamples)
			sine(frame)
			b.ReportAllocs()
			for b.Loop() {
				e.captured(frame, false)
			}
		})
	}
}

// One step is 10 ms of one call on the playback loop, with a packet every second
// step.
func BenchmarkPlayback(b *testing.B) {
	for _, c := range []codec.Codec{codec.PCMA(), codec.G722()} {
		b.Run(c.Format().Name, func(b *testing.B) {
			e, s := newQuietCall(b, c)
			feed := newFeed(b, c, s)
			b.ReportAllocs()
			for b.Loop() {
				feed()
				e.nextFrame()
			}
		})
	}
}

// newFeed returns a function that is called every 10 ms and gives s its packets.
func newFeed(tb testing.TB, c codec.Codec, s *Stream) func() {
	f := c.Format()
	enc, err := c.NewEncoder(codec.EncoderParams{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(enc.Close)
	pcm := make([]float32, f.SampleRate/50)
	sine(pcm)
	payload, err := enc.Encode(nil, pcm)
	if err != nil {
		tb.Fatal(err)
	}
	p := rtp.Packet{PayloadType: f.PayloadType, SSRC: 1, Payload: payload}
	step := 0
	return func() {
		if step%2 == 0 {
			s.insert(&p)
			p.Sequence++
			p.Timestamp += uint32(f.ClockRate / 50)
			p.Arrival += 20 * time.Millisecond
		}
		step++
	}
}

func TestTheWayOfAFrameDoesNotAllocate(t *testing.T) {
	for _, c := range []codec.Codec{codec.PCMA(), codec.PCMU(), codec.G722()} {
		e, s := newQuietCall(t, c)
		frame := make([]float32, FrameSamples)
		sine(frame)
		feed := newFeed(t, c, s)
		e.plan.Store(&plan{tones: Tones{RingBack: true}})
		step := func() {
			e.captured(frame, false)
			feed()
			e.nextFrame()
		}
		for range 300 {
			step()
		}
		if got := testing.AllocsPerRun(500, step); got > 0 {
			t.Errorf("%s: %v allocations in a frame, want none", c.Format().Name, got)
		}
		if st := s.Stats(); st.PacketsSent < 300 || st.Late > 0 {
			t.Errorf("%s: %+v: the frames did not take their way", c.Format().Name, st)
		}
	}
}

func TestALowDelayCallDoesNotAllocate(t *testing.T) {
	c := codec.G722()
	e, s := newQuietCall(t, c)
	p := s.params
	p.LowDelay, p.PacketTime = true, 5*time.Millisecond
	if err := s.Configure(p); err != nil {
		t.Fatal(err)
	}
	in, out := e.captureSamples(false), e.playbackSamples()
	if in != halfFrame || out != halfFrame {
		t.Fatalf("the loops take %d and %d samples, want %d", in, out, halfFrame)
	}
	frame := make([]float32, halfFrame)
	sine(frame)
	feed := newFeed(t, c, s)
	odd := false
	step := func() {
		e.captured(frame, odd)
		if odd = !odd; odd {
			feed()
		}
		e.nextFrame()
	}
	for range 600 {
		step()
	}
	if got := testing.AllocsPerRun(1000, step); got > 0 {
		t.Errorf("%v allocations in half a frame, want none", got)
	}
	if st := s.Stats(); st.PacketsSent < 600 || st.Late > 0 {
		t.Errorf("%+v: the frames did not take their way", st)
	}
}

func TestTheConferenceDoesNotAllocate(t *testing.T) {
	streams, step := newQuietConference(t, codec.G722(), 4)
	for range 300 {
		step()
	}
	if got := testing.AllocsPerRun(500, step); got > 0 {
		t.Errorf("%v allocations in a frame, want none", got)
	}
	for i, s := range streams {
		if st := s.Stats(); st.PacketsSent < 300 || st.Late > 0 {
			t.Errorf("member %d: %+v: the frames did not take their way", i, st)
		}
	}
}
