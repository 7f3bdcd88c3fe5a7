package middleware

import (
	"testing"

	"parley/middleware/session"
)

func TestTonesFor(t *testing.T) {
	in := SessionSnapshot{Place: session.Place{State: session.Incoming}}
	quiet := in
	quiet.Silenced = true
	calling := SessionSnapshot{Place: session.Place{State: session.Calling}}
	ringing := calling
	ringing.Progress.Ringing = true
	early := ringing
	early.Progress.EarlyMedia = true
	talking := SessionSnapshot{Place: session.Place{State: session.Established}}
	held := talking
	held.OnHoldByLocal = true
	heldByPeer := talking
	heldByPeer.OnHoldByRemote = true

	own, mute, music, still := in, in, ringing, ringing
	own.Ringtone, mute.Ringtone, music.Ringtone, still.Ringtone = "/own.wav", NoRingtone, "/music.wav", NoRingtone

	tests := []struct {
		name  string
		calls []SessionSnapshot
		want  tones
	}{
		{"silence", nil, tones{}},
		{"called", []SessionSnapshot{in}, tones{ring: true}},
		{"silenced", []SessionSnapshot{quiet}, tones{}},
		{"called again", []SessionSnapshot{quiet, in}, tones{ring: true}},
		{"calling", []SessionSnapshot{calling}, tones{}},
		{"it rings there", []SessionSnapshot{ringing}, tones{ringBack: true}},
		{"early media takes the place of our tone", []SessionSnapshot{early}, tones{}},
		{"talking", []SessionSnapshot{talking}, tones{}},
		{"called while talking", []SessionSnapshot{talking, in}, tones{callWaiting: true}},
		{"called while a call is on hold", []SessionSnapshot{held, in}, tones{ring: true}},
		{"held by the peer", []SessionSnapshot{heldByPeer}, tones{holdBeep: true}},
		{"both hold", []SessionSnapshot{held}, tones{}},
		{"called with a ringtone of its own", []SessionSnapshot{own}, tones{ring: true, ringFile: "/own.wav"}},
		{"the first that rings decides", []SessionSnapshot{own, in}, tones{ring: true, ringFile: "/own.wav"}},
		{"called by one that keeps silent", []SessionSnapshot{mute}, tones{}},
		{"called by one that keeps silent and another", []SessionSnapshot{mute, in}, tones{ring: true}},
		{"a file in place of our tone", []SessionSnapshot{music}, tones{ringBack: true, backFile: "/music.wav"}},
		{"nothing in place of our tone", []SessionSnapshot{still}, tones{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tonesFor(tt.calls); got != tt.want {
				t.Errorf("tonesFor = %+v, want %+v", got, tt.want)
			}
		})
	}
}
