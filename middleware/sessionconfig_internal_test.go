package middleware

import (
	"testing"
	"time"

	"parley/sip/sdp"
)

func TestCallsOnTheLink(t *testing.T) {
	const fmtp = "minptime=10;useinbandfec=1"
	tests := []struct {
		packet   time.Duration
		lowDelay bool
		fmtp     string
	}{
		{5 * time.Millisecond, true, "minptime=5;useinbandfec=1"},
		{10 * time.Millisecond, true, fmtp},
		{20 * time.Millisecond, false, fmtp},
	}
	for _, tt := range tests {
		c := sessionConfig{packetTime: 60 * time.Millisecond, codecs: []sdp.Codec{{Name: "opus", Fmtp: fmtp}, {Name: "PCMA"}}}
		c.onLink(tt.packet)
		if c.packetTime != tt.packet || c.lowDelay != tt.lowDelay || c.codecs[0].Fmtp != tt.fmtp || c.codecs[1].Fmtp != "" {
			t.Errorf("onLink(%v) = packets of %v, little delay %v, %+v, want %+v", tt.packet, c.packetTime, c.lowDelay, c.codecs, tt)
		}
	}
}
