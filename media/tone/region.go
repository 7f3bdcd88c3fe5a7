package tone

import "time"

const (
	levelCall   = 0.10 // ring-back and busy: in the ear
	levelBeep   = 0.06 // beneath somebody's voice
	levelDigit  = 0.12
	millisecond = time.Millisecond
)

// A Region is how a country's network sounds (ITU-T E.180 supplement 2).
type Region struct {
	RingBack, Busy, CallWaiting Cadence
}

func loop(level float64, bursts ...Burst) Cadence {
	return Cadence{Bursts: bursts, Level: level}
}

func burst(on, off int, hz ...float64) Burst {
	return Burst{Hz: hz, On: time.Duration(on) * millisecond, Off: time.Duration(off) * millisecond}
}

// RegionOf returns the tones of the country with that ISO 3166 code in lower
// case, or those of most of Europe where the country is not known.
func RegionOf(country string) Region {
	r := Region{
		RingBack:    loop(levelCall, burst(1000, 4000, 425)),
		Busy:        loop(levelCall, burst(500, 500, 425)),
		CallWaiting: loop(levelBeep, burst(200, 200, 425), burst(200, 9000, 425)),
	}
	switch country {
	case "us", "ca":
		r.RingBack = loop(levelCall, burst(2000, 4000, 440, 480))
		r.Busy = loop(levelCall, burst(500, 500, 480, 620))
		r.CallWaiting = loop(levelBeep, burst(300, 9700, 440))
	case "gb", "ie":
		r.RingBack = loop(levelCall, burst(400, 200, 400, 450), burst(400, 2000, 400, 450))
		r.Busy = loop(levelCall, burst(375, 375, 400))
		r.CallWaiting = loop(levelBeep, burst(100, 2500, 400))
	case "au", "nz":
		r.RingBack = loop(levelCall, burst(400, 200, 400, 425), burst(400, 2000, 400, 425))
		r.Busy = loop(levelCall, burst(375, 375, 425))
	case "fr":
		r.RingBack = loop(levelCall, burst(1500, 3500, 440))
		r.Busy = loop(levelCall, burst(500, 500, 440))
		r.CallWaiting = loop(levelBeep, burst(300, 9700, 440))
	case "jp":
		r.RingBack = loop(levelCall, burst(1000, 2000, 400))
		r.Busy = loop(levelCall, burst(500, 500, 400))
	}
	return r
}

// HoldBeep reminds, every ten seconds, that somebody is on hold.
func HoldBeep() Cadence {
	return loop(levelBeep, burst(80, 120, 660), burst(80, 9720, 880))
}

// keypad holds the keys row by row (ITU-T Q.23).
const keypad = "123A456B789C*0#D"

// Digit returns the sound of a DTMF key that is held for d, once. ok is false
// for what is no key.
func Digit(digit rune, d time.Duration) (c Cadence, ok bool) {
	rows, columns := [4]float64{697, 770, 852, 941}, [4]float64{1209, 1336, 1477, 1633}
	for i, k := range keypad {
		if k == digit {
			b := Burst{Hz: []float64{rows[i/4], columns[i%4]}, On: d, Off: 30 * millisecond}
			return Cadence{Bursts: []Burst{b}, Level: levelDigit, Once: true}, true
		}
	}
	return Cadence{}, false
}
