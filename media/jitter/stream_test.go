package jitter

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"parley/media/codec"
)

func TestDelaySpikeIsRecoveredFrom(t *testing.T) {
	// Half a second in which nothing comes, then all at once.
	stall := func(_ int, sent time.Duration) time.Duration {
		if sent >= 5*time.Second && sent < 5300*msec {
			return 5300*msec - sent
		}
		return 0
	}
	l := link{codec: newLinear(48000), ptime: 20 * msec, delay: always(stall), seconds: 20}
	r := l.run(t, Config{})
	if r.stats.Late+r.stats.Lost+r.stats.Discarded > 0 {
		t.Errorf("stats = %+v, want no packet missed", r.stats)
	}
	if got := r.delays[8]; got > 40*msec {
		t.Errorf("delay 3 s after the spike = %v, want at most 40 ms", got)
	}
	if got := r.delays[19]; got > 25*msec {
		t.Errorf("delay 14 s after the spike = %v, want at most 25 ms", got)
	}
	if r.stats.Accelerated == 0 {
		t.Error("nothing was accelerated")
	}
}

func TestDriftIsFollowed(t *testing.T) {
	for _, ppm := range []float64{-200, 200} {
		lo, hi := time.Hour, time.Duration(0)
		l := link{
			codec: newLinear(8000), ptime: 20 * msec, drift: ppm, seconds: 600,
			delay: uniform(2*msec, 9),
			each: func(n int, b *Buffer) {
				if d := b.Stats().Delay; n > 100 {
					lo, hi = min(lo, d), max(hi, d)
				}
			},
		}
		r := l.run(t, Config{})
		s := r.stats
		if s.Late+s.Discarded+s.Resets != 0 || s.Lost > 0 {
			t.Errorf("%v ppm: stats = %+v, want every packet played", ppm, s)
		}
		if s.Concealed > 0 {
			t.Errorf("%v ppm: concealed samples = %d, want none", ppm, s.Concealed)
		}
		moved := float64(s.Accelerated) - float64(s.Expanded)
		if want := ppm * 1e-6 * 600 * rate; math.Abs(moved-want) > 20*ms {
			t.Errorf("%v ppm: samples taken out = %.0f, want about %.0f", ppm, moved, want)
		}
		if hi > 30*msec {
			t.Errorf("%v ppm: delay between %v and %v, want at most 30 ms", ppm, lo, hi)
		}
	}
}

func TestNewSourceIsPlayed(t *testing.T) {
	// After 5 s another source takes over, with numbers of its own.
	l := link{codec: codec.PCMA(), ptime: 20 * msec, seconds: 10, change: func(i int, p *Packet) {
		if i >= 250 {
			p.SSRC, p.Sequence, p.Timestamp = 99, p.Sequence+30000, p.Timestamp+3e9
		}
	}}
	r := l.run(t, Config{})
	checkGoesOn(t, r, 1)
}

func TestTimestampJumpsAreFollowed(t *testing.T) {
	for _, jump := range []int64{1e6, -1e6, 1 << 31, -4000, 8000} {
		l := link{codec: codec.PCMA(), ptime: 20 * msec, seconds: 10, change: func(i int, p *Packet) {
			if i >= 250 {
				p.Timestamp += uint32(jump)
			}
		}}
		r := l.run(t, Config{})
		t.Logf("jump by %d: %+v", jump, r.stats)
		checkGoesOn(t, r, 1)
	}
}

func TestSequenceJumpIsFollowed(t *testing.T) {
	l := link{codec: codec.PCMA(), ptime: 20 * msec, seconds: 10, change: func(i int, p *Packet) {
		if i >= 250 {
			p.Sequence += 20000
		}
	}}
	checkGoesOn(t, l.run(t, Config{}), 1)
}

// checkGoesOn checks that after a change at 5 s the stream is played again, with
// little delay, and that not much was missed.
func checkGoesOn(t *testing.T, r result, resets uint64) {
	t.Helper()
	if got := r.stats.Resets; got != resets {
		t.Errorf("resets = %d, want %d", got, resets)
	}
	if got := r.stats.Concealed; got > 60*ms {
		t.Errorf("concealed samples = %d, want at most %d", got, 60*ms)
	}
	alike, delays := match(r.in, r.out, 8000, 100*msec)
	if got := median(alike[len(alike)*6/10:]); got < 0.97 {
		t.Errorf("median correlation after the change = %.3f, want at least 0.97", got)
	}
	if got := median(delays[len(delays)*6/10:]); got > 35*msec {
		t.Errorf("median delay after the change = %v, want at most 35 ms", got)
	}
	if got := clicks(r.out, 0.35); got > 0 {
		t.Errorf("clicks = %d, want none", got)
	}
}

// Packets of another source now and then do not disturb the one that plays.
func TestStrayPacketsAreIgnored(t *testing.T) {
	l := link{codec: codec.PCMA(), ptime: 20 * msec, seconds: 10, change: func(i int, p *Packet) {
		switch i % 25 {
		case 7:
			p.SSRC = 1234
		case 14:
			p.Timestamp += 123456
		case 21:
			p.Sequence += 9999
		}
	}}
	r := l.run(t, Config{})
	if r.stats.Resets != 0 {
		t.Errorf("resets = %d, want none", r.stats.Resets)
	}
	if got := r.stats.Discarded; got < 50 || got > 62 {
		t.Errorf("discarded = %d, want about 60", got)
	}
	if r.stats.Target != DefaultMinDelay {
		t.Errorf("target = %v, want %v", r.stats.Target, DefaultMinDelay)
	}
}

func TestDuplicatesAreIgnored(t *testing.T) {
	l := link{codec: newLinear(16000), ptime: 20 * msec, seconds: 1}
	packets := l.packets(t, speech(16000, 16000))
	b := New(Config{})
	if err := b.SetDecoders(map[uint8]codec.Codec{96: l.codec}); err != nil {
		t.Fatal(err)
	}
	out := make([]float32, 2*frame)
	for i, p := range packets {
		b.Insert(p)
		b.Insert(p)
		if i > 3 {
			b.Insert(packets[i-3])
		}
		b.Get(out)
	}
	s := b.Stats()
	if want := uint64(2*len(packets) - 4); s.Duplicates != want {
		t.Errorf("duplicates = %d, want %d", s.Duplicates, want)
	}
	if s.Late+s.Lost+s.Concealed+s.Expanded != 0 {
		t.Errorf("stats = %+v, want nothing missed", s)
	}
}

// A pause of the sender, with and without packets of comfort noise, is no loss.
func TestPausesAreBridged(t *testing.T) {
	for _, noise := range []bool{false, true} {
		l := link{codec: codec.PCMA(), ptime: 20 * msec, seconds: 12}
		in := speech(8000, 12*8000)
		b := New(Config{})
		if err := b.SetDecoders(map[uint8]codec.Codec{8: l.codec}); err != nil {
			t.Fatal(err)
		}
		seq, next := uint16(100), 0
		packets := l.packets(t, in)
		var out []float32
		for n := range 1200 {
			now := time.Duration(n) * 10 * msec
			for next < len(packets) && packets[next].Arrival <= now {
				p := packets[next]
				next++
				paused := next%150 > 100
				p.Marker = next%150 == 0
				if p.Sequence = seq; !paused {
					b.Insert(p)
					seq++
				} else if noise && next%20 == 0 {
					p.PayloadType, p.Payload = 13, []byte{60}
					b.Insert(p)
					seq++
				}
			}
			out = append(out, make([]float32, frame)...)
			b.Get(out[len(out)-frame:])
		}
		s := b.Stats()
		if s.Late+s.Lost+s.Resets+s.Accelerated+s.Expanded != 0 {
			t.Errorf("with noise %v: stats = %+v, want nothing missed", noise, s)
		}
		if most := uint64(4 * (fadeTo + frame)); s.Concealed > most {
			t.Errorf("with noise %v: concealed = %d, want at most %d", noise, s.Concealed, most)
		}
		if got := s.Delay; got > 25*msec {
			t.Errorf("with noise %v: delay = %v, want at most 25 ms", noise, got)
		}
	}
}

// The codec changes in mid-call, and with it the clock of the timestamps.
func TestCodecChange(t *testing.T) {
	narrow, wide, full := codec.PCMA(), codec.G722(), codec.Codec(newLinear(48000))
	b := New(Config{})
	if err := b.SetDecoders(map[uint8]codec.Codec{8: narrow, 9: wide, 96: full}); err != nil {
		t.Fatal(err)
	}
	var out []float32
	seq, phase := uint16(0), 0.0
	encoders := map[codec.Codec]codec.Encoder{}
	for n := range 300 {
		c := narrow
		switch {
		case n >= 200:
			c = wide
		case n >= 100:
			c = full
		}
		f := c.Format()
		pcm := make([]float32, f.SampleRate/50)
		for i := range pcm {
			phase += 2 * math.Pi * 300 / float64(f.SampleRate)
			pcm[i] = float32(0.3 * math.Sin(phase))
		}
		if encoders[c] == nil {
			enc, err := c.NewEncoder(codec.EncoderParams{})
			if err != nil {
				t.Fatal(err)
			}
			encoders[c] = enc
		}
		payload, err := encoders[c].Encode(nil, pcm)
		if err != nil {
			t.Fatal(err)
		}
		b.Insert(Packet{
			PayloadType: f.PayloadType, Sequence: seq, Timestamp: uint32(n * f.ClockRate / 50),
			SSRC: 5, Payload: payload, Arrival: time.Duration(n) * 20 * msec,
		})
		seq++
		out = append(out, make([]float32, 2*frame)...)
		b.Get(out[len(out)-2*frame:])
	}
	s := b.Stats()
	if s.Resets+s.Lost+s.Late+s.Concealed != 0 {
		t.Errorf("stats = %+v, want nothing missed", s)
	}
	if got := clicks(out, 0.06); got != 0 { // 300 Hz moves by 0.012 a sample
		t.Errorf("clicks = %d, want none", got)
	}
	for i := 20 * frame; i < len(out); i += frame {
		if l := level(out[i : i+frame]); l < 0.1 {
			t.Errorf("level at %d ms = %.3f, want 0.21", i/ms, l)
		}
	}
}

// What is invented when nothing comes any more fades to silence, without clicks.
func TestConcealmentFades(t *testing.T) {
	l := link{codec: newLinear(48000), ptime: 20 * msec, seconds: 4, lost: lose(func(i int) bool { return i >= 100 })}
	r := l.run(t, Config{})
	if got := clicks(r.out[2*rate:], 0.3); got != 0 { // hissing makes steps of 0.25
		t.Errorf("clicks = %d, want none", got)
	}
	gone := r.out[2*rate+200*ms:]
	if got := level(gone); got > maxRoom {
		t.Errorf("level after 200 ms = %v, want at most %v", got, maxRoom)
	}
	if got := r.stats.Concealed; got > fadeTo {
		t.Errorf("concealed = %d, want at most %d", got, fadeTo)
	}
}

func TestBoundsHold(t *testing.T) {
	b := New(Config{})
	if err := b.SetDecoders(map[uint8]codec.Codec{8: codec.PCMA()}); err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, 160)
	for i := range 1000 { // 20 s without anybody asking for sound
		b.Insert(Packet{
			PayloadType: 8, Sequence: uint16(i), Timestamp: uint32(i * 160), Payload: payload,
			Arrival: time.Duration(i) * 20 * msec,
		})
	}
	if got := b.packets.span(); got > maxSpan+20*ms {
		t.Errorf("span = %d samples, want at most 1 s", got)
	}
	if got := b.Stats().Discarded; got < 940 {
		t.Errorf("discarded = %d, want at least 940", got)
	}
	for _, n := range []int{0, 961, 5000, 70000} {
		before := b.Stats().Discarded
		b.Insert(Packet{PayloadType: 8, Sequence: 1001, Timestamp: 160160, Payload: make([]byte, n), Arrival: 20 * time.Second})
		if got := b.Stats().Discarded - before; got != 1 {
			t.Errorf("discarded for %d bytes = %d, want 1", n, got)
		}
	}
}

func TestAllocatesNothing(t *testing.T) {
	l := link{codec: codec.G722(), ptime: 20 * msec, seconds: 60, lost: randomLoss(0.1, 1), delay: uniform(50*msec, 2)}
	packets := l.packets(t, speech(16000, 60*16000))
	b := New(Config{})
	if err := b.SetDecoders(map[uint8]codec.Codec{9: l.codec}); err != nil {
		t.Fatal(err)
	}
	out := make([]float32, frame)
	now, next := time.Duration(0), 0
	step := func() {
		now += 10 * msec
		for packets[next].Arrival <= now {
			b.Insert(packets[next])
			next++
		}
		b.Get(out)
	}
	for range 1000 {
		step()
	}
	if got := testing.AllocsPerRun(4000, step); got != 0 {
		t.Errorf("allocations = %v, want none", got)
	}
}

// Insert and Get are called from two goroutines.
func TestConcurrentUse(t *testing.T) {
	l := link{codec: codec.PCMU(), ptime: 20 * msec, seconds: 5}
	packets := l.packets(t, speech(8000, 5*8000))
	b := New(Config{})
	codecs := map[uint8]codec.Codec{0: l.codec}
	if err := b.SetDecoders(codecs); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, p := range packets {
			b.Insert(p)
		}
	}()
	out := make([]float32, frame)
	for i := range 200 {
		b.Get(out)
		if i%50 == 0 {
			if err := b.SetDecoders(codecs); err != nil {
				t.Error(err)
			}
			b.Stats()
		}
	}
	<-done
	b.Close()
	b.Get(out)
}

func FuzzBuffer(f *testing.F) {
	f.Add([]byte{8, 0, 0, 0, 0, 1, 20, 8, 0, 1, 0, 160, 1, 20})
	f.Add([]byte("hostile packets of any kind, in any order"))
	rng := rand.New(rand.NewPCG(1, 1))
	seed := make([]byte, 700)
	for i := range seed {
		seed[i] = byte(rng.Uint32())
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		b := New(Config{})
		if err := b.SetDecoders(map[uint8]codec.Codec{0: codec.PCMU(), 9: codec.G722(), 4: newLinear(48000)}); err != nil {
			t.Fatal(err)
		}
		now := time.Duration(0)
		out := make([]float32, frame)
		// Seven bytes are a packet: type, sequence, timestamp, source, length and time.
		for range 60 {
			if len(data) < 7 {
				break
			}
			now += time.Duration(data[6]&0x3f) * msec
			b.Insert(Packet{
				PayloadType: data[0] & 15,
				Sequence:    uint16(data[1]&3)<<14 | uint16(data[2]),
				Timestamp:   uint32(data[3])<<24 | uint32(data[4])*80,
				SSRC:        uint32(data[5] & 1),
				Payload:     make([]byte, int(data[5]>>1)*40),
				Arrival:     now,
				Marker:      data[6]&0x40 != 0,
			})
			if data[6]&0x80 != 0 {
				b.Get(out[:frame>>(data[1]>>7)]) // or half of it
			}
			if data[0]&0x80 != 0 {
				b.SetMinDelay(time.Duration(data[0]>>4&7) * 5 * msec)
			}
			for i, x := range out {
				if x != x || x > 2 || x < -2 {
					t.Fatalf("sample %d = %v", i, x)
				}
			}
			data = data[7:]
		}
		if n := len(b.packets.wait) + len(b.packets.free); n != maxPackets {
			t.Fatalf("packets = %d, want %d", n, maxPackets)
		}
	})
}

func BenchmarkGet(b *testing.B) {
	for _, bad := range []bool{false, true} {
		name := map[bool]string{false: "clean", true: "bad"}[bad]
		b.Run(name, func(b *testing.B) {
			l := link{codec: codec.PCMA(), ptime: 20 * msec}
			if bad {
				l.lost, l.delay = randomLoss(0.1, 1), uniform(80*msec, 2)
			}
			packets := l.packets(b, speech(8000, 20*8000))
			buf := New(Config{})
			if err := buf.SetDecoders(map[uint8]codec.Codec{8: l.codec}); err != nil {
				b.Fatal(err)
			}
			out := make([]float32, frame)
			now, next, turn := time.Duration(0), 0, uint16(0)
			for b.Loop() {
				now += 10 * msec
				for next < len(packets) && packets[next].Arrival+time.Duration(turn)*20*time.Second <= now {
					p := packets[next]
					p.Arrival += time.Duration(turn) * 20 * time.Second
					p.Sequence += turn * 1000
					p.Timestamp += uint32(turn) * 160000
					buf.Insert(p)
					next++
				}
				if next == len(packets) {
					next, turn = 0, turn+1
				}
				buf.Get(out)
			}
		})
	}
}
