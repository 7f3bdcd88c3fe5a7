package media

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// ride is two loops with clocks of their own: the one writes a sine, the other
// takes it.
type ride struct {
	drift  float64       // how much faster the writer's clock goes
	phase  time.Duration // the taker is later by that
	jitter time.Duration // up to that each of them wakes up too late
	stall  func(time.Duration) bool
}

// crossed is what came of a ride.
type crossed struct {
	taken      []float32
	clicks     int           // steps that a sine does not have
	jumps      int           // of the place
	least, max time.Duration // that a sample waited, from the second second on
}

const rideTone = 440

func (r ride) run(length time.Duration) crossed {
	rng := rand.New(rand.NewPCG(1, 2))
	var ring [seatRing]float32
	st := &seat{}
	var c crossing
	var out crossed
	out.least = time.Hour
	written := int64(seatRing)
	frame, old := make([]float32, FrameSamples), make([]float32, FrameSamples)
	late := func() time.Duration {
		if r.jitter == 0 {
			return 0
		}
		return time.Duration(rng.Int64N(int64(r.jitter)))
	}
	period := time.Duration(float64(FrameDuration) / (1 + r.drift))
	write, take := late(), r.phase+late()
	for w, k := 0, 0; take < length; {
		if write <= take {
			if r.stall == nil || !r.stall(write) {
				for i := range frame {
					frame[i] = float32(0.5 * math.Sin(2*math.Pi*rideTone*float64(written+int64(i))/SampleRate))
				}
				st.ring = ring
				st.put(written, frame)
				ring = st.ring
				written += FrameSamples
			}
			w++
			write = time.Duration(w)*period + late()
			continue
		}
		s := c.next(written)
		s.read(&ring, frame, old)
		ramp(frame, s.from, s.to)
		if s.jump {
			out.jumps++
		}
		if take > time.Second && !s.quiet {
			// The sample that is taken first was written that long ago.
			wait := take - time.Duration(float64(s.at-seatRing)/SampleRate/(1+r.drift)*float64(time.Second))
			out.least, out.max = min(out.least, wait), max(out.max, wait)
		}
		out.taken = append(out.taken, frame...)
		k++
		take = r.phase + time.Duration(k)*FrameDuration + late()
	}
	const steepest = 1.25 * 0.5 * 2 * math.Pi * rideTone / SampleRate
	for i := 2 * FrameSamples; i < len(out.taken); i++ { // it begins with one
		if math.Abs(float64(out.taken[i]-out.taken[i-1])) > steepest {
			out.clicks++
		}
	}
	return out
}

func TestCrossingOfEqualClocks(t *testing.T) {
	for phase := time.Duration(0); phase < FrameDuration; phase += time.Millisecond {
		got := ride{phase: phase}.run(20 * time.Second)
		if got.clicks > 0 || got.jumps > 0 || got.max > 16*time.Millisecond || got.max-got.least > time.Microsecond {
			t.Errorf("phase %v: %d clicks, %d jumps, %v to %v late; want 5 to 15ms and no trace", phase, got.clicks, got.jumps, got.least, got.max)
		}
	}
}

// Quartz clocks differ by up to 200 millionths, and goroutines wake up late.
func TestCrossingOfClocksThatDrift(t *testing.T) {
	for _, drift := range []float64{-2e-4, -3e-5, 3e-5, 2e-4} {
		for _, jitter := range []time.Duration{0, 2 * time.Millisecond} {
			got := ride{drift: drift, jitter: jitter}.run(driftTime)
			t.Logf("drift %g, jitter %v: %d jumps, %v to %v late", drift, jitter, got.jumps, got.least, got.max)
			if got.clicks > 0 || got.max > 25*time.Millisecond || got.least < 4*time.Millisecond || got.jumps > 10 {
				t.Errorf("drift %g, jitter %v: %d clicks, %d jumps, %v to %v late", drift, jitter, got.clicks, got.jumps, got.least, got.max)
			}
			tone := loudness(got.taken[SampleRate : 2*SampleRate])
			if tone < 0.45 {
				t.Errorf("drift %g: the tone has %.2f of 0.5", drift, tone)
			}
		}
	}
}

// A writer that stands still is silence, without a click, and is followed again.
func TestCrossingOfAStall(t *testing.T) {
	got := ride{phase: 3 * time.Millisecond, stall: func(at time.Duration) bool {
		return at > 2*time.Second && at < 3*time.Second
	}}.run(5 * time.Second)
	if got.clicks > 0 {
		t.Errorf("%d clicks", got.clicks)
	}
	if loud := loudness(got.taken[2*SampleRate+SampleRate/10 : 3*SampleRate-SampleRate/10]); loud > 0 {
		t.Errorf("loudness %.3f while nothing is written, want silence", loud)
	}
	if tone := loudness(got.taken[3*SampleRate+SampleRate/10 : 4*SampleRate]); tone < 0.45 {
		t.Errorf("after the stall the tone has %.2f of 0.5", tone)
	}
}

// loudness is the peak of a sine as loud as pcm.
func loudness(pcm []float32) float64 {
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(2 * sum / float64(len(pcm)))
}
