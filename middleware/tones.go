package middleware

import (
	"parley/middleware/session"
)

// tones is what should sound besides voices.
type tones struct {
	ring        bool   // on the alert device
	ringFile    string // empty: as the settings say
	ringBack    bool
	backFile    string // empty: the tone of the country
	callWaiting bool
	holdBeep    bool
}

// tonesFor is the policy: what sounds follows from the calls there are, and
// from nothing else.
func tonesFor(calls []SessionSnapshot) tones {
	var t tones
	talking, ringing := false, false
	for _, c := range calls {
		switch c.State() {
		case session.Incoming:
			if !c.Silenced && !ringing && c.Ringtone != NoRingtone {
				ringing, t.ringFile = true, c.Ringtone
			}
		case session.Calling:
			if c.Progress.Ringing && !c.Progress.EarlyMedia && c.Ringtone != NoRingtone {
				t.ringBack, t.backFile = true, c.Ringtone
			}
			talking = true
		case session.Accepting, session.Established:
			if !c.OnHoldByLocal {
				talking = true
				t.holdBeep = t.holdBeep || c.OnHoldByRemote
			}
		}
	}
	if t.ring = ringing && !talking; !t.ring {
		t.ringFile = ""
	}
	t.callWaiting = ringing && talking
	return t
}
