package media_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"parley/media"
	"parley/media/mediatest"
	"parley/media/wav"
)

func TestTonesInTheEar(t *testing.T) {
	tests := []struct {
		name   string
		tones  media.Tones
		hz     float64
		within time.Duration
	}{
		{"ring-back", media.Tones{RingBack: true}, 425, time.Second},
		{"busy", media.Tones{Busy: true}, 425, 500 * time.Millisecond},
		{"call waiting", media.Tones{CallWaiting: true}, 425, 200 * time.Millisecond},
		{"hold", media.Tones{HoldBeep: true}, 660, 80 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := mediatest.NewPhone(t, mediatest.NewNetwork(), "10.0.0.1", 1, codecs()...)
				p.SetTones(tt.tones)
				time.Sleep(100 * time.Millisecond)
				p.SetTones(tt.tones) // again: it must not begin anew
				time.Sleep(2 * time.Second)
				played := p.Device.Played()
				head := played[:int(tt.within*rate/time.Second)]
				if got := mediatest.Power(head, tt.hz, rate); got < 0.02 {
					t.Errorf("power at %v Hz = %v, want a tone", tt.hz, got)
				}
				p.SetTones(media.Tones{})
				time.Sleep(time.Second)
				if got := p.Driver.Open(); got != 0 || len(p.Bell.Played()) != 0 {
					t.Errorf("%d devices open, and the bell played %d samples; want neither", got, len(p.Bell.Played()))
				}
			})
		})
	}
}

func TestKeysAreHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := mediatest.NewPhone(t, mediatest.NewNetwork(), "10.0.0.1", 1, codecs()...)
		p.PlayDigit('x') // no key
		p.PlayDigit('5')
		p.PlayDigit('9')
		time.Sleep(2 * time.Second)
		played := p.Device.Played()
		if len(played) < 300*rate/1000 {
			t.Fatalf("%d samples played for two keys", len(played))
		}
		for i, pair := range [][2]float64{{770, 1336}, {852, 1477}} {
			key := played[i*150*rate/1000:][:120*rate/1000]
			if a, b := mediatest.Power(key, pair[0], rate), mediatest.Power(key, pair[1], rate); a < 0.04 || b < 0.04 {
				t.Errorf("key %d: powers %v and %v, want both tones", i, a, b)
			}
		}
		if got := p.Driver.Open(); got != 0 {
			t.Errorf("%d devices open after the keys", got)
		}
	})
}

// ringFile returns a WAV file with half a second of a tone of 1000 Hz.
func ringFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ring.wav")
	w, err := wav.Create(path, 8000, 2)
	if err != nil {
		t.Fatal(err)
	}
	var stereo []float32
	for _, v := range mediatest.Tone(1000, 0.5, 4000, 8000) {
		stereo = append(stereo, v, v)
	}
	if err := w.Write(stereo); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// A file takes the place of the ring-back tone, in the ear; one that is missing
// does not.
func TestRingBackFile(t *testing.T) {
	path := ringFile(t)
	synctest.Test(t, func(t *testing.T) {
		p := mediatest.NewPhone(t, mediatest.NewNetwork(), "10.0.0.1", 1, codecs()...)
		p.SetTones(media.Tones{RingBack: true, RingBackFile: path})
		time.Sleep(2 * time.Second)
		played := p.Device.Played()[rate:]
		if file, tone := mediatest.Power(played, 1000, rate), mediatest.Power(played, 425, rate); file < 0.3 || tone > 0.05 {
			t.Errorf("power of the file = %v, of the tone = %v, want the file alone", file, tone)
		}
		p.SetTones(media.Tones{})
		time.Sleep(time.Second)
		from := len(p.Device.Played())
		p.SetTones(media.Tones{RingBack: true, RingBackFile: path + "?"})
		time.Sleep(time.Second)
		if got := mediatest.Power(p.Device.Played()[from:], 425, rate); got < 0.01 {
			t.Errorf("power of the tone = %v, want it in place of a missing file", got)
		}
	})
}

func TestRingFile(t *testing.T) {
	path := ringFile(t)
	synctest.Test(t, func(t *testing.T) {
		p := mediatest.NewPhone(t, mediatest.NewNetwork(), "10.0.0.1", 1, codecs()...)
		p.SetTones(media.Tones{Ring: true, RingFile: path})
		time.Sleep(2 * time.Second)
		if got := mediatest.Power(p.Bell.Played()[rate:], 1000, rate); got < 0.3 {
			t.Errorf("power of the ringtone = %v, want 0.4", got)
		}
		p.SetTones(media.Tones{Ring: true, RingFile: path + "?"})
		time.Sleep(time.Second)
		from := len(p.Bell.Played())
		time.Sleep(3 * time.Second)
		if got := mediatest.RMS(p.Bell.Played()[from:]); got < 0.02 {
			t.Errorf("a ringtone that is missing rings %v, want the built-in ring", got)
		}
		events := p.Events()
		if len(events) != 1 {
			t.Fatalf("events %v, want one RingFileFailed", events)
		}
		if ev, ok := events[0].(media.RingFileFailed); !ok || ev.Path != path+"?" || ev.Err == nil {
			t.Errorf("event %+v, want RingFileFailed", events[0])
		}
	})
}

// The alert device is the output device: it must not be opened twice.
func TestRingOnTheOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := mediatest.NewPhone(t, mediatest.NewNetwork(), "10.0.0.1", 1, codecs()...)
		p.SetDevices(media.DeviceChoice{Output: "headset"})
		p.SetTones(media.Tones{Ring: true})
		time.Sleep(time.Second)
		if got := p.Driver.Open(); got != 1 || mediatest.RMS(p.Device.Played()) < 0.02 {
			t.Errorf("%d devices open and the output plays %v, want one that rings", got, mediatest.RMS(p.Device.Played()))
		}
	})
}

func TestMonitorShowsTheLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := mediatest.NewPhone(t, mediatest.NewNetwork(), "10.0.0.1", 1, codecs()...)
		p.SetMonitor(true)
		time.Sleep(time.Second)
		if in, _ := p.Levels(); in < 0.05 || p.Driver.Open() != 1 {
			t.Errorf("input level %v with %d devices open, want the voice and the microphone", in, p.Driver.Open())
		}
		p.SetMonitor(false)
		time.Sleep(time.Second)
		if in, _ := p.Levels(); in != 0 || p.Driver.Open() != 0 {
			t.Errorf("input level %v with %d devices open, want none", in, p.Driver.Open())
		}
	})
}
