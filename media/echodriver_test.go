package media

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestEchoDriverGreetsEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewEchoDriver(time.Second, []float32{0.5, 0.5, 0.5})
		for round := range 2 {
			in, err := d.OpenCapture("")
			if err != nil {
				t.Fatal(err)
			}
			out, err := d.OpenPlayback("")
			if err != nil {
				t.Fatal(err)
			}
			frame := make([]float32, FrameSamples)
			if err := in.Read(frame); err != nil {
				t.Fatalf("Read in round %d: %v", round, err)
			}
			if frame[0] != 0.5 || frame[3] != 0 {
				t.Errorf("round %d begins with %v, want the greeting", round, frame[:4])
			}
			in.Close()
			in.Close()
			out.Close()
		}
	})
}

func TestEchoDriverReopensWhileTheOtherEndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewEchoDriver(time.Second, nil)
		in, out := d.end(), d.end()
		in.Close()
		in, again := d.end(), in
		frame := make([]float32, FrameSamples)
		if err := in.Read(frame); err != nil {
			t.Errorf("Read of an end opened before the other one was closed: %v", err)
		}
		out.Close()
		again.Close()
		if out = d.end(); out.Echo != in.Echo {
			t.Error("an end opened after the old echo's other end was closed is of another echo")
		}
		in.Close()
		out.Close()
	})
}
