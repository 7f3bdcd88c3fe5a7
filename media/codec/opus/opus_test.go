package opus

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hraban/opus"

	"parley/media/codec"
)

// voice is a vowel of moving pitch that swells and falls.
func voice(n int) []float32 {
	pcm := make([]float32, n)
	var phase float64
	for i := range pcm {
		t := float64(i) / sampleRate
		phase += (140 + 30*math.Sin(2*math.Pi*0.9*t)) / sampleRate
		var v float64
		for h := 1.0; h < 12; h++ {
			v += math.Sin(2*math.Pi*phase*h) / h
		}
		pcm[i] = float32(0.2 * v * (0.6 + 0.4*math.Sin(2*math.Pi*2*t)))
	}
	return pcm
}

func encodeAll(t testing.TB, p codec.EncoderParams, pcm []float32) [][]byte {
	t.Helper()
	enc, err := New().NewEncoder(p)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	n := int(New().PacketTime(p.PacketTime) * sampleRate / time.Second)
	var packets [][]byte
	for ; len(pcm) >= n; pcm = pcm[n:] {
		payload, err := enc.Encode(nil, pcm[:n])
		if err != nil {
			t.Fatalf("Encode: %v", err)
		}
		packets = append(packets, payload)
	}
	return packets
}

// alike is the best normalized correlation of out with in delayed by up to most
// samples.
func alike(in, out []float32, most int) float64 {
	best := 0.0
	for d := range most {
		var ab, aa, bb float64
		for i := most; i < min(len(out), len(in)); i++ {
			a, b := float64(in[i-d]), float64(out[i])
			ab, aa, bb = ab+a*b, aa+a*a, bb+b*b
		}
		best = max(best, ab/math.Sqrt(aa*bb))
	}
	return best
}

func newDecoder(t testing.TB) codec.FECDecoder {
	t.Helper()
	dec, err := New().NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	return dec.(codec.FECDecoder)
}

func TestRoundTrip(t *testing.T) {
	in := voice(sampleRate)
	for _, d := range []time.Duration{10, 20, 40, 60} {
		d *= time.Millisecond
		packets := encodeAll(t, codec.EncoderParams{PacketTime: d}, in)
		dec := newDecoder(t)
		var out []float32
		bytes := 0
		for _, p := range packets {
			pcm := make([]float32, maxDecoded)
			n, err := dec.Decode(pcm, p)
			if err != nil {
				t.Fatalf("%v: Decode: %v", d, err)
			}
			if want := int(d * sampleRate / time.Second); n != want || New().Samples(p) != want {
				t.Fatalf("%v: Decode = %d, Samples = %d, want %d", d, n, New().Samples(p), want)
			}
			out = append(out, pcm[:n]...)
			bytes += len(p)
		}
		if got := alike(in, out, 400); got < 0.8 { // the codec's high-pass turns phases
			t.Errorf("%v: correlation = %.3f, want at least 0.8", d, got)
		}
		if got := bytes * 8; got < DefaultBitrate/2 || got > DefaultBitrate*3/2 {
			t.Errorf("%v: rate = %d bit/s, want about %d", d, got, DefaultBitrate)
		}
	}
}

// A lost packet is better made good from the next one than by guessing: it is
// more like what would have been decoded without the loss.
func TestFECRecoversLostPackets(t *testing.T) {
	const n = sampleRate / 50
	packets := encodeAll(t, codec.EncoderParams{Fmtp: "useinbandfec=1"}, voice(2*sampleRate))
	whole, guess, fec := newDecoder(t), newDecoder(t), newDecoder(t)
	var want, guessed, recovered []float32
	for i, p := range packets[:len(packets)-1] {
		w, g, r := make([]float32, n), make([]float32, n), make([]float32, n)
		lost := i%4 == 3 && fec.HasFEC(packets[i+1])
		_, err := whole.Decode(w, p)
		if lost {
			_, gerr := guess.Conceal(g)
			_, rerr := fec.DecodeFEC(r, packets[i+1])
			err = errors.Join(err, gerr, rerr)
			want, guessed, recovered = append(want, w...), append(guessed, g...), append(recovered, r...)
		} else {
			_, gerr := guess.Decode(g, p)
			_, rerr := fec.Decode(r, p)
			err = errors.Join(err, gerr, rerr)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := len(want) / n; got < 10 {
		t.Fatalf("packets recovered = %d, want at least 10", got)
	}
	g, r := alike(want, guessed, 1), alike(want, recovered, 1)
	if r < 0.9 || r <= g {
		t.Errorf("correlation = %.3f with redundancy, %.3f without; want 0.9 and the better of both", r, g)
	}
}

func TestHasFECFollowsTheSettings(t *testing.T) {
	in := voice(sampleRate)
	for _, d := range []time.Duration{10, 20, 40, 60} {
		count := func(fmtp string) (n int) {
			for _, p := range encodeAll(t, codec.EncoderParams{PacketTime: d * time.Millisecond, Fmtp: fmtp}, in) {
				if hasFEC(p) {
					n++
				}
			}
			return n
		}
		if got := count("useinbandfec=0"); got != 0 {
			t.Errorf("%d ms without FEC: packets with a copy = %d, want 0", d, got)
		}
		if got, want := count("useinbandfec=1"), 1000/int(d)/2; got < want {
			t.Errorf("%d ms with FEC: packets with a copy = %d, want at least %d", d, got, want)
		}
	}
}

func TestDecodesStereoAndLongPackets(t *testing.T) {
	enc, err := opus.NewEncoder(sampleRate, 2, opus.AppAudio)
	if err != nil {
		t.Fatal(err)
	}
	in := voice(sampleRate / 50)
	both := make([]float32, 2*len(in))
	for i, x := range in {
		both[2*i], both[2*i+1] = x, x
	}
	frame := make([]byte, 1275)
	n, err := enc.EncodeFloat32(both, frame)
	if err != nil {
		t.Fatal(err)
	}
	dec := newDecoder(t)
	pcm := make([]float32, maxDecoded)
	if got, err := dec.Decode(pcm, frame[:n]); err != nil || got != len(in) {
		t.Errorf("Decode of stereo = %d, %v, want %d samples", got, err, len(in))
	}
	// Six frames of 20 ms in one packet, each as long as the next (code 3).
	long := []byte{frame[0] | 3, 6}
	for range 6 {
		long = append(long, frame[1:n]...)
	}
	if got, err := dec.Decode(pcm, long); err != nil || got != maxDecoded {
		t.Errorf("Decode of 120 ms = %d, %v, want %d samples", got, err, maxDecoded)
	}
	if got, err := dec.Decode(pcm[:960], long); err != codec.ErrShortBuffer {
		t.Errorf("Decode into a short buffer = %d, %v, want %v", got, err, codec.ErrShortBuffer)
	}
}

// With little delay, half frames too, what is decoded is what was said 2.5 ms
// before, and a tenth of the packets may be missing.
func TestLowDelay(t *testing.T) {
	in := voice(2 * sampleRate)
	for _, d := range []time.Duration{5, 10} {
		d *= time.Millisecond
		packets := encodeAll(t, codec.EncoderParams{PacketTime: d, LowDelay: true, Fmtp: "useinbandfec=1"}, in)
		n := int(d * sampleRate / time.Second)
		for _, every := range []int{0, 10} {
			dec := newDecoder(t)
			var out []float32
			for i, p := range packets {
				pcm := make([]float32, n)
				var err error
				if every > 0 && i%every == 7 {
					_, err = dec.Conceal(pcm)
				} else {
					_, err = dec.Decode(pcm, p)
				}
				if err != nil || hasFEC(p) || New().Samples(p) != n {
					t.Fatalf("%v: packet %d of %d samples, redundancy %v: %v", d, i, New().Samples(p), hasFEC(p), err)
				}
				out = append(out, pcm...)
			}
			const ahead = 5 * sampleRate / 2000
			if got, least := alike(in, out[ahead:], 1), 0.97-0.15*float64(every)/10; got < least {
				t.Errorf("%v, one packet of %d lost: correlation at 2.5 ms = %.3f, want at least %.3f", d, every, got, least)
			}
		}
	}
}

func TestPacketTime(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct{ want, got time.Duration }{
		{0, 20 * ms},
		{5 * ms, 5 * ms},
		{7 * ms, 5 * ms},
		{10 * ms, 10 * ms},
		{15 * ms, 10 * ms},
		{20 * ms, 20 * ms},
		{30 * ms, 20 * ms},
		{40 * ms, 40 * ms},
		{50 * ms, 40 * ms},
		{60 * ms, 60 * ms},
		{120 * ms, 60 * ms},
	}
	for _, tt := range tests {
		if got := New().PacketTime(tt.want); got != tt.got {
			t.Errorf("PacketTime(%v) = %v, want %v", tt.want, got, tt.got)
		}
	}
}

func TestSettingsFor(t *testing.T) {
	plain := settings{bitrate: DefaultBitrate, bandwidth: opus.Fullband}
	with := func(change func(*settings)) settings {
		s := plain
		change(&s)
		return s
	}
	tests := []struct {
		fmtp    string
		bitrate int
		want    settings
	}{
		{"", 0, plain},
		{"useinbandfec=1", 0, with(func(s *settings) { s.fec, s.loss = true, expectedLoss })},
		{" UseInbandFEC = 1 ; stereo=1", 0, with(func(s *settings) { s.fec, s.loss = true, expectedLoss })},
		{"maxaveragebitrate=20000", 0, with(func(s *settings) { s.bitrate = 20000 })},
		{"maxaveragebitrate=64000", 0, plain},
		{"maxaveragebitrate=64000", 128000, with(func(s *settings) { s.bitrate = 64000 })},
		{"maxaveragebitrate=1", 0, with(func(s *settings) { s.bitrate = minBitrate })},
		{"maxplaybackrate=8000;cbr=1", 0, with(func(s *settings) { s.bandwidth, s.constant = opus.Narrowband, true })},
		{"maxplaybackrate=16000", 0, with(func(s *settings) { s.bandwidth = opus.Wideband })},
		{"maxplaybackrate=x;maxaveragebitrate=-5;;=;cbr", 0, plain},
	}
	for _, tt := range tests {
		got := settingsFor(codec.EncoderParams{Fmtp: tt.fmtp, Bitrate: tt.bitrate})
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(settings{})); diff != "" {
			t.Errorf("settingsFor(%q, %d) (-want +got):\n%s", tt.fmtp, tt.bitrate, diff)
		}
	}
	low := settingsFor(codec.EncoderParams{LowDelay: true, Fmtp: "maxaveragebitrate=48000"})
	if want := (settings{bitrate: 48000, bandwidth: opus.Fullband, loss: expectedLoss}); low != want {
		t.Errorf("settingsFor with little delay = %+v, want %+v", low, want)
	}
	if low = settingsFor(codec.EncoderParams{LowDelay: true}); low.bitrate != lowDelayBitrate {
		t.Errorf("settingsFor with little delay = %+v, want %d bit/s", low, lowDelayBitrate)
	}
}

func TestRefusesWhatDoesNotFit(t *testing.T) {
	enc, err := New().NewEncoder(codec.EncoderParams{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 479, 481, 1440, 5760} {
		if _, err := enc.Encode(nil, make([]float32, n)); !errors.Is(err, codec.ErrPacketSize) {
			t.Errorf("Encode of %d samples = %v, want %v", n, err, codec.ErrPacketSize)
		}
	}
	dec := newDecoder(t)
	if _, err := dec.Decode(make([]float32, 960), nil); err != codec.ErrPayload {
		t.Errorf("Decode(nil) = %v, want %v", err, codec.ErrPayload)
	}
	for _, n := range []int{0, 100, maxDecoded + 120} {
		if _, err := dec.Conceal(make([]float32, n)); err != codec.ErrPacketSize {
			t.Errorf("Conceal of %d samples = %v, want %v", n, err, codec.ErrPacketSize)
		}
	}
}

func TestEncodeSurvivesAnyNumber(t *testing.T) {
	pcm := voice(960)
	pcm[5], pcm[6], pcm[7] = float32(math.NaN()), float32(math.Inf(1)), -1e30
	enc, _ := New().NewEncoder(codec.EncoderParams{})
	payload, err := enc.Encode(nil, pcm)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := newDecoder(t).Decode(pcm, payload); err != nil || n != 960 {
		t.Errorf("Decode = %d, %v, want 960 samples", n, err)
	}
}

func TestAllocatesNothing(t *testing.T) {
	enc, _ := New().NewEncoder(codec.EncoderParams{Fmtp: "useinbandfec=1"})
	dec := newDecoder(t)
	pcm, out := voice(960), make([]float32, 960)
	payload := make([]byte, 0, maxPayload)
	if got := testing.AllocsPerRun(50, func() {
		payload, _ = enc.Encode(payload[:0], pcm)
		dec.Decode(out, payload)
		dec.Conceal(out[:480])
		dec.DecodeFEC(out, payload)
	}); got != 0 {
		t.Errorf("allocations = %v, want none", got)
	}
}

// What libopus decodes is as long as its head says, and nothing crashes.
func FuzzDecode(f *testing.F) {
	for _, p := range encodeAll(f, codec.EncoderParams{Fmtp: "useinbandfec=1"}, voice(4800)) {
		f.Add(p)
	}
	f.Add([]byte{0xff, 0xff, 0xff})
	f.Add([]byte{0x0b, 0xc3, 0xfe})
	dec := newDecoder(f)
	pcm := make([]float32, maxDecoded)
	f.Fuzz(func(t *testing.T, payload []byte) {
		n, err := dec.Decode(pcm, payload)
		if err == nil && n != samples(payload) {
			t.Errorf("Decode(%x) = %d samples, want %d", payload, n, samples(payload))
		}
		if dec.HasFEC(payload) {
			_, _ = dec.DecodeFEC(pcm[:960], payload)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	enc, _ := New().NewEncoder(codec.EncoderParams{Fmtp: "useinbandfec=1"})
	pcm := voice(sampleRate)
	var payload []byte
	for i := 0; b.Loop(); i++ {
		at := i % 50 * 960
		payload, _ = enc.Encode(payload[:0], pcm[at:at+960])
	}
}

func BenchmarkDecode(b *testing.B) {
	packets := encodeAll(b, codec.EncoderParams{Fmtp: "useinbandfec=1"}, voice(sampleRate))
	dec, pcm := newDecoder(b), make([]float32, 960)
	for i := 0; b.Loop(); i++ {
		_, _ = dec.Decode(pcm, packets[i%len(packets)])
	}
}
