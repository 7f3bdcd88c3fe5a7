package media_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"parley/media"
	"parley/media/dsp"
	"parley/media/mediatest"
	"parley/media/wav"
)

// readWAV returns the channels of a file.
func readWAV(t *testing.T, path string) [][]float32 {
	t.Helper()
	r, err := wav.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if f := r.Format(); f.Rate != rate {
		t.Fatalf("%s: rate %d, want %d", path, f.Rate, rate)
	}
	channels := make([][]float32, r.Format().Channels)
	buf := make([]float32, 4096*len(channels))
	for {
		n, err := r.Read(buf)
		for i, v := range buf[:n] {
			c := i % len(channels)
			channels[c] = append(channels[c], v)
		}
		if errors.Is(err, io.EOF) {
			return channels
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// resample brings 44.1 kHz to the engine's rate.
func resample(pcm []float32) []float32 {
	return dsp.NewResampler(44100, rate).Process(nil, pcm)
}

func TestRecording(t *testing.T) {
	path := filepath.Join(t.TempDir(), "call.wav")
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "G722", nil)
		time.Sleep(time.Second)
		if err := c.SA.StartRecording(path); err != nil {
			t.Fatal(err)
		}
		if err := c.SA.StartRecording(path + "2"); !errors.Is(err, media.ErrRecording) {
			t.Errorf("second StartRecording = %v, want %v", err, media.ErrRecording)
		}
		time.Sleep(3 * time.Second)
		killed, err := os.ReadFile(path) // what a kill would leave
		if err != nil {
			t.Fatal(err)
		}
		c.SA.SetHeld(true)
		c.PA.PacketTime = 40 * time.Millisecond
		c.Configure(t)
		time.Sleep(2 * time.Second)
		c.SA.SetHeld(false)
		time.Sleep(3 * time.Second)
		if !c.SA.Stats().Recording {
			t.Error("Stats().Recording = false")
		}
		if err := c.SA.StopRecording(); err != nil {
			t.Errorf("StopRecording: %v", err)
		}
		if err := c.SA.StopRecording(); err != nil {
			t.Errorf("StopRecording without one: %v", err)
		}
		got := readWAV(t, path)
		if len(got) != 2 {
			t.Fatalf("%d channels, want 2", len(got))
		}
		if d := time.Duration(len(got[0])) * time.Second / rate; d < 7950*time.Millisecond || d > 8050*time.Millisecond {
			t.Errorf("the recording lasts %v, want 8s", d)
		}
		us := mediatest.Clear(t, "us", c.A.Said[rate:4*rate], got[0][:3*rate])
		them := mediatest.Clear(t, "them", c.B.Said[rate:4*rate], got[1][:3*rate])
		if us.Delay < -20*time.Millisecond || us.Delay > 20*time.Millisecond {
			t.Errorf("us: delay %v, want none", us.Delay)
		}
		if d := them.Delay - us.Delay; d < 0 || d > 60*time.Millisecond {
			t.Errorf("them: %v behind us, want the call's delay", d)
		}
		for i, channel := range got {
			if got := mediatest.RMS(channel[32*rate/10 : 48*rate/10]); got > 0.001 {
				t.Errorf("channel %d holds %v on hold, want silence", i, got)
			}
			if got := mediatest.RMS(channel[6*rate : 7*rate]); got < 0.05 {
				t.Errorf("channel %d holds %v after hold, want the voice", i, got)
			}
		}
		if err := os.WriteFile(path+".killed", killed, 0o600); err != nil {
			t.Fatal(err)
		}
		left := readWAV(t, path+".killed")
		if len(left[0]) < 26*rate/10 {
			t.Errorf("after a kill %d samples are left of 3s", len(left[0]))
		}
		mediatest.Clear(t, "us after a kill", c.A.Said[rate:3*rate], left[0])
	})
}

func TestRecordingIsEndedByClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "call.wav")
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "PCMA", nil)
		if err := c.SA.StartRecording(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		c.A.Close()
		if got := len(readWAV(t, path)[0]); got < 95*rate/100 {
			t.Errorf("%d samples recorded in 1s", got)
		}
		if err := c.SA.StartRecording(path + "2"); !errors.Is(err, media.ErrClosed) {
			t.Errorf("StartRecording after Close = %v, want %v", err, media.ErrClosed)
		}
		if err := c.SB.StartRecording(path); !errors.Is(err, os.ErrExist) {
			t.Errorf("StartRecording over a file = %v, want %v", err, os.ErrExist)
		}
	})
}
