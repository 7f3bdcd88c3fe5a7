package jitter

import (
	"fmt"
	"testing"
	"time"

	"parley/media/codec"
)

const msec = time.Millisecond

func TestCleanLinkIsPlayedUnchanged(t *testing.T) {
	for _, ptime := range []time.Duration{10 * msec, 20 * msec, 30 * msec, 40 * msec} {
		for _, phase := range []time.Duration{0, 1 * msec, 9 * msec} {
			t.Run(fmt.Sprint(ptime, phase), func(t *testing.T) {
				l := link{codec: newLinear(48000), ptime: ptime, phase: phase, seconds: 3}
				r := l.run(t, Config{})
				if r.stats.Accelerated+r.stats.Expanded+r.stats.Concealed+r.stats.Late+r.stats.Lost != 0 {
					t.Errorf("stats = %+v, want nothing changed or missed", r.stats)
				}
				delay := 0
				for delay < len(r.out) && r.out[delay] == 0 {
					delay++
				}
				delay -= delay % frame // speech begins with a sample of 0
				if most := samples(ptime + 10*msec); int64(delay) > most {
					t.Errorf("delay = %v, want at most %v", duration(int64(delay)), duration(most))
				}
				for i, x := range r.out[delay:] {
					if want := float32(int16(r.in[i]*32767)) / 32767; x != want {
						t.Fatalf("sample %d = %v, want %v", i, x, want)
					}
				}
			})
		}
	}
}

// On a link of a healthy LAN nothing is ever missing, wherever the calls to Get
// fall, and the delay stays within a packet and a frame.
func TestSmallJitterIsNotHeard(t *testing.T) {
	for seed := range uint64(8) {
		l := link{
			codec: newLinear(8000), ptime: 20 * msec, phase: time.Duration(seed) * 300 * time.Microsecond,
			delay: uniform(2*msec, seed), seconds: 20,
		}
		r := l.run(t, Config{})
		if s := r.stats; s.Concealed+s.Late+s.Lost+s.Accelerated != 0 || s.Expanded > maxPeriod {
			t.Errorf("seed %d: stats = %+v, want nothing changed but for one period", seed, s)
		}
		_, delays := match(r.in, r.out, 8000, 60*msec)
		if got := median(delays); got > 34*msec { // the converter takes 3.4
			t.Errorf("seed %d: delay = %v, want at most 34 ms", seed, got)
		}
	}
}

func TestCodecRatesAreConverted(t *testing.T) {
	for _, c := range []codec.Codec{newLinear(8000), newLinear(16000), newLinear(24000), codec.PCMA()} {
		l := link{codec: c, ptime: 20 * msec, seconds: 10}
		r := l.run(t, Config{})
		alike, delays := match(r.in, r.out, c.Format().SampleRate, 100*msec)
		if got := median(alike); got < 0.98 {
			t.Errorf("%v Hz: median correlation = %.3f, want 0.98", c.Format().SampleRate, got)
		}
		if got := median(delays); got > 24*msec {
			t.Errorf("%v Hz: delay = %v, want at most 24 ms", c.Format().SampleRate, got)
		}
	}
}

// What each kind of bad link may cost: time, and likeness.
func TestBadLinks(t *testing.T) {
	tests := []struct {
		name   string
		link   link
		median float64       // correlation at least
		poor   float64       // share of windows below 0.7 at most
		delay  time.Duration // median at most
	}{
		{"5 % loss", link{lost: randomLoss(0.05, 1)}, 0.97, 0.06, 30 * msec},
		{"15 % loss", link{lost: randomLoss(0.15, 2)}, 0.85, 0.3, 30 * msec},
		{"bursts of 60 ms", link{lost: lose(func(i int) bool { return i%50 > 46 })}, 0.98, 0.2, 30 * msec},
		{"30 ms of jitter", link{delay: uniform(30*msec, 5)}, 0.97, 0.05, 50 * msec},
		{"100 ms of jitter", link{delay: uniform(100*msec, 5)}, 0.95, 0.1, 125 * msec},
		{"jitter and loss", link{delay: uniform(30*msec, 6), lost: randomLoss(0.05, 7)}, 0.94, 0.12, 50 * msec},
		{
			"pairs",
			link{delay: always(func(i int, _ time.Duration) time.Duration { return time.Duration((i+1)%2) * 20 * msec })},
			0.97, 0.03, 45 * msec,
		},
		{"reordering", link{delay: always(func(i int, _ time.Duration) time.Duration {
			if i%10 == 3 {
				return 45 * msec
			}
			return 0
		})}, 0.98, 0.05, 72 * msec},
	}
	for _, tt := range tests {
		for _, c := range []codec.Codec{newLinear(48000), codec.PCMA()} {
			t.Run(tt.name+" "+c.Format().Name, func(t *testing.T) {
				l := tt.link
				l.codec, l.ptime, l.seconds = c, 20*msec, 10
				r := l.run(t, Config{})
				alike, delays := match(r.in, r.out, c.Format().SampleRate, 160*msec)
				t.Logf("median %.3f, below 0.7: %.3f, delay %v, %+v", median(alike), share(alike, 0.7), median(delays), r.stats)
				if got := median(alike); got < tt.median {
					t.Errorf("median correlation = %.3f, want at least %.3f", got, tt.median)
				}
				if got := share(alike, 0.7); got > tt.poor {
					t.Errorf("share of poor windows = %.3f, want at most %.3f", got, tt.poor)
				}
				if got := median(delays); got > tt.delay {
					t.Errorf("median delay = %v, want at most %v", got, tt.delay)
				}
			})
		}
	}
}
