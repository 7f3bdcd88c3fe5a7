package interop

import (
	"strings"
	"testing"
	"time"
)

// TestEncryption calls phones whose wishes for encryption meet ours in different
// ways. What is shown is what was agreed.
func TestEncryption(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	tests := []struct {
		name, transport string
		settings        []string
		theirs          string
		status, want    string // of the call; what ENCRYPTION or REASON begins with
	}{
		{"keys in clear", "udp", []string{"srtp_in_clear=true"}, "srtp-mand", "INPROGRESS", "KEY_IN_CLEAR AES_CM_128_HMAC_SHA1_80|KEY_IN_CLEAR AEAD"},
		{"no keys without TLS", "udp", nil, "srtp", "INPROGRESS", "NONE"},
		{"they insist, we may not", "udp", nil, "srtp-mand", "FAILED", "488"},
		{"they have none", "tls", nil, "", "INPROGRESS", "NONE"},
		{"we insist, they have none", "tls", []string{"srtp=require"}, "", "FAILED", ""},
		{"we have none", "tls", []string{"srtp=off"}, "srtp", "INPROGRESS", "NONE"},
		{"both may", "tls", nil, "srtp", "INPROGRESS", "ENCRYPTED"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			name := strings.NewReplacer(" ", "-", ",", "").Replace(tt.name)
			a := startPhone(t, k, phoneConfig{User: "a-" + name, Transport: tt.transport, Settings: tt.settings})
			b := startBaresip(t, k, baresipConfig{User: "b-" + name, Transport: tt.transport, Encryption: tt.theirs, Codecs: "pcma"})
			id := a.dial(t, b.address())
			a.awaitStatus(t, id, "INPROGRESS|FAILED|REFUSED|BUSY")
			a.is(t, id, tt.status)
			if tt.status == "INPROGRESS" { // it is known a moment later
				a.awaitNote(t, 5*time.Second, "CALL "+id+" ENCRYPTION .+")
			}
			property := map[string]string{"INPROGRESS": "ENCRYPTION", "FAILED": "REASON"}[tt.status]
			got := a.get(t, "CALL "+id+" "+property)
			fits := false
			for want := range strings.SplitSeq(tt.want, "|") {
				fits = fits || strings.HasPrefix(got, want)
			}
			if !fits || got == "" {
				t.Errorf("%s = %q, want %s", property, got, tt.want)
			}
			if tt.status != "INPROGRESS" {
				return
			}
			talk(500 * time.Millisecond)
			if a.stat(t, id, "PACKETS_RECEIVED") == 0 {
				t.Error("nothing is heard")
			}
			a.finish(t, id)
		})
	}
}

// TestNoCommonCodec fails in words on whichever side is ours.
func TestNoCommonCodec(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "picky", Settings: []string{"codecs=opus"}})
	b := startBaresip(t, k, baresipConfig{User: "plain", Codecs: "pcmu"})

	id := a.dial(t, b.address())
	a.is(t, id, "FAILED")
	if got := a.get(t, "CALL "+id+" REASON"); !strings.HasPrefix(got, "488") {
		t.Errorf("REASON = %q, want 488", got)
	}
	if got := a.get(t, "CALL "+id+" FAILUREREASON"); got != "6" {
		t.Errorf("FAILUREREASON = %q, want 6: no common codec", got)
	}

	b.ctl.do(t, "dial", a.account())
	eventually(t, 5*time.Second, "both calls are over", func() bool { return len(b.ctl.all("CALL_CLOSED")) == 2 })
	if told := b.ctl.all("CALL_CLOSED")[1]; !strings.Contains(told, "488") {
		t.Errorf("the caller was told %q, want 488", told)
	}
}

// TestDirect calls from phone to phone without a server, and is called so once
// that is allowed.
func TestDirect(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	port := freePorts(t, 1)
	a := startPhone(t, nil, phoneConfig{Args: []string{"--sip-listen", address(port)}})
	b := startBaresip(t, k, baresipConfig{User: "neighbor", Unregistered: true})

	id := a.dial(t, b.direct())
	a.awaitStatus(t, id, "INPROGRESS")
	talk(500 * time.Millisecond)
	if a.stat(t, id, "PACKETS_RECEIVED") == 0 {
		t.Error("nothing is heard")
	}
	a.finish(t, id)
	b.ctl.await(t, "CALL_CLOSED")

	r := listenRaw(t)
	target, to := "sip:anyone@"+address(port), addrOf(t, address(port))
	i := newInvitation(target, "UDP", r.address(), offer(4000))
	r.put(t, to, i.text("INVITE", "<"+target+">"))
	m := r.expectFinal(t)
	if code := strings.Fields(m.text)[1]; code != "403" && code != "404" {
		t.Errorf("a direct call that is not allowed is answered %s, want 403 or 404", code)
	}
	r.put(t, to, i.text("ACK", m.header("To")))

	a.do(t, "SET SETTING calls.direct_calls true")
	i = newInvitation(target, "UDP", r.address(), offer(4000))
	r.put(t, to, i.text("INVITE", "<"+target+">"))
	id = a.ringing(t)
	a.do(t, "ALTER CALL %s ANSWER", id)
	r.put(t, to, i.ack(r.expect(t, 5*time.Second, "SIP/2.0 200")))
	a.is(t, id, "INPROGRESS")
	a.do(t, "ALTER CALL %s HANGUP", id)
	r.reply(t, r.expect(t, 5*time.Second, "BYE"), "200 OK")
}

// TestStrangers are refused by an account: its contact's user part is random, and
// whoever does not know it gets nowhere.
func TestStrangers(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "hidden"})
	contact, to := contactOf(t, k, "hidden")
	r := listenRawAt(t, "127.0.0.2:0") // not the address of the registrar
	for _, user := range []string{"hidden", "100", "admin"} {
		target := "sip:" + user + "@" + to.String()
		if target == contact {
			t.Fatalf("the contact %s can be guessed", contact)
		}
		i := newInvitation(target, "UDP", r.address(), offer(4000))
		r.put(t, to, i.text("INVITE", "<"+target+">"))
		m := r.expectFinal(t)
		if code := strings.Fields(m.text)[1]; code != "403" && code != "404" {
			t.Errorf("a stranger's call to %s is answered %s, want 403 or 404", target, code)
		}
		r.put(t, to, i.text("ACK", m.header("To")))
	}
	if calls := a.notifications("CALL .*"); len(calls) != 0 {
		t.Errorf("strangers were let through: %q", calls)
	}
}
