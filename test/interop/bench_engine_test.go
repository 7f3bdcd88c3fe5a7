package interop

import (
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"parley/media"
	"parley/media/codec"
	"parley/media/codec/opus"
	"parley/media/mediatest"
	"parley/media/virtual"
)

// A clocked is a sound driver of one microphone, which says a file, and one
// speaker, both as exact as the system's clock. It notes every sample with its
// time.
type clocked struct {
	speech string
	played string

	mu          sync.Mutex
	said, heard line
}

// A line is sound with the time of its first sample.
type line struct {
	sound  []float32
	begins []time.Duration // by each frame: when the line began, were the frame on time
}

func (l *line) add(frame []float32, at time.Time, epoch time.Time) {
	l.begins = append(l.begins, at.Sub(epoch)-lengthOf(len(l.sound)))
	l.sound = append(l.sound, frame...)
}

// begin is when the line began, as most frames say.
func (l *line) begin() time.Duration {
	return slices.Sorted(slices.Values(l.begins))[len(l.begins)/2]
}

// lengthOf is how long n samples last.
func lengthOf(n int) time.Duration { return time.Duration(n) * time.Second / sampleRate }

// epoch is what times are counted from.
var epoch = time.Now()

// Devices implements media.Driver.
func (c *clocked) Devices() ([]media.DeviceInfo, error) {
	return []media.DeviceInfo{{ID: "clocked", Name: "clocked", Input: true, Output: true, Default: true}}, nil
}

// Close implements media.Driver.
func (c *clocked) Close() error { return nil }

// OpenCapture implements media.Driver.
func (c *clocked) OpenCapture(string) (media.Capture, error) {
	f, err := virtual.OpenFileCapture(c.speech)
	if err != nil {
		return nil, err
	}
	return &clockedMic{f, c}, nil
}

// OpenPlayback implements media.Driver.
func (c *clocked) OpenPlayback(string) (media.Playback, error) {
	f, err := virtual.CreateFilePlayback(c.played)
	if err != nil {
		return nil, err
	}
	return &clockedSpeaker{f, c}, nil
}

type clockedMic struct {
	*virtual.FileCapture
	to *clocked
}

// Read implements media.Capture. A frame is there when its last sample is.
func (m *clockedMic) Read(frame []float32) error {
	err := m.FileCapture.Read(frame)
	if err == nil {
		m.to.mu.Lock()
		m.to.said.add(frame, time.Now().Add(-lengthOf(len(frame))-m.Latency()), epoch)
		m.to.mu.Unlock()
	}
	return err
}

type clockedSpeaker struct {
	*virtual.FilePlayback
	to *clocked
}

// Write implements media.Playback. A frame is heard when what was written before
// has been.
func (s *clockedSpeaker) Write(frame []float32) error {
	s.to.mu.Lock()
	s.to.heard.add(frame, time.Now().Add(s.Latency()), epoch)
	s.to.mu.Unlock()
	return s.FilePlayback.Write(frame)
}

// engineDelay is the delay of our engine alone, from one virtual device to
// another.
func engineDelay(t *testing.T, c benchConfig, length time.Duration) mediatest.Report {
	t.Helper()
	// As the program does, so that its audio never waits for a processor of Go's.
	before := runtime.GOMAXPROCS(max(runtime.NumCPU()+2, 8))
	defer runtime.GOMAXPROCS(before)
	codecs := []codec.Codec{opus.New(), codec.PCMA()}
	var ends [2]*clocked
	var streams [2]*media.Stream
	for i := range ends {
		dir := t.TempDir()
		ends[i] = &clocked{speech: benchSpeech(t, uint64(31+i), 12*time.Second), played: filepath.Join(dir, "played.wav")}
		e := media.New(media.Config{Hardware: ends[i], Codecs: codecs})
		t.Cleanup(func() { e.Close() })
		e.Start(media.DeviceChoice{Alert: "null"})
		s, err := e.NewStream(media.StreamConfig{Local: netip.MustParseAddr(loopback)})
		if err != nil {
			t.Fatal(err)
		}
		streams[i] = s
	}
	for i, s := range streams {
		p := media.Params{
			Remote: streams[1-i].LocalAddr(), Send: true, Receive: true, PacketTime: c.PacketTime, LowDelay: c.LowDelay,
			Formats: map[uint8]codec.Format{},
		}
		for _, k := range codecs {
			f := k.Format()
			p.Formats[f.PayloadType] = f
			if f.Name == c.Codec {
				p.Codec = f
			}
		}
		if err := s.Configure(p); err != nil {
			t.Fatal(err)
		}
	}
	talk(settle + length)
	return between(ends[0], ends[1])
}

// between compares what b heard in the end with what a said.
func between(a, b *clocked) mediatest.Report {
	a.mu.Lock()
	defer a.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	from := a.said.begin() + settle
	return mediatest.Compare(a.said.after(from), b.heard.after(from), sampleRate)
}

// after is what lies behind a time.
func (l *line) after(at time.Duration) []float32 {
	n := int((at - l.begin()).Seconds() * sampleRate)
	if n < 0 {
		return append(make([]float32, -n), l.sound...)
	}
	return l.sound[min(n, len(l.sound)):]
}
