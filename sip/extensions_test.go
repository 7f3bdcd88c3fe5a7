package sip

import (
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

func TestExtensionsAreBounded(t *testing.T) {
	for _, tt := range []struct{ in, want SessionTimer }{
		{SessionTimer{}, SessionTimer{}},
		{SessionTimer{MinSE: time.Hour}, SessionTimer{MinSE: time.Hour}},
		{SessionTimer{Expires: time.Second}, SessionTimer{Expires: minSession, MinSE: minSession}},
		{SessionTimer{Expires: time.Hour, MinSE: 2 * time.Hour}, SessionTimer{Expires: 2 * time.Hour, MinSE: 2 * time.Hour}},
		{SessionTimer{Expires: 1000 * time.Hour, MinSE: 1000 * time.Hour}, SessionTimer{Expires: maxSession, MinSE: maxSession}},
	} {
		if got := (Extensions{SessionTimer: tt.in}).checked().SessionTimer; got != tt.want {
			t.Errorf("checked(%+v) = %+v, want %+v", tt.in, got, tt.want)
		}
	}
}

func TestRack(t *testing.T) {
	for value, ok := range map[string]bool{
		"776656 1 INVITE": true, " 1  2\tINVITE ": true, "": false, "1 INVITE": false, "1 2 INVITE x": false,
		"-1 2 INVITE": false, "1 4294967296 INVITE": false, "4294967296 1 INVITE": false, "x 1 INVITE": false,
	} {
		if _, _, _, got := rack(withField("RAck", value)); got != ok {
			t.Errorf("rack(%q) is read: %v, want %v", value, got, ok)
		}
	}
}

// FuzzExtensions reads the header fields of PRACK and of session timers out of
// whatever comes.
func FuzzExtensions(f *testing.F) {
	f.Add("776656 1 INVITE", "1800;refresher=uac", "100rel, timer")
	f.Add("", "99999999999999999999;refresher=\"u", ",,;")
	f.Add("1 2 3 4", " ; refresher = UAS ;x", "TIMER\t,")
	f.Fuzz(func(t *testing.T, rackValue, expires, tags string) {
		m := withField("RAck", rackValue)
		m.AppendHeader(sip.NewHeader("Session-Expires", expires))
		m.AppendHeader(sip.NewHeader("Min-SE", expires))
		m.AppendHeader(sip.NewHeader("Require", tags))
		if _, _, method, ok := rack(m); ok && strings.ContainsAny(method, " \t") {
			t.Errorf("rack(%q) has the method %q", rackValue, method)
		}
		interval, refresher, ok := sessionExpires(m)
		if ok && (interval <= 0 || interval > maxSession) || refresher != "" && refresher != "uac" && refresher != "uas" {
			t.Errorf("sessionExpires(%q) = %v, %q", expires, interval, refresher)
		}
		x := Extensions{Reliable: ReliableSupported, SessionTimer: SessionTimer{Expires: time.Hour}}.checked()
		for _, tag := range x.unsupported(m) {
			if strings.EqualFold(tag, tagReliable) || strings.EqualFold(tag, tagTimer) {
				t.Errorf("%q is said to be unsupported in %q", tag, tags)
			}
		}
		c := &Call{ext: x}
		if c.lengthen(&sip.Response{MessageData: m.MessageData}); c.ext.SessionTimer.Expires > maxSession || c.ext.SessionTimer.MinSE < minSession {
			t.Errorf("after Min-SE %q the timer is %+v", expires, c.ext.SessionTimer)
		}
	})
}
