package media_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"parley/media"
	"parley/media/mediatest"
)

// A party is one of those who talk to the hub.
type party struct {
	*mediatest.Phone
	near, far *media.Stream // the hub's and the party's own
	agreed    media.Params  // of near
}

// turn is how long everybody speaks before it is the next one's turn.
const turn = 2 * time.Second

// newHub makes a hub that is in calls with n parties, no two over the same codec
// and packet time as far as there are. The hub speaks first; then each party in
// turn, so that it can be told who hears whom.
func newHub(t *testing.T, n int) (*mediatest.Phone, []party) {
	t.Helper()
	network := mediatest.NewNetwork()
	hub := mediatest.NewPhone(t, network, "10.0.0.1", 1, codecs()...)
	hub.Device.Say(inTurn(hub.Said, 0, n+1))
	var parties []party
	for i := range n {
		p := mediatest.NewPhone(t, network, fmt.Sprintf("10.0.1.%d", i+1), uint64(i+2), codecs()...)
		p.Device.Say(inTurn(p.Said, i+1, n+1))
		near, far := hub.Stream(t), p.Stream(t)
		name := []string{"PCMA", "G722", "PCMU"}[i%3]
		a, b := hub.Agreed(name, far.LocalAddr()), p.Agreed(name, near.LocalAddr())
		a.PacketTime = []time.Duration{20, 30, 10}[i%3] * time.Millisecond
		b.PacketTime = []time.Duration{40, 10, 20}[i%3] * time.Millisecond
		if err := errors.Join(near.Configure(a), far.Configure(b)); err != nil {
			t.Fatal(err)
		}
		parties = append(parties, party{p, near, far, a})
	}
	return hub, parties
}

// inTurn is sound in the i-th of n turns, and silence else.
func inTurn(sound []float32, i, n int) []float32 {
	size := int(turn.Seconds() * rate)
	out := make([]float32, n*size)
	copy(out[i*size:(i+1)*size], sound)
	return out
}

// spoken is what who said in the i-th turn, its edges left out.
func spoken(sound []float32, i int) []float32 {
	size := int(turn.Seconds() * rate)
	return sound[i*size+rate/5 : (i+1)*size-rate/5]
}

// in is the part of sound that belongs to the i-th turn, with what it takes to come.
func in(sound []float32, i int) []float32 {
	size := int(turn.Seconds() * rate)
	return sound[min(i*size, len(sound)):min((i+1)*size+rate/5, len(sound))]
}

// deaf fails the test unless got is silent in the i-th turn.
func deaf(t *testing.T, who string, got []float32, i int) {
	t.Helper()
	part := in(got, i)
	if loud := mediatest.RMS(part[rate/3 : len(part)-rate/4]); loud > 0.005 {
		t.Errorf("%s: loudness %.4f in turn %d, want silence", who, loud, i)
	}
}

func TestConference(t *testing.T) {
	path := filepath.Join(t.TempDir(), "conference.wav")
	synctest.Test(t, func(t *testing.T) {
		hub, parties := newHub(t, 3)
		hub.SetConference(parties[0].near, parties[1].near, parties[2].near)
		if err := hub.StartConferenceRecording(path); err != nil {
			t.Fatal(err)
		}
		if err := hub.StartConferenceRecording(path + "2"); !errors.Is(err, media.ErrRecording) {
			t.Errorf("second StartConferenceRecording = %v, want %v", err, media.ErrRecording)
		}
		time.Sleep(4*turn + 300*time.Millisecond)
		for i, p := range parties {
			heard := p.Device.Played()
			who := fmt.Sprintf("party %d", i+1)
			mediatest.Clear(t, who+" hears the hub", spoken(hub.Device.Sound, 0), in(heard, 0))
			for j, o := range parties {
				if i == j {
					deaf(t, who+" hears itself", heard, j+1)
					continue
				}
				mediatest.Clear(t, fmt.Sprintf("%s hears party %d", who, j+1), spoken(o.Device.Sound, j+1), in(heard, j+1))
			}
			mediatest.Clear(t, "the hub hears "+who, spoken(p.Device.Sound, i+1), in(hub.Device.Played(), i+1))
		}
		if err := hub.StopConferenceRecording(); err != nil {
			t.Fatal(err)
		}
		both := readWAV(t, path)
		mediatest.Clear(t, "us", spoken(hub.Device.Sound, 0), both[0])
		for i, p := range parties {
			mediatest.Clear(t, fmt.Sprintf("party %d in the recording", i+1), spoken(p.Device.Sound, i+1), in(both[1], i+1))
		}
		deaf(t, "us, of them", both[1], 0)
		deaf(t, "them, of us", both[0], 1)
		if err := hub.StopConferenceRecording(); err != nil {
			t.Errorf("StopConferenceRecording without one = %v, want nil", err)
		}
	})
}

// All speak at once; each hears the sum of the others.
func TestConferenceOfAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, parties := newHub(t, 3)
		hub.Device.Say(nil)
		for _, p := range parties {
			p.Device.Say(quiet(p.Said, 0.4))
		}
		hub.SetConference(parties[0].near, parties[1].near, parties[2].near)
		time.Sleep(5 * time.Second)
		for i, p := range parties {
			a, b := parties[(i+1)%3], parties[(i+2)%3]
			for _, o := range []party{a, b} {
				if r := mediatest.Compare(o.Said[rate:4*rate], p.Device.Played(), rate); r.MedianCorrelation < 0.5 || r.Gaps > 0 {
					t.Errorf("party %d hears %+v, want one of two voices", i+1, r)
				}
			}
			if r := mediatest.Compare(p.Said[rate:4*rate], p.Device.Played(), rate); r.MedianCorrelation > 0.3 {
				t.Errorf("party %d hears itself: %+v", i+1, r)
			}
		}
	})
}

// quiet is sound at another loudness.
func quiet(sound []float32, gain float32) []float32 {
	out := make([]float32, len(sound))
	for i, v := range sound {
		out[i] = v * gain
	}
	return out
}

// Who stays hears no gap while others come and go.
func TestConferenceJoinAndPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, parties := newHub(t, 3)
		a, b, c := parties[0], parties[1], parties[2]
		for _, silent := range []*mediatest.Device{hub.Device, b.Device, c.Device} {
			silent.Say(nil)
		}
		a.Device.Say(a.Said)
		hub.SetConference(a.near, b.near)
		time.Sleep(2 * time.Second)
		hub.SetConference(a.near, b.near, c.near)
		time.Sleep(2 * time.Second)
		hub.SetConference(a.near, c.near)
		time.Sleep(2 * time.Second)
		hub.SetConference(b.near, a.near, c.near)
		time.Sleep(2 * time.Second)
		c.near.Close()
		time.Sleep(1 * time.Second)
		hub.SetConference()
		time.Sleep(1 * time.Second)
		part := func(p party, from, to float64) []float32 {
			return p.Device.Played()[int(from*rate):int(to*rate)]
		}
		mediatest.Clear(t, "the hub", a.Said[:9*rate], hub.Device.Played())
		mediatest.Clear(t, "b at first", a.Said[rate/2:7*rate/2], part(b, 0.5, 4))
		mediatest.Clear(t, "b again", a.Said[13*rate/2:17*rate/2], part(b, 6.5, 9))
		mediatest.Clear(t, "c all the time", a.Said[5*rate/2:15*rate/2], part(c, 2.5, 8))
		for _, hole := range []struct {
			who      string
			p        party
			from, to float64
		}{{"b without the conference", b, 4.3, 6}, {"c before it joins", c, 0, 1.9}, {"b after all", b, 9.3, 10}} {
			if loud := mediatest.RMS(part(hole.p, hole.from, hole.to)); loud > 0.005 {
				t.Errorf("%s: loudness %.4f, want silence", hole.who, loud)
			}
		}
	})
}

func TestConferenceHoldAndMute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, parties := newHub(t, 3)
		hub.SetMuted(true)
		parties[2].near.SetHeld(true)
		music := parties[1].agreed
		music.Send = false // its far end has put us on hold, and plays music
		if err := parties[1].near.Configure(music); err != nil {
			t.Fatal(err)
		}
		hub.SetConference(parties[0].near, parties[1].near, parties[2].near)
		time.Sleep(4 * turn)
		first := parties[0].Device.Played()
		deaf(t, "the first, of the muted hub", first, 0)
		deaf(t, "the first, of the music", first, 2)
		deaf(t, "the first, of who is on hold", first, 3)
		deaf(t, "who is on hold", parties[2].Device.Played(), 1)
		mediatest.Clear(t, "the hub hears the music", spoken(parties[1].Device.Sound, 2), in(hub.Device.Played(), 2))

		hub.SetMuted(false)
		parties[2].near.SetHeld(false)
		time.Sleep(4 * turn)
		again := parties[0].Device.Played()[4*int(turn.Seconds())*rate:]
		mediatest.Clear(t, "the first hears the hub", spoken(hub.Device.Sound, 0), in(again, 0))
		mediatest.Clear(t, "the first hears the third", spoken(parties[2].Device.Sound, 3), in(again, 3))
	})
}

// Without any device, and with one that goes in the middle.
func TestConferenceWithoutDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, parties := newHub(t, 2)
		parties[0].Device.Say(parties[0].Said)
		parties[1].Device.Say(nil)
		hub.SetConference(parties[0].near, parties[1].near)
		time.Sleep(2 * time.Second)
		hub.SetDevices(media.DeviceChoice{Input: "null", Output: "null", Alert: "null"})
		time.Sleep(4 * time.Second)
		heard := parties[1].Device.Played()
		if r := mediatest.Compare(parties[0].Said[rate:11*rate/2], heard, rate); r.MedianCorrelation < 0.9 || r.LongestGap > 60*time.Millisecond {
			t.Errorf("the second hears %+v, want a clear voice but for the change of the device", r)
		}
		mediatest.Clear(t, "the second hears", parties[0].Said[3*rate:11*rate/2], heard)
	})
}

// What a member says takes as long to another member as both legs do, and at most
// 20 ms for the way across.
func TestConferenceDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, parties := newHub(t, 3)
		hub.SetConference(parties[0].near, parties[1].near, parties[2].near)
		time.Sleep(4*turn + 300*time.Millisecond)
		delay := func(from, to *mediatest.Phone, i int) time.Duration {
			return mediatest.Compare(spoken(from.Device.Sound, i), to.Device.Played(), rate).Delay - time.Duration(i)*turn - turn/10
		}
		for i, a := range parties {
			for j, b := range parties {
				if i == j {
					continue
				}
				across := delay(a.Phone, b.Phone, i+1) - delay(a.Phone, hub, i+1) - delay(hub, b.Phone, 0)
				if across < 0 || across > 20*time.Millisecond {
					t.Errorf("from %d to %d the conference adds %v, want 20ms at most", i+1, j+1, across)
				}
				t.Logf("from %d to %d the conference adds %v", i+1, j+1, across)
			}
		}
	})
}

func TestConferenceRecordingOverAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "there.wav")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	e := media.New(media.Config{})
	if err := e.StartConferenceRecording(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("StartConferenceRecording over a file = %v, want %v", err, os.ErrExist)
	}
	if err := e.StartConferenceRecording(path + "2"); err != nil {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if both := readWAV(t, path+"2"); len(both) != 2 {
		t.Errorf("Close left %d channels, want a file that is complete", len(both))
	}
	if err := e.StartConferenceRecording(path + "3"); !errors.Is(err, media.ErrClosed) {
		t.Errorf("StartConferenceRecording after Close = %v, want %v", err, media.ErrClosed)
	}
}
