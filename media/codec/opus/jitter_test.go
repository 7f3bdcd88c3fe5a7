package opus_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"parley/media/codec"
	"parley/media/codec/opus"
	"parley/media/jitter"
)

const frame = 480

// play sends in over a link that loses and delays packets, and returns what the
// receive buffer plays.
func play(t *testing.T, in []float32, ptime time.Duration, loss float64, fmtp string) ([]float32, jitter.Stats) {
	t.Helper()
	c := opus.New()
	enc, err := c.NewEncoder(codec.EncoderParams{PacketTime: ptime, Fmtp: fmtp})
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	b := jitter.New(jitter.Config{})
	defer b.Close()
	if err := b.SetDecoders(map[uint8]codec.Codec{111: c}); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	n := int(ptime * 48000 / time.Second)
	var out []float32
	for i := 0; (i+1)*n <= len(in); i++ {
		payload, err := enc.Encode(nil, in[i*n:(i+1)*n])
		if err != nil {
			t.Fatal(err)
		}
		if rng.Float64() >= loss {
			b.Insert(jitter.Packet{
				PayloadType: 111, Sequence: uint16(i), Timestamp: uint32(i * n), SSRC: 1,
				Payload: payload, Arrival: time.Duration(i) * ptime,
			})
		}
		for range n / frame {
			out = append(out, make([]float32, frame)...)
			b.Get(out[len(out)-frame:])
		}
	}
	return out, b.Stats()
}

func vowel(n int) []float32 {
	pcm := make([]float32, n)
	var phase float64
	for i := range pcm {
		at := float64(i) / 48000
		phase += (140 + 30*math.Sin(2*math.Pi*0.9*at)) / 48000
		for h := 3.0; h < 12; h++ {
			pcm[i] += float32(0.15 * math.Sin(2*math.Pi*phase*h) / h * (0.6 + 0.4*math.Sin(2*math.Pi*2*at)))
		}
	}
	return pcm
}

// correlation is the best of out with in delayed by up to 60 ms.
func correlation(in, out []float32) float64 {
	best := 0.0
	const most = 60 * 48
	for d := 0; d < most; d += 4 {
		var ab, aa, bb float64
		for i := most; i < len(out); i += 3 {
			a, b := float64(in[i-d]), float64(out[i])
			ab, aa, bb = ab+a*b, aa+a*a, bb+b*b
		}
		best = max(best, ab/math.Sqrt(aa*bb))
	}
	return best
}

func TestReceiveBufferUsesRedundancy(t *testing.T) {
	in := vowel(6 * 48000)
	clean, s := play(t, in, 20*time.Millisecond, 0, "useinbandfec=1")
	if s.Concealed+s.Recovered+s.Accelerated+s.Expanded != 0 {
		t.Errorf("without loss: stats = %+v, want nothing changed", s)
	}
	with, s := play(t, in, 20*time.Millisecond, 0.1, "useinbandfec=1")
	if s.Recovered == 0 {
		t.Errorf("with redundancy: stats = %+v, want some recovered", s)
	}
	without, s2 := play(t, in, 20*time.Millisecond, 0.1, "")
	if s2.Recovered != 0 || s2.Concealed <= s.Concealed {
		t.Errorf("without redundancy: stats = %+v, want all concealed", s2)
	}
	best, good, poor := correlation(in, clean), correlation(in, with), correlation(in, without)
	t.Logf("correlation: %.3f clean, %.3f and %.3f of 10 %% lost with and without redundancy", best, good, poor)
	if good < best-0.06 {
		t.Errorf("correlation with 10 %% lost = %.3f, want near the %.3f without loss", good, best)
	}
}

func TestReceiveBufferTakesAnyPacketTime(t *testing.T) {
	in := vowel(2 * 48000)
	for _, d := range []time.Duration{10, 20, 40, 60} {
		_, s := play(t, in, d*time.Millisecond, 0, "")
		if s.Concealed+s.Accelerated+s.Expanded+s.Late+s.Discarded != 0 {
			t.Errorf("%d ms: stats = %+v, want nothing changed", d, s)
		}
	}
}
