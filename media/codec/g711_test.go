package codec

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"
	"time"
)

// The sums are of the decoding tables as 256 little-endian 16-bit numbers, made
// with an independent implementation of G.711.
func TestG711DecodingTables(t *testing.T) {
	tests := []struct {
		name   string
		expand func(byte) int16
		sum    string
	}{
		{"A-law", alawExpand, "e04788d110e58ff8c70c93b8480190d973e3b67876b6119abbaec766cc75c174"},
		{"µ-law", ulawExpand, "3dab54339e520bb2c924826e3b72a917a2b612e9fd12fc867500f1d983a75827"},
	}
	for _, tt := range tests {
		var table []byte
		for i := range 256 {
			table = binary.LittleEndian.AppendUint16(table, uint16(tt.expand(byte(i))))
		}
		sum := sha256.Sum256(table)
		if got := hex.EncodeToString(sum[:]); got != tt.sum {
			t.Errorf("%s table sum = %s, want %s", tt.name, got, tt.sum)
		}
	}
}

// The sum is of the codes of all 65536 numbers from -32768 up, made with an
// independent implementation of G.711.
func TestALawCodesEveryNumber(t *testing.T) {
	var codes []byte
	for x := math.MinInt16; x <= math.MaxInt16; x++ {
		codes = append(codes, alawCompress(int16(x)))
	}
	const want = "38488f6fd710f4686360edc4d38639f96c491595ef93f8eb8d62d5e07ca6ce7b"
	sum := sha256.Sum256(codes)
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("sum of A-law codes = %s, want %s", got, want)
	}
}

// Points of G.711 tables 1a, 1b, 2a and 2b: both ends of the scale, and around
// zero, as they go over the wire.
func TestG711KnownCodes(t *testing.T) {
	tests := []struct {
		name     string
		compress func(int16) byte
		in       int16
		want     byte
	}{
		{"A-law", alawCompress, 0, 0xd5},
		{"A-law", alawCompress, -1, 0x55},
		{"A-law", alawCompress, 32767, 0xaa},
		{"A-law", alawCompress, -32768, 0x2a},
		{"A-law", alawCompress, 16384, 0xa5},
		{"A-law", alawCompress, 16383, 0xba},
		{"µ-law", ulawCompress, 0, 0xff},
		{"µ-law", ulawCompress, -1, 0x7f},
		{"µ-law", ulawCompress, 32767, 0x80},
		{"µ-law", ulawCompress, -32768, 0x00},
		{"µ-law", ulawCompress, 3, 0xff},
		{"µ-law", ulawCompress, 4, 0xfe},
	}
	for _, tt := range tests {
		if got := tt.compress(tt.in); got != tt.want {
			t.Errorf("%s code of %d = %#02x, want %#02x", tt.name, tt.in, got, tt.want)
		}
	}
}

// Coding a decoded number gives its code again, and the code of any number is
// the nearest of the table, but for the uneven intervals where segments meet.
func TestG711CodesAreNearest(t *testing.T) {
	tests := []struct {
		name     string
		compress func(int16) byte
		expand   func(byte) int16
		step     int // of the input as the law sees it
	}{
		{"A-law", alawCompress, alawExpand, 16},
		{"µ-law", ulawCompress, ulawExpand, 4},
	}
	for _, tt := range tests {
		for i := range 256 {
			v := tt.expand(byte(i))
			if got := tt.expand(tt.compress(v)); got != v {
				t.Errorf("%s code %#02x = %d comes back as %d", tt.name, i, v, got)
			}
		}
		for x := -32635; x <= 32635; x += 7 {
			near := math.MaxInt
			for i := range 256 {
				near = min(near, abs(x-int(tt.expand(byte(i)))))
			}
			got := abs(x - int(tt.expand(tt.compress(int16(x)))))
			if limit := max(near, abs(x)/32) + tt.step; got > limit {
				t.Fatalf("%s error of %d = %d, want at most %d", tt.name, x, got, limit)
			}
		}
	}
}

func abs(x int) int { return max(x, -x) }

func TestG711RoundTrip(t *testing.T) {
	for _, c := range []Codec{PCMA(), PCMU()} {
		in := tone(440, 8000, 0.5, 8000)
		out := roundTrip(t, c, in)
		if got, want := snr(in, out), 36.0; got < want {
			t.Errorf("%s SNR of a tone = %.1f dB, want at least %.0f", c.Format().Name, got, want)
		}
	}
}

func TestG711RefusesWhatDoesNotFit(t *testing.T) {
	d, err := PCMA().NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Decode(make([]float32, 79), make([]byte, 80)); err != ErrShortBuffer {
		t.Errorf("Decode into a short buffer = %v, want %v", err, ErrShortBuffer)
	}
	if _, err := d.Decode(make([]float32, 80), nil); err != ErrPayload {
		t.Errorf("Decode(nil) = %v, want %v", err, ErrPayload)
	}
}

func TestToInt16(t *testing.T) {
	tests := []struct {
		in   float32
		want int16
	}{
		{0, 0},
		{1, 32767},
		{-1, -32768},
		{7, 32767},
		{-7, -32768},
		{0.5, 16384},
		{float32(math.NaN()), 0},
		{float32(math.Inf(1)), 32767},
		{-0.5 / 32768, 0},
		{-1.0 / 32768, -1},
	}
	for _, tt := range tests {
		if got := toInt16(tt.in); got != tt.want {
			t.Errorf("toInt16(%v) = %d, want %d", tt.in, got, tt.want)
		}
	}
}

func TestPacketTime(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct{ want, got time.Duration }{
		{0, 20 * ms},
		{10 * ms, 10 * ms},
		{25 * ms, 20 * ms},
		{30 * ms, 30 * ms},
		{5 * ms, 5 * ms},
		{9 * ms, 5 * ms},
		{100 * ms, 60 * ms},
		{-1, 20 * ms},
	}
	for _, tt := range tests {
		if got := PCMU().PacketTime(tt.want); got != tt.got {
			t.Errorf("PacketTime(%v) = %v, want %v", tt.want, got, tt.got)
		}
	}
}

func tone(hz, rate, amplitude float64, n int) []float32 {
	pcm := make([]float32, n)
	for i := range pcm {
		pcm[i] = float32(amplitude * math.Sin(2*math.Pi*hz*float64(i)/rate))
	}
	return pcm
}

// roundTrip codes and decodes in in packets of 20 ms.
func roundTrip(t testing.TB, c Codec, in []float32) []float32 {
	t.Helper()
	enc, err := c.NewEncoder(EncoderParams{})
	if err != nil {
		t.Fatal(err)
	}
	dec, err := c.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	defer dec.Close()
	n := c.Format().SampleRate / 50
	var out []float32
	pcm := make([]float32, n)
	for ; len(in) >= n; in = in[n:] {
		payload, err := enc.Encode(nil, in[:n])
		if err != nil {
			t.Fatalf("Encode: %v", err)
		}
		if got := c.Samples(payload); got != n {
			t.Fatalf("Samples of %d bytes = %d, want %d", len(payload), got, n)
		}
		got, err := dec.Decode(pcm, payload)
		if err != nil || got != n {
			t.Fatalf("Decode = %d, %v, want %d samples", got, err, n)
		}
		out = append(out, pcm...)
	}
	return out
}

// snr is the power of want over that of the difference, in dB.
func snr(want, got []float32) float64 {
	var signal, noise float64
	for i := range got {
		w, d := float64(want[i]), float64(got[i]-want[i])
		signal += w * w
		noise += d * d
	}
	return 10 * math.Log10(signal/noise)
}
