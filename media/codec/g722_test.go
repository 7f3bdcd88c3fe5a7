package codec

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"
)

// noise makes n numbers with the top bits of a linear congruential generator.
func noise(n, shift int, seed uint32) []int {
	pcm := make([]int, n)
	for i := range pcm {
		seed = seed*1664525 + 1013904223
		pcm[i] = (int(seed>>16) - 32768) >> shift
	}
	return pcm
}

func sawtooth(n, step, shift int) []int {
	pcm := make([]int, n)
	for i := range pcm {
		pcm[i] = int(int16(step*(i+1))) >> shift
	}
	return pcm
}

func mixture(n int) []int {
	pcm := noise(n, 5, 7)
	low, high := sawtooth(n, 700, 2), sawtooth(n, 2311, 3)
	for i := range pcm {
		pcm[i] += low[i] * (i >> 9 & 1)
		pcm[i] += high[i] * (i >> 11 & 1)
	}
	return pcm
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func bytesOf(pcm []float32) []byte {
	var b []byte
	for _, x := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(x*32768)))
	}
	return b
}

// The sums are of what an independent implementation of G.722 makes of the same
// samples: of its codes, and of those decoded to little-endian 16-bit numbers.
func TestG722IsBitExact(t *testing.T) {
	const n = 32000
	tests := []struct {
		name           string
		in             []int
		codes, decoded string
	}{
		{
			"noise", noise(n, 1, 1), "6a640d147d06d1ded6e879178466b7929baa736f4db39d42d9fc9630fa23fc4d",
			"208a9171724898a4c329b683e46505557c35425cd24b74a151cb1d692c384cc9",
		},
		{
			"quiet noise", noise(n, 8, 1), "a75ebcc438a4c8d88bea128cbb174faa6ec320e88c322950696361319d39717f",
			"10b793a0f0f925079a3287c6f01bd62a220efe3005ac251a8508c3df4c540b38",
		},
		{
			"sawtooth", sawtooth(n, 900, 1), "0b1ff5b75ea6f81fa2f91a45e39167cd7206695c63427e3b8fd464e956dc716c",
			"d3d8a6c634a859beb82086eb728a71a6d061085b5205326f57046004f2860840",
		},
		{
			"mixture", mixture(n), "3198cecdbb623374c556fd032a75f39aaa884beea041a47ad5c806617b57bb5a",
			"cf48bebb004251391a159b139eb68b72417fa76c6e3a9f5f56f32ab9732e792e",
		},
		{
			"silence", make([]int, n), "fd22c79f66c5dedb1d396d7cceb1b9d2398e2d2ee2b491c63be40344729bad45",
			"6c8fb4db5c596c094e79539f9f33fcc6c106b5d4d1f9000e328becfdcfea9259",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pcm := make([]float32, n)
			for i, x := range tt.in {
				pcm[i] = float32(x) / 32768
			}
			enc, _ := G722().NewEncoder(EncoderParams{})
			codes, err := enc.Encode(nil, pcm)
			if err != nil {
				t.Fatal(err)
			}
			if got := sum(codes); got != tt.codes {
				t.Errorf("codes begin %x, sum = %s, want %s", codes[:16], got, tt.codes)
			}
			if got := sum(decodeAll(t, codes)); got != tt.decoded {
				t.Errorf("sum of decoded = %s, want %s", got, tt.decoded)
			}
		})
	}
}

// What is too loud for 16 bits is clipped, and does not wrap around.
func TestG722ClipsOverload(t *testing.T) {
	in := tone(900, 16000, 1, 1600)
	for i := range in {
		in[i] = float32(math.Copysign(1, float64(in[i])))
	}
	out := roundTrip(t, G722(), in)
	for i := 100; i < len(out)-g722Delay; i++ {
		if in[i]*out[i+g722Delay] < 0 && in[i] == in[i-2] && in[i] == in[i+2] {
			t.Fatalf("sample %d = %v, want the sign of %v", i, out[i+g722Delay], in[i])
		}
	}
}

func decodeAll(t *testing.T, codes []byte) []byte {
	t.Helper()
	dec, err := G722().NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float32, 2*len(codes))
	if n, err := dec.Decode(out, codes); err != nil || n != len(out) {
		t.Fatalf("Decode = %d, %v, want %d samples", n, err, len(out))
	}
	return bytesOf(out)
}

// g722Delay is that of the two filters, in samples.
const g722Delay = 22

func TestG722Quality(t *testing.T) {
	tests := []struct {
		hz   float64
		want float64 // dB
	}{
		{300, 35}, {1000, 35}, {3000, 30}, {5000, 14}, {6500, 14},
	}
	for _, tt := range tests {
		in := tone(tt.hz, 16000, 0.5, 16000)
		out := roundTrip(t, G722(), in)
		if got := snr(in[1000:], out[1000+g722Delay:]); got < tt.want {
			t.Errorf("SNR at %v Hz = %.1f dB, want at least %v", tt.hz, got, tt.want)
		}
	}
}

// The two filters together are flat but for the edge, and let no image through.
func TestQMFResponse(t *testing.T) {
	for hz := 100.0; hz < 7000; hz += 230 {
		in := tone(hz, 16000, 0.9, 4000)
		var split, join qmfLine
		var out []float32
		for i := 0; i < len(in); i += 2 {
			odd, even := qmf(split.push(int(toInt16(in[i])), int(toInt16(in[i+1]))))
			low, high := (even+odd)>>14, (even-odd)>>14
			odd, even = qmf(join.push(low+high, low-high))
			out = append(out, float32(even>>11)/32768, float32(odd>>11)/32768)
		}
		if got := snr(in[100:3900], out[100+g722Delay:3900+g722Delay]); got < 38 {
			t.Errorf("SNR of split and join at %.0f Hz = %.1f dB, want at least 38", hz, got)
		}
	}
}

func TestG722RefusesWhatDoesNotFit(t *testing.T) {
	enc, _ := G722().NewEncoder(EncoderParams{})
	if _, err := enc.Encode(nil, make([]float32, 161)); err != ErrPacketSize {
		t.Errorf("Encode of 161 samples = %v, want %v", err, ErrPacketSize)
	}
	dec, _ := G722().NewDecoder()
	if _, err := dec.Decode(make([]float32, 319), make([]byte, 160)); err != ErrShortBuffer {
		t.Errorf("Decode into a short buffer = %v, want %v", err, ErrShortBuffer)
	}
	if _, err := dec.Decode(make([]float32, 320), nil); err != ErrPayload {
		t.Errorf("Decode(nil) = %v, want %v", err, ErrPayload)
	}
}

func TestCodecsAllocateNothing(t *testing.T) {
	for _, c := range []Codec{PCMA(), PCMU(), G722()} {
		enc, _ := c.NewEncoder(EncoderParams{})
		dec, _ := c.NewDecoder()
		pcm := tone(440, 8000, 0.5, c.Format().SampleRate/50)
		payload := make([]byte, 0, 160)
		if got := testing.AllocsPerRun(50, func() {
			payload, _ = enc.Encode(payload[:0], pcm)
			dec.Decode(pcm, payload)
		}); got != 0 {
			t.Errorf("%s: allocations = %v, want none", c.Format().Name, got)
		}
	}
}

func FuzzG722Decode(f *testing.F) {
	f.Add([]byte{0xfa, 0, 0xff, 0x80})
	dec, _ := G722().NewDecoder()
	pcm := make([]float32, 2*960)
	f.Fuzz(func(t *testing.T, payload []byte) {
		n, err := dec.Decode(pcm, payload[:min(len(payload), 960)])
		if err != nil && n != 0 {
			t.Errorf("Decode = %d samples with error %v", n, err)
		}
		for _, x := range pcm[:n] {
			if math.Abs(float64(x)) > 1 {
				t.Fatalf("Decode gave %v, want within [-1, 1]", x)
			}
		}
	})
}

func BenchmarkG722(b *testing.B) {
	enc, _ := G722().NewEncoder(EncoderParams{})
	dec, _ := G722().NewDecoder()
	pcm := tone(440, 16000, 0.5, 320)
	var payload []byte
	for b.Loop() {
		payload, _ = enc.Encode(payload[:0], pcm)
		dec.Decode(pcm, payload)
	}
}
