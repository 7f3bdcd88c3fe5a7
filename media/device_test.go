package media_test

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"parley/media"
	"parley/media/mediatest"
	"parley/media/wav"
)

func TestCallSurvivesItsDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "PCMA", nil)
		type stamp struct {
			at       time.Time
			ts, ssrc uint32
		}
		var log mediatest.Log[stamp]
		c.Network.SetHook(func(from, _ netip.AddrPort, p []byte) (bool, time.Duration) {
			if from == c.SA.LocalAddr() {
				log.Add(stamp{time.Now(), binary.BigEndian.Uint32(p[4:]), binary.BigEndian.Uint32(p[8:])})
			}
			return false, 0
		})
		c.A.Bell.Unplug() // so that nothing can stand in
		time.Sleep(2 * time.Second)
		c.A.Device.Unplug()
		time.Sleep(2500 * time.Millisecond)
		if got := c.A.Driver.Open(); got != 0 {
			t.Errorf("%d devices open while unplugged", got)
		}
		from := len(c.B.Device.Played())
		time.Sleep(500 * time.Millisecond)
		if got := mediatest.RMS(c.B.Device.Played()[from:]); got > 0.01 {
			t.Errorf("b hears %v from an unplugged microphone", got)
		}
		c.A.Device.Plug()
		time.Sleep(2 * time.Second)
		from = len(c.B.Device.Played())
		time.Sleep(time.Second)
		if got := mediatest.RMS(c.B.Device.Played()[from:]); got < 0.05 {
			t.Errorf("b hears %v after the microphone came back, want the voice", got)
		}
		sent := log.All()
		for i := 1; i < len(sent); i++ {
			if gap := sent[i].at.Sub(sent[i-1].at); gap > 40*time.Millisecond || sent[i].ts-sent[i-1].ts != 160 || sent[i].ssrc != sent[0].ssrc {
				t.Errorf("packet %d: %v after the one before, timestamp +%d: the line broke", i, gap, sent[i].ts-sent[i-1].ts)
			}
		}
		var lost, restored []media.Which
		for _, ev := range c.A.Events() {
			switch ev := ev.(type) {
			case media.DeviceLost:
				lost = append(lost, ev.Which)
				if ev.Name != "headset" || !errors.Is(ev.Err, media.ErrDeviceGone) {
					t.Errorf("event %+v, want the headset gone", ev)
				}
			case media.DeviceRestored:
				restored = append(restored, ev.Which)
			default:
				t.Errorf("event %T %+v", ev, ev)
			}
		}
		slices.Sort(lost)
		slices.Sort(restored)
		want := []media.Which{media.Input, media.Output}
		if !slices.Equal(lost, want) || !slices.Equal(restored, want) {
			t.Errorf("lost %v and restored %v, want each of %v once", lost, restored, want)
		}
	})
}

func TestDefaultStandsInForALostDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "PCMA", nil)
		time.Sleep(time.Second)
		c.A.Device.Unplug()
		time.Sleep(2 * time.Second)
		from := len(c.A.Bell.Played())
		time.Sleep(time.Second)
		if got := mediatest.RMS(c.A.Bell.Played()[from:]); got < 0.05 {
			t.Errorf("the default device plays %v, want the voice", got)
		}
		c.A.Device.Plug()
		time.Sleep(2 * time.Second)
		from = len(c.A.Device.Played())
		bell := len(c.A.Bell.Played())
		time.Sleep(time.Second)
		if got := mediatest.RMS(c.A.Device.Played()[from:]); got < 0.05 || len(c.A.Bell.Played()) != bell {
			t.Errorf("the headset plays %v, want it back in use, and it alone", got)
		}
	})
}

func TestSetDevicesInACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "PCMA", nil)
		time.Sleep(2 * time.Second)
		c.A.SetDevices(media.DeviceChoice{Input: "id-headset", Output: "BELL"})
		time.Sleep(500 * time.Millisecond)
		from, headset := len(c.A.Bell.Played()), len(c.A.Device.Played())
		time.Sleep(3 * time.Second)
		mediatest.Clear(t, "on the other speaker", c.B.Said[3*rate:5*rate], c.A.Bell.Played()[from:])
		if got := len(c.A.Device.Played()); got != headset {
			t.Errorf("the first speaker still plays")
		}
		c.A.SetDevices(media.DeviceChoice{Input: "null", Output: "null"})
		time.Sleep(time.Second)
		if got := c.A.Driver.Open(); got != 0 {
			t.Errorf("%d devices open, want none with null", got)
		}
		if got := c.SA.Stats().PacketsSent; got < 315 {
			t.Errorf("%d packets sent in 6.5s, want 325", got)
		}
		if got := c.A.Events(); len(got) != 0 {
			t.Errorf("events %v, want none", got)
		}
	})
}

func TestMissingDeviceIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "PCMA", nil)
		c.A.SetDevices(media.DeviceChoice{Input: "headset", Output: "nowhere"})
		time.Sleep(5 * time.Second)
		events := c.A.Events()
		if len(events) != 1 {
			t.Fatalf("events %v, want one DeviceFailed", events)
		}
		failed, ok := events[0].(media.DeviceFailed)
		if !ok || failed.Which != media.Output || failed.Name != "nowhere" || !errors.Is(failed.Err, media.ErrNoDevice) {
			t.Errorf("event %+v, want DeviceFailed for the output", events[0])
		}
	})
}

func TestFilesAsDevices(t *testing.T) {
	dir := t.TempDir()
	said := mediatest.Speech(5, 6*44100, 44100)
	in, out := filepath.Join(dir, "in.wav"), filepath.Join(dir, "out.wav")
	w, err := wav.Create(in, 44100, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(said); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a := mediatest.NewPhone(t, n, "10.0.0.1", 1, codecs()...)
		b := mediatest.NewPhone(t, n, "10.0.0.2", 2, codecs()...)
		a.SetDevices(media.DeviceChoice{Input: "file:" + in, Output: "null", Alert: "null"})
		b.SetDevices(media.DeviceChoice{Input: "null", Output: "file:" + out})
		begin := time.Now()
		time.Sleep(2 * time.Second) // the file keeps time before the call
		call := func() {
			sa, sb := a.Stream(t), b.Stream(t)
			if err := sa.Configure(a.Agreed("PCMA", sb.LocalAddr())); err != nil {
				t.Fatal(err)
			}
			if err := sb.Configure(b.Agreed("PCMA", sa.LocalAddr())); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Second)
			sa.Close()
			sb.Close()
		}
		call()
		time.Sleep(100 * time.Millisecond) // so soon that the devices are still open
		call()
		time.Sleep(time.Second)
		took := time.Since(begin)
		b.Close()
		got := readWAV(t, out)[0]
		if d := time.Duration(len(got))*time.Second/rate - took; d < -20*time.Millisecond || d > 20*time.Millisecond {
			t.Errorf("the file holds %v more than the %v it lived", d, took)
		}
		head := resample(said[:2*44100])
		r := mediatest.Clear(t, "first call", head, got[:5*rate])
		if d := r.Delay - 2*time.Second; d < 0 || d > 100*time.Millisecond {
			t.Errorf("first call: delay %v, want a little over 2s", r.Delay)
		}
		r = mediatest.Clear(t, "second call", head, got[5*rate:])
		if d := r.Delay - 100*time.Millisecond; d < 0 || d > 100*time.Millisecond {
			t.Errorf("second call: delay %v, want a little over 100ms: it begins at the head of the file", r.Delay)
		}
	})
}
