package jitter

import (
	"fmt"
	"testing"
	"time"

	"parley/media/codec"
)

// half is what one Get takes where delay is to be low: 5 ms.
const half = frame / 2

// low is the Config for that.
var low = Config{MinDelay: 5 * msec}

// On a clean link a packet waits for one Get and no more, and nothing is changed.
func TestLowDelayOnACleanLink(t *testing.T) {
	for _, ptime := range []time.Duration{5 * msec, 10 * msec, 20 * msec} {
		for _, phase := range []time.Duration{0, 1 * msec, 4900 * time.Microsecond} {
			t.Run(fmt.Sprint(ptime, phase), func(t *testing.T) {
				l := link{
					codec: newLinear(48000), ptime: ptime, phase: phase, get: half, seconds: 3,
					delay: always(func(int, time.Duration) time.Duration { return msec }),
				}
				r := l.run(t, low)
				at := half
				if phase < msec {
					at += half // the first packet is there at the second Get
				}
				if s := r.stats; s.Accelerated+s.Expanded+s.Concealed+s.Late+s.Lost != 0 || s.Target != 5*msec {
					t.Errorf("stats = %+v, want nothing changed or missed, and a target of 5 ms", s)
				}
				for i, x := range r.out[at:] {
					if want := float32(int16(r.in[i]*32767)) / 32767; x != want {
						t.Fatalf("sample %d = %v, want %v", i, x, want)
					}
				}
			})
		}
	}
}

// The buffer of a call that is not of low delay holds what it always did, though
// it is asked for less at a time because of another.
func TestOrdinaryDelayInSmallPieces(t *testing.T) {
	l := link{
		codec: newLinear(48000), ptime: 20 * msec, get: half, seconds: 3,
		delay: always(func(int, time.Duration) time.Duration { return msec }),
	}
	r := l.run(t, Config{})
	if s := r.stats; s.Accelerated+s.Expanded+s.Concealed+s.Late != 0 || s.Target != DefaultMinDelay {
		t.Errorf("stats = %+v, want nothing changed and a target of %v", s, DefaultMinDelay)
	}
	// And of low delay, asked for more at a time.
	l.get = frame
	r = l.run(t, low)
	if s := r.stats; s.Accelerated+s.Expanded+s.Concealed+s.Late != 0 || s.Target != 10*msec {
		t.Errorf("in whole frames: stats = %+v, want nothing changed and a target of 10 ms", s)
	}
}

// The healthy jitter of a LAN is not heard, wherever the calls to Get fall.
func TestLowDelayWithSmallJitter(t *testing.T) {
	for _, ptime := range []time.Duration{5 * msec, 10 * msec} {
		for seed := range uint64(5) {
			l := link{
				codec: newLinear(8000), ptime: ptime, phase: time.Duration(seed) * 1100 * time.Microsecond, get: half,
				delay: uniform(2*msec, seed), seconds: 10,
			}
			r := l.run(t, low)
			if s := r.stats; s.Concealed+s.Late+s.Lost+s.Accelerated+s.Expanded != 0 {
				t.Errorf("%v, seed %d: stats = %+v, want nothing changed or missed", ptime, seed, s)
			}
			_, delays := match(r.in, r.out, 8000, 60*msec)
			if got := median(delays); got > 17*msec { // the converter takes 3.4
				t.Errorf("%v, seed %d: delay = %v, want at most 17 ms", ptime, seed, got)
			}
		}
	}
}

// What is gained on a clean link costs nothing on a bad one: delay grows with the
// jitter, at once, and no more is missing than in an ordinary call.
func TestLowDelayOnBadLinks(t *testing.T) {
	tests := []struct {
		name  string
		link  link
		delay time.Duration // median at most
	}{
		{"5 % loss", link{lost: randomLoss(0.05, 1)}, 20 * msec},
		{"15 % loss", link{lost: randomLoss(0.15, 2)}, 20 * msec},
		{"30 ms of jitter", link{delay: uniform(30*msec, 5)}, 45 * msec},
		{"100 ms of jitter", link{delay: uniform(100*msec, 5)}, 125 * msec},
		{"30 ms of jitter after 3 s", link{delay: after(3*time.Second, uniform(30*msec, 5))}, 45 * msec},
		{"60 ms of jitter after 3 s", link{delay: after(3*time.Second, uniform(60*msec, 6))}, 80 * msec},
	}
	for _, tt := range tests {
		l := tt.link
		l.codec, l.ptime, l.seconds = codec.PCMA(), 10*msec, 15
		plain := l.run(t, Config{})
		was, _ := match(plain.in, plain.out, 8000, 150*msec)
		for _, ptime := range []time.Duration{5 * msec, 10 * msec} {
			t.Run(fmt.Sprint(tt.name, " ", ptime), func(t *testing.T) {
				l := l
				l.ptime, l.get = ptime, half
				r := l.run(t, low)
				alike, delays := match(r.in, r.out, 8000, 150*msec)
				t.Logf("below 0.7: %.3f, ordinary %.3f; delay %v\n%+v\nordinary %+v",
					share(alike, 0.7), share(was, 0.7), median(delays), r.stats, plain.stats)
				if got, most := share(alike, 0.7), share(was, 0.7)+0.06; got > most {
					t.Errorf("share of poor windows = %.3f, want at most %.3f as in an ordinary call", got, most)
				}
				if got, most := r.stats.Concealed, plain.stats.Concealed*5/4+60*ms; got > most {
					t.Errorf("concealed = %d, want at most %d", got, most)
				}
				if got := median(delays); got > tt.delay {
					t.Errorf("median delay = %v, want at most %v", got, tt.delay)
				}
			})
		}
	}
}

// after is a link that delays nothing until then.
func after(begin time.Duration, delay func() delayFunc) func() delayFunc {
	return func() delayFunc {
		d := delay()
		return func(i int, sent time.Duration) time.Duration {
			if sent < begin {
				return 0
			}
			return d(i, sent)
		}
	}
}

// A link that was bad is good again: the delay goes back to what it was.
func TestLowDelayComesBack(t *testing.T) {
	stall := func(_ int, sent time.Duration) time.Duration {
		if sent >= 3*time.Second && sent < 3080*msec {
			return 3080*msec - sent
		}
		return 0
	}
	l := link{codec: newLinear(48000), ptime: 10 * msec, get: half, delay: always(stall), seconds: 20}
	r := l.run(t, low)
	t.Logf("%v %+v", r.delays, r.stats)
	if r.stats.Late+r.stats.Lost > 0 {
		t.Errorf("stats = %+v, want no packet missed", r.stats)
	}
	if got := r.delays[19]; got > 11*msec {
		t.Errorf("delay 17 s after a stall of 80 ms = %v, want at most 11 ms", got)
	}
}

func TestLowDelayFollowsDrift(t *testing.T) {
	for _, ptime := range []time.Duration{5 * msec, 10 * msec} {
		for _, ppm := range []float64{-200, 200} {
			hi := time.Duration(0)
			l := link{
				codec: newLinear(8000), ptime: ptime, drift: ppm, seconds: 60, get: half,
				delay: uniform(1*msec, 9),
				each: func(n int, b *Buffer) {
					if d := b.Stats().Delay; n > 200 {
						hi = max(hi, d)
					}
				},
			}
			r := l.run(t, low)
			s := r.stats
			t.Logf("%v, %v ppm: at most %v, %+v", ptime, ppm, hi, s)
			if s.Late+s.Discarded+s.Resets+s.Lost != 0 {
				t.Errorf("%v, %v ppm: stats = %+v, want every packet played", ptime, ppm, s)
			}
			if s.Concealed > 60*ms {
				t.Errorf("%v, %v ppm: concealed = %d, want nearly none", ptime, ppm, s.Concealed)
			}
			if hi > 16*msec {
				t.Errorf("%v, %v ppm: delay up to %v, want at most 16 ms", ptime, ppm, hi)
			}
		}
	}
}
