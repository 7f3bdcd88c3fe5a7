package middleware_test

import (
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware/middlewaretest"
)

// A call that falls silent in the middle shows it until the sound is back.
func TestAudioThatStopsIsShown(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, _ := connected(t, alice, bob)
		shown := func(what string, want bool) {
			t.Helper()
			synctest.Wait()
			if got := out.Snapshot().Audio.NoAudio; got != want {
				t.Errorf("%s: NoAudio = %v, want %v", what, got, want)
			}
		}
		time.Sleep(10 * time.Second)
		shown("a call", false)
		alice.Net.Media.SetHook(dropAll)
		time.Sleep(4500 * time.Millisecond)
		shown("a short silence", false)
		time.Sleep(time.Second)
		shown("silence", true)
		alice.Net.Media.SetHook(nil)
		time.Sleep(time.Second)
		shown("sound", false)
		out.Hold()
		soon()
		alice.Net.Media.SetHook(dropAll)
		time.Sleep(10 * time.Second)
		shown("on hold", false)
		alice.Net.Media.SetHook(nil)
		wantNames(t, "alice", alice, "SIPSessionGotHoldRequest") // the start alone is told by name
	})
}
