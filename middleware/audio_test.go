package middleware_test

import (
	"testing"
	"testing/synctest"
	"time"

	"parley/media"
	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/storage"
)

func TestDeviceOfTheCommandLineCanBeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1", func(c *middleware.Config, _ *storage.Settings) {
			c.Devices.Input = "null"
		})
		if err := p.App.Audio().SetDevices("default", "", ""); err != nil {
			t.Fatal(err)
		}
		soon()
		if got := p.App.Audio().Snapshot().Input; got != "default" {
			t.Errorf("Input = %q after default was chosen", got)
		}
		p.Stop()
	})
}

func TestTroubleOfAnotherDeviceStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1")
		audio := p.App.Audio()
		audio.Event(media.DeviceLost{Which: media.Input, Name: "microphone"})
		audio.Event(media.DeviceLost{Which: media.Alert, Name: "loudspeaker"})
		if err := audio.SetDevices("null", "", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		got := audio.Snapshot().Trouble
		if _, there := got["input"]; there || got["alert"] != "loudspeaker" {
			t.Errorf("Trouble = %v after another microphone was chosen, want the loudspeaker's alone", got)
		}
		p.Stop()
	})
}
