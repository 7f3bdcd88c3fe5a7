package middleware_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"parley/media"
	"parley/media/mediatest"
	"parley/media/tone"
	"parley/media/wav"
	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/storage"
)

// wantSound compares what was heard with what was said.
func wantSound(t *testing.T, who string, said, heard []float32) mediatest.Report {
	t.Helper()
	r := mediatest.Compare(said, heard, media.SampleRate)
	if r.MedianCorrelation < 0.9 || r.Gaps > 0 || r.Windows < 5 {
		t.Errorf("%s hears %+v, want a median correlation of 0.9 and no gap", who, r)
	}
	return r
}

func TestVoicesCross(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		alice.Device.Sound = mediatest.Speech(1, 6*media.SampleRate, media.SampleRate)
		bob.Device.Sound = mediatest.Speech(2, 6*media.SampleRate, media.SampleRate)
		out, in := connected(t, alice, bob)

		dir := t.TempDir()
		file := filepath.Join(dir, "call.wav")
		out.StartRecordingAudio(file)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		wantNames(t, "alice", alice, "SIPSessionWillStartRecordingAudio", "SIPSessionDidStartRecordingAudio")
		wantSound(t, "alice", bob.Device.Sound[:4*media.SampleRate], alice.Device.Played())
		wantSound(t, "bob", alice.Device.Sound[:4*media.SampleRate], bob.Device.Played())
		out.StopRecordingAudio()
		soon()
		wantNames(t, "alice", alice, "SIPSessionWillStopRecordingAudio", "SIPSessionDidStopRecordingAudio")
		left, right := readStereo(t, file)
		wantSound(t, "the recording's left", alice.Device.Sound[media.SampleRate:4*media.SampleRate], left)
		wantSound(t, "the recording's right", bob.Device.Sound[media.SampleRate:4*media.SampleRate], right)

		if st := in.Stats(); st.PacketsReceived == 0 || st.Lost != 0 {
			t.Errorf("statistics at bob: %d packets received, %d lost, want some and none", st.PacketsReceived, st.Lost)
		}
	})
}

func TestMuteAndHoldAreSilent(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		alice.Device.Sound = mediatest.Speech(1, 6*media.SampleRate, media.SampleRate)
		out, _ := connected(t, alice, bob)
		time.Sleep(time.Second)
		alice.App.Audio().SetMuted(true)
		soon()
		from := len(bob.Device.Played())
		time.Sleep(time.Second)
		synctest.Wait()
		if rms := mediatest.RMS(bob.Device.Played()[from:]); rms > 0.001 {
			t.Errorf("bob hears %v while alice is muted, want silence", rms)
		}
		alice.App.Audio().SetMuted(false)
		out.Hold()
		soon()
		from = len(bob.Device.Played())
		time.Sleep(900 * time.Millisecond)
		synctest.Wait()
		if r := mediatest.Compare(alice.Device.Sound, bob.Device.Played()[from:], media.SampleRate); r.MedianCorrelation > 0.6 {
			t.Errorf("bob hears %+v while he is on hold, want nothing of alice", r)
		}
		out.Unhold()
		soon()
		time.Sleep(time.Second)
		synctest.Wait()
		if rms := mediatest.RMS(bob.Device.Played()[len(bob.Device.Played())-media.SampleRate/2:]); rms < 0.01 {
			t.Errorf("bob hears %v after the resume, want alice", rms)
		}
	})
}

func TestEchoTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		loopback := netip.MustParseAddrPort("127.0.0.1:5060")
		alice := middlewaretest.NewPhone(t, n, "127.0.0.1", func(c *middleware.Config, _ *storage.Settings) {
			c.Echo = media.NewEchoDriver(time.Second, tone.Greeting())
			c.Direct = loopback
		})
		alice.Device.Sound = mediatest.Speech(1, 12*media.SampleRate, media.SampleRate)
		out := alice.Dial(middleware.EchoTarget)
		time.Sleep(9 * time.Second)
		synctest.Wait()
		snap := out.Snapshot()
		if !snap.Echo || snap.Peer.Name != "Echo Test" || snap.Started.IsZero() {
			t.Fatalf("Echo Test is %+v, want an established call", snap)
		}
		// The greeting comes first; what is said meanwhile is not echoed.
		skip := len(tone.Greeting()) + media.SampleRate
		r := wantSound(t, "alice", alice.Device.Sound[skip:7*media.SampleRate], alice.Device.Played())
		if lag := r.Delay - time.Duration(skip)*time.Second/media.SampleRate; lag < 900*time.Millisecond || lag > 1500*time.Millisecond {
			t.Errorf("the echo comes after %v, want about a second", lag)
		}
		out.End()
		soon()
		alice.Stop()
	})
}

// readStereo returns both channels of a WAV file.
func readStereo(t *testing.T, path string) (left, right []float32) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	r, err := wav.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if f := r.Format(); f.Channels != 2 {
		t.Fatalf("the recording has %d channels, want 2", f.Channels)
	}
	buf := make([]float32, 9600)
	for {
		n, err := r.Read(buf)
		for i := 0; i+1 < n; i += 2 {
			left, right = append(left, buf[i]), append(right, buf[i+1])
		}
		if err != nil || n == 0 {
			return left, right
		}
	}
}
