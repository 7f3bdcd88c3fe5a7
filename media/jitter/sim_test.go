package jitter

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"parley/media/codec"
)

// linear is a codec that changes nothing but the resolution.
type linear struct{ format codec.Format }

func newLinear(rate int) *linear {
	return &linear{codec.Format{Name: "L16", ClockRate: rate, SampleRate: rate, Channels: 1, PayloadType: 96}}
}

func (l *linear) Format() codec.Format                                  { return l.format }
func (l *linear) PacketTime(d time.Duration) time.Duration              { return d }
func (l *linear) Samples(payload []byte) int                            { return len(payload) / 2 }
func (l *linear) NewEncoder(codec.EncoderParams) (codec.Encoder, error) { return l, nil }
func (l *linear) NewDecoder() (codec.Decoder, error)                    { return l, nil }
func (l *linear) Close()                                                {}

func (l *linear) Encode(dst []byte, pcm []float32) ([]byte, error) {
	for _, x := range pcm {
		dst = binary.BigEndian.AppendUint16(dst, uint16(int16(x*32767)))
	}
	return dst, nil
}

func (l *linear) Decode(pcm []float32, payload []byte) (int, error) {
	n := len(payload) / 2
	if n > len(pcm) {
		return 0, codec.ErrShortBuffer
	}
	for i := range n {
		pcm[i] = float32(int16(binary.BigEndian.Uint16(payload[2*i:]))) / 32767
	}
	return n, nil
}

// speech makes n samples that are like speech in what matters here: voiced
// syllables of moving pitch, hissing ones, and short pauses over a faint noise.
func speech(rate, n int) []float32 {
	rng := rand.New(rand.NewPCG(1, 2))
	pcm := make([]float32, n)
	var phase, y1, y2, hiss float64
	for i := range pcm {
		t := float64(i) / float64(rate)
		pitch := 130 + 25*math.Sin(2*math.Pi*0.7*t) + 8*math.Sin(2*math.Pi*2.3*t)
		phase += pitch / float64(rate)
		phase -= math.Floor(phase)
		excite := math.Pow(1-phase, 6) - 0.14
		// One formant that wanders.
		w := 2 * math.Pi * (600 + 250*math.Sin(2*math.Pi*1.1*t)) / float64(rate)
		r := math.Exp(-math.Pi * 90 / float64(rate))
		y := excite + 2*r*math.Cos(w)*y1 - r*r*y2
		y1, y2 = y, y1
		voiced := y * 2 * math.Pi * 90 / float64(rate) * 1.5
		noise := rng.NormFloat64()
		hiss = noise - 0.7*hiss
		beat := math.Mod(t*3.1, 4)
		envelope := math.Pow(math.Sin(math.Pi*math.Mod(beat, 1)), 2)
		v := 0.001 * noise
		switch {
		case beat < 2.6:
			v += envelope * voiced
		case beat < 3.3:
			v += 0.05 * envelope * hiss
		}
		pcm[i] = float32(max(-0.95, min(0.95, v)))
	}
	return pcm
}

// A link is how packets come from one end to the other.
type link struct {
	codec   codec.Codec
	ptime   time.Duration
	drift   float64                 // of the sender's clock, in ppm
	delay   func() delayFunc        // nil: none
	lost    func() func(i int) bool // nil: none
	change  func(i int, p *Packet)  // nil: nothing is changed
	phase   time.Duration           // of the calls to Get
	get     int                     // samples of each; 0: a frame
	seconds int
	each    func(n int, b *Buffer) // after each Get
}

type result struct {
	in, out []float32 // 48 kHz
	stats   Stats
	delays  []time.Duration // Stats.Delay each second
}

// run plays speech over the link, by its own clock.
func (l link) run(t testing.TB, cfg Config) result {
	t.Helper()
	b := New(cfg)
	defer b.Close()
	f := l.codec.Format()
	if err := b.SetDecoders(map[uint8]codec.Codec{f.PayloadType: l.codec}); err != nil {
		t.Fatal(err)
	}
	in := speech(f.SampleRate, min(l.seconds+1, 21)*f.SampleRate)
	for long := l.seconds * f.SampleRate; len(in) < long; {
		in = append(in, in...)
	}
	packets := l.packets(t, in)
	var res result
	next := 0
	get := cmp.Or(l.get, frame)
	for n := range l.seconds * rate / get {
		now := duration(int64(n*get)) + l.phase
		for next < len(packets) && packets[next].Arrival <= now {
			b.Insert(packets[next])
			next++
		}
		res.out = append(res.out, make([]float32, get)...)
		b.Get(res.out[len(res.out)-get:])
		if l.each != nil {
			l.each(n, b)
		}
		if (n+1)*get%rate == 0 {
			res.delays = append(res.delays, b.Stats().Delay)
		}
	}
	res.stats = b.Stats()
	res.in = in
	return res
}

// packets codes in and returns what arrives, in order of arrival.
func (l link) packets(t testing.TB, in []float32) []Packet {
	t.Helper()
	f := l.codec.Format()
	enc, err := l.codec.NewEncoder(codec.EncoderParams{PacketTime: l.ptime})
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	size := int(int64(f.SampleRate) * int64(l.ptime) / 1e9)
	delay, lost := func(int, time.Duration) time.Duration { return 0 }, func(int) bool { return false }
	if l.delay != nil {
		delay = l.delay()
	}
	if l.lost != nil {
		lost = l.lost()
	}
	var packets []Packet
	for i := 0; (i+1)*size <= len(in); i++ {
		payload, err := enc.Encode(nil, in[i*size:(i+1)*size])
		if err != nil {
			t.Fatal(err)
		}
		sent := time.Duration(float64(i) * float64(l.ptime) * (1 - l.drift*1e-6))
		p := Packet{
			PayloadType: f.PayloadType,
			Sequence:    uint16(i + 65530), // wraps soon
			Timestamp:   uint32(i*size*f.ClockRate/f.SampleRate) - 1000,
			SSRC:        7,
			Payload:     payload,
			Arrival:     sent + delay(i, sent),
		}
		if l.change != nil {
			l.change(i, &p)
		}
		if !lost(i) {
			packets = append(packets, p)
		}
	}
	slices.SortStableFunc(packets, func(a, b Packet) int { return int(a.Arrival - b.Arrival) })
	return packets
}

// randomLoss loses share of the packets.
func randomLoss(share float64, seed uint64) func() func(int) bool {
	return func() func(int) bool {
		rng := rand.New(rand.NewPCG(seed, 3))
		return func(int) bool { return rng.Float64() < share }
	}
}

// lose loses the packets that which says.
func lose(which func(int) bool) func() func(int) bool {
	return func() func(int) bool { return which }
}

// A delayFunc says how long packet i takes that is sent at the time sent.
type delayFunc func(i int, sent time.Duration) time.Duration

// uniform delays packets by up to most, without reordering them.
func uniform(most time.Duration, seed uint64) func() delayFunc {
	return func() delayFunc {
		rng := rand.New(rand.NewPCG(seed, 4))
		var last time.Duration
		return func(_ int, sent time.Duration) time.Duration {
			last = max(sent+time.Duration(rng.Int64N(int64(most))), last)
			return last - sent
		}
	}
}

// always delays packets as f says.
func always(f delayFunc) func() delayFunc { return func() delayFunc { return f } }

// match compares the 200 ms windows of out with in, each at the delay, from 0 to
// most, at which it fits best. It returns the correlation and delay of each
// window that is not silent.
func match(in, out []float32, inRate int, most time.Duration) (alike []float64, delays []time.Duration) {
	const coarse = 8000
	a, b := thin(in, inRate/coarse), thin(out, rate/coarse)
	size, lags := coarse/5, int(int64(most)*coarse/1e9)
	for at := lags; at+size <= len(b); at += size {
		w := b[at : at+size]
		if level(w) < 0.01 {
			continue
		}
		best, lag := -1.0, 0
		try := func(l int) {
			if l < 0 || l > lags || at-l+size > len(a) {
				return
			}
			if c := alikeness(w, a[at-l:at-l+size]); c > best {
				best, lag = c, l
			}
		}
		const step = 2 // the signal has no highs: the peak is wider than that
		for l := 0; l <= lags; l += step {
			try(l)
		}
		try(lag - 1)
		try(lag + 1)
		alike = append(alike, best)
		delays = append(delays, time.Duration(lag)*time.Second/coarse)
	}
	return alike, delays
}

// thin lowers the rate by n, and takes the highs away that make likeness depend
// on fractions of a sample.
func thin(pcm []float32, n int) []float32 {
	low := make([]float32, len(pcm)/n)
	for i := range low {
		var sum float32
		for _, x := range pcm[i*n : (i+1)*n] {
			sum += x
		}
		low[i] = sum / float32(n)
	}
	for range 3 {
		last := float32(0)
		for i := range len(low) - 1 {
			last, low[i] = low[i], (last+2*low[i]+low[i+1])/4
		}
	}
	return low
}

func median[T float64 | time.Duration](xs []T) T {
	if len(xs) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(xs))
	return s[len(s)/2]
}

// share is the part of xs below limit.
func share(xs []float64, limit float64) float64 {
	n := 0
	for _, x := range xs {
		if x < limit {
			n++
		}
	}
	return float64(n) / float64(max(len(xs), 1))
}

// clicks counts jumps between samples that speech at this rate does not make.
func clicks(pcm []float32, limit float32) int {
	n := 0
	for i := 1; i < len(pcm); i++ {
		if d := pcm[i] - pcm[i-1]; d > limit || d < -limit {
			n++
		}
	}
	return n
}
