package interop

import (
	"testing"
	"time"
)

// TestPeersAlone proves the harness: two phones of another make talk through the
// server, so that a failure elsewhere is Parley's.
func TestPeersAlone(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	for _, transport := range []string{"udp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			encryption := map[string]string{"tls": "srtp-mand"}[transport]
			a := startBaresip(t, k, baresipConfig{User: "anna" + transport, Transport: transport, Codecs: "pcma", Encryption: encryption})
			b := startBaresip(t, k, baresipConfig{User: "ben" + transport, Transport: transport, Codecs: "pcma", Encryption: encryption})
			a.ctl.do(t, "dial", b.address())
			a.ctl.await(t, "CALL_ESTABLISHED")
			talk(6 * time.Second)
			a.ctl.do(t, "hangup", "")
			b.ctl.await(t, "CALL_CLOSED")
			mustHear(t, "ben hears anna", a.said, b.heard(t), 0)
			mustHear(t, "anna hears ben", b.said, a.heard(t), 0)
			mustNotHear(t, "anna hears herself", a.said, a.heard(t), 0)
		})
	}
}
