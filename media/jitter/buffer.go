package jitter

import (
	"fmt"
	"sync"
	"time"

	"parley/media/codec"
	"parley/media/dsp"
)

const (
	rate  = 48000
	ms    = rate / 1000
	frame = 10 * ms

	maxPacket = rate * int(codec.MaxPacket/time.Millisecond) / 1000
)

// Defaults of Config.
const (
	DefaultMinDelay = 10 * time.Millisecond
	DefaultMaxDelay = 500 * time.Millisecond
)

// Config bounds the delay that a Buffer adds. Delay is counted from the arrival
// of a packet to the playing of its first sample, for the fastest packets.
type Config struct {
	// MinDelay is held on a link without jitter; it covers the unevenness of the
	// calls to Get, so it is never less than what one call takes. Zero means
	// DefaultMinDelay.
	MinDelay time.Duration
	// MaxDelay is not exceeded however bad the link is. Zero means
	// DefaultMaxDelay; more than 800 ms is taken as that.
	MaxDelay time.Duration
}

// A Packet is an RTP packet as it came.
type Packet struct {
	PayloadType uint8
	Sequence    uint16
	Timestamp   uint32
	SSRC        uint32
	Payload     []byte        // Insert copies it
	Arrival     time.Duration // on any monotonic clock
	Marker      bool          // begins a talkspurt
}

// Stats tell what a Buffer did since it was made, and how it stands. Numbers of
// samples are at 48 kHz.
type Stats struct {
	Target time.Duration // delay that the link needs
	Delay  time.Duration // delay that is held

	Received   uint64 // packets given to Insert
	Lost       uint64 // that never came, by their sequence numbers
	Late       uint64 // that came after their time
	Duplicates uint64
	Discarded  uint64 // malformed, of unknown type, or more than can be kept

	Concealed   uint64 // samples invented; a pause counts only until it is silent
	Recovered   uint64 // samples decoded from redundancy of a later packet
	Accelerated uint64 // samples taken out to lower the delay
	Expanded    uint64 // samples put in to raise it
	Resets      uint64 // of the stream: new SSRC, or a jump of its timestamps
}

// A Buffer turns the packets of one RTP stream into continuous sound. Its
// methods may be called from different goroutines; each holds a mutex shortly,
// and none waits for anything else.
type Buffer struct {
	mu       sync.Mutex
	minDelay int64
	maxDelay int64
	quantum  int64 // samples of the last Get; at first 1
	decoders map[uint8]*decoder
	stats    Stats

	line    line
	strayed stray
	delay   delayTracker
	packets queue
	level   float64 // filtered delay, in samples
	measure bool    // level may have changed at once, by a gap
	odd     int64   // samples of delay that are no use: see counts them off
	target  int64

	// sound[:play] is played, the rest is to be.
	sound []float32
	play  int

	cur        *decoder // that made the end of sound; nil before the first packet
	next       int64    // position of the sample that follows sound
	lastSeq    int64    // of the packet decoded last
	gap        int      // samples invented since that packet, for what follows it
	hold       int      // samples to wait before the next packet is played
	joint      bool     // what comes next does not continue sound
	fresh      bool     // decoders must forget the stream before
	inventing  bool     // conceal has been begun for this gap
	conceal    concealer
	stretchGap int // samples until the tempo may be changed again

	pcm  []float32 // what a decoder writes
	work []float32 // pcm at 48 kHz, or invented sound
}

// A decoder is what a payload type is decoded with.
type decoder struct {
	codec     codec.Codec
	format    codec.Format
	dec       codec.Decoder
	fec       codec.FECDecoder // dec, if it can
	resampler *dsp.Resampler
}

// New returns a Buffer that plays silence until packets come.
func New(cfg Config) *Buffer {
	if cfg.MinDelay <= 0 {
		cfg.MinDelay = DefaultMinDelay
	}
	if cfg.MaxDelay <= 0 {
		cfg.MaxDelay = DefaultMaxDelay
	}
	b := &Buffer{
		minDelay: samples(cfg.MinDelay),
		maxDelay: min(samples(cfg.MaxDelay), maxSpan*8/10),
		quantum:  1,
		packets:  newQueue(),
		sound:    make([]float32, history, 6*history),
		play:     history,
		pcm:      make([]float32, maxPacket),
		work:     make([]float32, 0, maxPacket+frame),
	}
	b.minDelay = min(b.minDelay, b.maxDelay)
	b.target = b.least()
	return b
}

// SetMinDelay changes MinDelay of the Config, from the next packet on. No less is
// held than what one Get takes.
func (b *Buffer) SetMinDelay(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.minDelay = min(samples(d), b.maxDelay)
}

// least is the delay that is held on a link without jitter.
func (b *Buffer) least() int64 { return max(b.minDelay, b.quantum) }

// samples converts d to samples at 48 kHz.
func samples(d time.Duration) int64 { return int64(d) * (rate / 8000) / (1e9 / 8000) }

// duration converts samples at 48 kHz.
func duration(n int64) time.Duration { return time.Duration(n) * (1e9 / 8000) / (rate / 8000) }

// SetDecoders says which codec each payload type has. Packets of other types
// (comfort noise and telephone-events among them) only count in the sequence.
// Types that keep their codec keep their decoder, so that a stream plays on.
// It allocates, and returns the error of a codec that gives no decoder; then
// nothing has changed.
func (b *Buffer) SetDecoders(codecs map[uint8]codec.Codec) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := make(map[uint8]*decoder, len(codecs))
	for pt, c := range codecs {
		if d := b.decoders[pt]; d != nil && d.format == c.Format() {
			next[pt] = d
			continue
		}
		d, err := newDecoder(c)
		if err != nil {
			for pt, d := range next {
				if b.decoders[pt] != d {
					d.dec.Close()
				}
			}
			return fmt.Errorf("jitter: %w", err)
		}
		next[pt] = d
	}
	for pt, d := range b.decoders {
		if next[pt] == d {
			continue
		}
		if b.cur == d {
			b.cur, b.joint = nil, true
		}
		d.dec.Close()
	}
	b.decoders = next
	return nil
}

func newDecoder(c codec.Codec) (*decoder, error) {
	d := &decoder{codec: c, format: c.Format()}
	if d.format.SampleRate <= 0 || d.format.ClockRate <= 0 || rate%d.format.ClockRate != 0 {
		return nil, fmt.Errorf("codec %s: unusable rates", d.format.Name)
	}
	if err := d.open(); err != nil {
		return nil, err
	}
	d.resampler = dsp.NewResampler(d.format.SampleRate, rate)
	return d, nil
}

func (d *decoder) open() error {
	dec, err := d.codec.NewDecoder()
	if err != nil {
		return err
	}
	if d.dec != nil {
		d.dec.Close()
	}
	d.dec = dec
	d.fec, _ = dec.(codec.FECDecoder)
	return nil
}

// Stats returns the counters and the present delay.
func (b *Buffer) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.stats
	s.Lost += b.line.lost()
	s.Target = duration(b.target)
	s.Delay = duration(max(0, int64(b.level)))
	return s
}

// Reset drops what waits and forgets the stream, as for a call put on hold. The
// counters stay.
func (b *Buffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Discarded += uint64(b.packets.clear())
	b.stats.Lost += b.line.lost()
	b.line = line{}
	b.joint = true
}

// Close frees the decoders. The buffer plays silence from then on.
func (b *Buffer) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.packets.clear()
	for _, d := range b.decoders {
		d.dec.Close()
	}
	b.decoders, b.cur = nil, nil
}
