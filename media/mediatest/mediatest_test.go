package mediatest

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestCompareFindsDelay(t *testing.T) {
	const rate = 48000
	ref := Speech(1, 4*rate, rate)
	for _, delay := range []int{0, 480, 4800, 70000} {
		got := append(make([]float32, delay), ref...)
		r := Compare(ref, got, rate)
		want := time.Duration(delay) * time.Second / rate
		if d := r.Delay - want; d > time.Millisecond || d < -time.Millisecond {
			t.Errorf("Compare delayed by %v: Delay = %v", want, r.Delay)
		}
		if r.MedianCorrelation < 0.98 || r.Gaps != 0 || math.Abs(r.Gain-1) > 0.01 {
			t.Errorf("Compare delayed by %v = %+v, want a perfect copy", want, r)
		}
	}
}

func TestCompareLeads(t *testing.T) {
	const rate = 8000
	ref := Speech(1, 4*rate, rate)
	if r := Compare(ref, ref[rate/2:], rate); r.Delay != -time.Second/2 || r.MedianCorrelation < 0.99 {
		t.Errorf("Compare(ref, ref without its head) = %+v, want Delay -500ms", r)
	}
}

func TestCompareTellsFaults(t *testing.T) {
	const rate = 16000
	ref := Speech(1, 4*rate, rate)
	t.Run("other speech", func(t *testing.T) {
		if r := Compare(ref, Speech(2, 4*rate, rate), rate); r.MedianCorrelation > 0.6 {
			t.Errorf("MedianCorrelation = %v, want little", r.MedianCorrelation)
		}
	})
	t.Run("silence", func(t *testing.T) {
		r := Compare(ref, make([]float32, 4*rate), rate)
		if r.MedianCorrelation > 0.1 || r.Gaps == 0 {
			t.Errorf("Compare(silence) = %+v, want no correlation and gaps", r)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		if r := Compare(ref, nil, rate); r != (Report{}) {
			t.Errorf("Compare(nil) = %+v, want zero", r)
		}
	})
	t.Run("two gaps", func(t *testing.T) {
		got := append([]float32(nil), ref...)
		holes := 0
		for at := rate; holes < 2; at += rate / 100 {
			if RMS(ref[at:at+rate/25]) > 0.15 {
				clear(got[at : at+rate/25])
				at += rate
				holes++
			}
		}
		r := Compare(ref, got, rate)
		if r.Gaps != 2 || r.LongestGap < 20*time.Millisecond || r.LongestGap > 50*time.Millisecond {
			t.Errorf("Compare with two holes of 40 ms = %+v", r)
		}
	})
	t.Run("noise as loud as the speech", func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		got := append([]float32(nil), ref...)
		for i := range got {
			got[i] += float32(rng.Float64()-0.5) * 1.2
		}
		if r := Compare(ref, got, rate); r.MedianCorrelation > 0.9 || r.MedianCorrelation < 0.3 {
			t.Errorf("MedianCorrelation = %v, want between 0.3 and 0.9", r.MedianCorrelation)
		}
	})
}

func TestSpeechNeverRepeats(t *testing.T) {
	const rate = 8000
	pcm := Speech(7, 10*rate, rate)
	for _, v := range pcm {
		if math.Abs(float64(v)) > 0.9 {
			t.Fatalf("sample %v, want a peak below 0.9", v)
		}
	}
	first := pcm[:2*rate]
	if r := Compare(first, pcm[2*rate:], rate); r.MedianCorrelation > 0.6 {
		t.Errorf("the first 2 s come again later: %+v", r)
	}
}

func TestPower(t *testing.T) {
	pcm := Tone(425, 0.3, 8000, 8000)
	if got := Power(pcm, 425, 8000); math.Abs(got-0.3) > 0.001 {
		t.Errorf("Power(425 Hz) = %v, want 0.3", got)
	}
	if got := Power(pcm, 600, 8000); got > 0.001 {
		t.Errorf("Power(600 Hz) = %v, want 0", got)
	}
}

func TestNetworkDelaysAndDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := NewNetwork()
		a, err := n.Listen(netip.MustParseAddrPort("10.0.0.1:5000"))
		if err != nil {
			t.Fatal(err)
		}
		b, err := n.Listen(netip.MustParseAddrPort("10.0.0.2:0"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Listen(a.AddrPort()); err == nil {
			t.Error("Listen on a taken port succeeded")
		}
		n.SetHook(func(_, _ netip.AddrPort, p []byte) (bool, time.Duration) {
			return p[0] == 'x', 30 * time.Millisecond
		})
		begin := time.Now()
		for _, s := range []string{"x", "y"} {
			if _, err := a.WriteTo([]byte(s), b.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		buf := make([]byte, 10)
		size, from, err := b.ReadFrom(buf)
		if err != nil || string(buf[:size]) != "y" || from.String() != "10.0.0.1:5000" {
			t.Errorf("ReadFrom = %q, %v, %v, want y from a", buf[:size], from, err)
		}
		if got := time.Since(begin); got != 30*time.Millisecond {
			t.Errorf("took %v, want 30ms", got)
		}
		a.Close()
		b.Close()
		if n.Open() != 0 {
			t.Errorf("Open() = %d after Close, want 0", n.Open())
		}
	})
}
