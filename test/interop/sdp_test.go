package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestOddOffers sends offers that are unusual but must be understood (RFC 3264),
// and some that cannot be accepted.
func TestOddOffers(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "tolerant"})
	target, to := contactOf(t, k, "tolerant")
	plain := offer(4000)
	head, audio, _ := strings.Cut(plain, "m=audio")
	audio = "m=audio" + audio
	tests := []struct {
		name, body string
		code       string
		want       []string // in the answer
	}{
		{"plain", plain, "200", []string{"m=audio "}},
		{"T.38 after the sound", plain + "m=image 5000 udptl t38\r\na=T38FaxVersion:0\r\n", "200", []string{"m=audio ", "m=image 0 udptl t38"}},
		{"T.38 before the sound", head + "m=image 5000 udptl t38\r\n" + audio, "200", []string{"m=image 0 udptl t38", "m=audio "}},
		{"video too", plain + "m=video 5002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", "200", []string{"m=audio ", "m=video 0 "}},
		{"no t=", strings.Replace(plain, "t=0 0\r\n", "", 1), "200", []string{"m=audio "}},
		{"no s=", strings.Replace(plain, "s=-\r\n", "", 1), "200", []string{"m=audio "}},
		{"line feeds alone", strings.ReplaceAll(plain, "\r\n", "\n"), "200", []string{"m=audio "}},
		{"c= of the sound", strings.Replace(head, "c=IN IP4 127.0.0.1\r\n", "", 1) + strings.Replace(audio, "\r\n", "\r\nc=IN IP4 127.0.0.1\r\n", 1), "200", []string{"m=audio "}},
		{"held from the start", strings.Replace(plain, "c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0", 1), "200", []string{"m=audio "}},
		{"sendonly", plain + "a=sendonly\r\n", "200", []string{"a=recvonly"}},
		{"inactive", plain + "a=inactive\r\n", "200", []string{"a=inactive"}},
		{"unknown lines", plain + "a=candidate:1 1 UDP 1 127.0.0.1 9 typ host\r\nz=1\r\na=x-y:z\r\n", "200", []string{"m=audio "}},
		{"other numbers", head + "m=audio 4000 RTP/AVP 120 121\r\na=rtpmap:120 opus/48000/2\r\na=rtpmap:121 telephone-event/48000\r\n", "200", []string{"RTP/AVP 120", "a=rtpmap:120 opus/48000/2"}},
		{"port 0", head + "m=audio 0 RTP/AVP 8\r\n", "488", nil},
		{"no codec that we know", head + "m=audio 4000 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n", "488", nil},
		{"T.38 alone", head + "m=image 5000 udptl t38\r\n", "488", nil},
		{"no SDP at all", "this is not a session description\r\n", "4", nil},
	}
	r := listenRaw(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := newInvitation(target, "UDP", r.address(), tt.body)
			r.put(t, to, i.text("INVITE", "<"+target+">"))
			if tt.code != "200" {
				m := r.expectFinal(t)
				if got := strings.Fields(m.text)[1]; !strings.HasPrefix(got, tt.code) {
					t.Errorf("answered %s, want %s", got, tt.code)
				}
				r.put(t, to, i.text("ACK", m.header("To")))
				return
			}
			m, ok := r.next(5*time.Second, "SIP/2.0 180")
			if !ok {
				t.Fatal("does not ring")
			}
			_ = m
			id := a.ringing(t)
			a.do(t, "ALTER CALL %s ANSWER", id)
			m = r.expectFinal(t)
			r.put(t, to, i.ack(m))
			at := 0
			for _, line := range tt.want {
				where := strings.Index(m.body()[at:], line)
				if where < 0 {
					t.Errorf("answer without %q, or in another order:\n%s", line, m.body())
					break
				}
				at += where
			}
			a.awaitNote(t, 5*time.Second, fmt.Sprintf("CALL %s STATUS (INPROGRESS|REMOTEHOLD)", id))
			a.do(t, "ALTER CALL %s HANGUP", id)
			r.reply(t, r.expect(t, 5*time.Second, "BYE"), "200 OK")
			a.is(t, id, "FINISHED")
		})
	}
}

// expectFinal waits for a final response.
func (r *raw) expectFinal(t testing.TB) message {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		m := r.expect(t, time.Until(deadline), "SIP/2.0")
		if !strings.HasPrefix(m.text, "SIP/2.0 1") {
			return m
		}
	}
	t.Fatal("no final response")
	return message{}
}
