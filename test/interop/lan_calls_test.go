package interop

import (
	"testing"
	"time"
)

// TestEavesdropper proves the harness: what two phones of another make say to each
// other in the clear can be read at the switch, every word of it, so that what is
// not found elsewhere is not there.
func TestEavesdropper(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	a := startBaresip(t, nil, baresipConfig{User: "loud", Codecs: "pcma", Host: l.host(t, "one")})
	b := startBaresip(t, nil, baresipConfig{User: "clear", Codecs: "pcma", Host: l.host(t, "two")})
	c := l.listen(t)
	a.ctl.do(t, "dial", b.direct())
	a.ctl.await(t, "CALL_ESTABLISHED")
	talk(5 * time.Second)
	a.ctl.do(t, "hangup", "")
	b.ctl.await(t, "CALL_CLOSED")
	e := eavesdrop(c.packets(t))
	if len(e.betrays()) == 0 {
		t.Error("no word of the signaling was read")
	}
	packets := e.rtp(a.config.Host, b.config.Host)
	if r := heardAsPCMA(t, a.said, packets, 0); r.MedianCorrelation < 0.9 || r.Windows < minWindows {
		t.Errorf("what was said is read with a correlation of %.3f over %d windows from %d packets, want 0.9", r.MedianCorrelation, r.Windows, len(packets))
	}
}
