package interop

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestInviteAndCancelTogether sends both in one breath, in either order, over
// UDP and TCP. The call must not ring on.
func TestInviteAndCancelTogether(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	t.Run("udp", func(t *testing.T) {
		t.Parallel()
		a := startPhone(t, k, phoneConfig{User: "hasty-udp"})
		target, to := contactOf(t, k, "hasty-udp")
		r := listenRaw(t)
		for range 10 {
			i := newInvitation(target, "UDP", r.address(), offer(4000))
			r.put(t, to, i.text("INVITE", "<"+target+">"))
			r.put(t, to, i.text("CANCEL", "<"+target+">"))
			m := r.expect(t, 5*time.Second, "SIP/2.0 487")
			r.put(t, to, i.text("ACK", m.header("To")))
		}
		a.noCallRings(t)

		// The CANCEL overtakes the INVITE, and counts all the same.
		i := newInvitation(target, "UDP", r.address(), offer(4000))
		r.put(t, to, i.text("CANCEL", "<"+target+">"))
		r.put(t, to, i.text("INVITE", "<"+target+">"))
		m := r.expect(t, 5*time.Second, "SIP/2.0 487")
		r.put(t, to, i.text("ACK", m.header("To")))
		a.noCallRings(t)
	})
	t.Run("tcp", func(t *testing.T) {
		t.Parallel()
		a := startPhone(t, k, phoneConfig{User: "hasty-tcp"})
		target, to := contactOf(t, k, "hasty-tcp")
		s := dialStream(t, to.String())
		for range 10 {
			i := newInvitation(target, "TCP", s.LocalAddr().String(), offer(4000))
			s.say(t, i.text("INVITE", "<"+target+">")+i.text("CANCEL", "<"+target+">"))
			m := s.expect(t, 5*time.Second, "SIP/2.0 487")
			s.say(t, i.text("ACK", m.header("To")))
		}
		a.noCallRings(t)

		i := newInvitation(target, "TCP", s.LocalAddr().String(), offer(4000))
		s.say(t, i.text("CANCEL", "<"+target+">")+i.text("INVITE", "<"+target+">"))
		m := s.expect(t, 5*time.Second, "SIP/2.0 487")
		s.say(t, i.text("ACK", m.header("To")))
		a.noCallRings(t)
	})
}

// put sends text as it is.
func (r *raw) put(t testing.TB, to net.Addr, text string) {
	t.Helper()
	if _, err := r.conn.WriteTo([]byte(text), to); err != nil {
		t.Fatal(err)
	}
}

func (a *api) noCallRings(t testing.TB) {
	t.Helper()
	eventually(t, 3*time.Second, "no call is left", func() bool {
		return strings.TrimSpace(strings.TrimPrefix(a.do(t, "SEARCH ACTIVECALLS"), "CALLS")) == ""
	})
}

// TestOKIsRepeated leaves a 200 without its ACK: it comes again after 0.5, 1, 2
// and 4 seconds (RFC 3261 section 13.3.1.4), and no more once the ACK is there.
func TestOKIsRepeated(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "patient"})
	target, to := contactOf(t, k, "patient")
	r := listenRaw(t)
	i := newInvitation(target, "UDP", r.address(), offer(4000))
	r.put(t, to, i.text("INVITE", "<"+target+">"))
	id := a.ringing(t)
	a.do(t, "ALTER CALL %s ANSWER", id)
	last := r.expect(t, 5*time.Second, "SIP/2.0 200")
	for _, want := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second} {
		m := r.expect(t, 2*want+time.Second, "SIP/2.0 200")
		if d := m.at.Sub(last.at); d < want*8/10 || d > want*13/10 {
			t.Errorf("the 200 came again after %v, want %v", d, want)
		}
		last = m
	}
	r.put(t, to, i.ack(last))
	if m, ok := r.next(5*time.Second, "SIP/2.0 200"); ok {
		t.Errorf("a 200 came again %v after its ACK", m.at.Sub(last.at))
	}
	a.is(t, id, "INPROGRESS")
	a.do(t, "ALTER CALL %s HANGUP", id)
	m := r.expect(t, 5*time.Second, "BYE")
	r.reply(t, m, "200 OK")
	a.is(t, id, "FINISHED")
}

// TestNoACK gives a call up whose ACK never comes.
func TestNoACK(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "forsaken"})
	target, to := contactOf(t, k, "forsaken")
	r := listenRaw(t)
	r.put(t, to, newInvitation(target, "UDP", r.address(), offer(4000)).text("INVITE", "<"+target+">"))
	id := a.ringing(t)
	a.do(t, "ALTER CALL %s ANSWER", id)
	m := r.expect(t, 45*time.Second, "BYE")
	r.reply(t, m, "200 OK")
	eventually(t, 5*time.Second, "the call is over", func() bool {
		return slices.Contains([]string{"FINISHED", "FAILED"}, a.get(t, "CALL "+id+" STATUS"))
	})
}

// TestListeningPort looks where requests come from: within a dialog, too, it is
// the port that the phone listens on, so that answers pass through NATs.
func TestListeningPort(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "porter"})
	target, to := contactOf(t, k, "porter")
	r := listenRaw(t)
	i := newInvitation(target, "UDP", r.address(), offer(4000))
	r.put(t, to, i.text("INVITE", "<"+target+">"))
	id := a.ringing(t)
	a.do(t, "ALTER CALL %s ANSWER", id)
	r.put(t, to, i.ack(r.expect(t, 5*time.Second, "SIP/2.0 200")))
	a.is(t, id, "INPROGRESS")
	a.do(t, "ALTER CALL %s HOLD", id)
	m := r.expect(t, 5*time.Second, "INVITE")
	if m.from.String() != to.String() {
		t.Errorf("the re-INVITE came from %v, want %v", m.from, to)
	}
	r.answer(t, m, "200 OK", offer(4000)+"a=recvonly\r\n", "Contact: <sip:raw@"+r.address()+">")
	if m = r.expect(t, 5*time.Second, "ACK"); m.from.String() != to.String() {
		t.Errorf("the ACK came from %v, want %v", m.from, to)
	}
	a.is(t, id, "LOCALHOLD")
	a.do(t, "ALTER CALL %s HANGUP", id)
	if m = r.expect(t, 5*time.Second, "BYE"); m.from.String() != to.String() {
		t.Errorf("the BYE came from %v, want %v", m.from, to)
	}
	r.reply(t, m, "200 OK")
}

// TestBadMessageAmongGood sends rubbish between two requests on one connection:
// both are answered, on it.
func TestBadMessageAmongGood(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	startPhone(t, k, phoneConfig{User: "sturdy"})
	target, to := contactOf(t, k, "sturdy")
	bad := []struct{ name, text string }{
		{"no header", "OPTIONS " + target + " SIP/2.0\r\nContent-Length: 0\r\n\r\n"},
		{"broken CSeq", strings.Replace(options(target, "cseq"), "CSeq: 1 OPTIONS", "CSeq: many OPTIONS", 1)},
		{"no SIP", "GET / HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n"},
		{"bytes", "\x00\x01\xff\xfe: \x80\r\n\x02\x03: :\r\n\r\n"},
		{"keep-alive", "\r\n\r\n"},
		{"broken Via", strings.Replace(options(target, "via"), "Via: SIP/2.0/TCP ", "Via: SIP/2.0/TCP;;; ", 1)},
	}
	for n, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			s := dialStream(t, to.String())
			before, after := fmt.Sprintf("before%d", n), fmt.Sprintf("after%d", n)
			s.say(t, options(target, before))
			s.expectFor(t, before)
			s.say(t, tt.text+options(target, after))
			s.expectFor(t, after)
		})
	}
}

// options is an OPTIONS with a Call-ID by which its answer is known.
func options(target, id string) string {
	return assemble("", []string{
		"OPTIONS " + target + " SIP/2.0",
		"Via: SIP/2.0/TCP 127.0.0.1:9;rport;branch=z9hG4bK" + id,
		"Max-Forwards: 70",
		"From: <sip:raw@interop.test>;tag=1",
		"To: <" + target + ">",
		"Call-ID: " + id,
		"CSeq: 1 OPTIONS",
	})
}

// expectFor waits for a final answer to the request with a Call-ID.
func (s *stream) expectFor(t testing.TB, id string) {
	t.Helper()
	for {
		if m := s.expect(t, 5*time.Second, "SIP/2.0"); m.header("Call-ID") == id {
			if !strings.HasPrefix(m.text, "SIP/2.0 200 ") {
				t.Errorf("OPTIONS %s was answered %q", id, strings.SplitN(m.text, "\r\n", 2)[0])
			}
			return
		}
	}
}

// TestSpaces writes an INVITE in ever stranger ways, all of them legal (RFC 3261
// section 7.3.1 and RFC 4475). sipp cannot: it takes away the blanks at the
// beginning of a line.
func TestSpaces(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "spacy"})
	target, to := contactOf(t, k, "spacy")
	r := listenRaw(t)
	steps := []struct{ what, old, new string }{
		{"as usual", "", ""},
		{"compact name", "Via:", "V :"},
		{"spaces in the protocol", "SIP/2.0/UDP", "SIP / 2.0 / UDP  "},
		{"spaces before the port", "UDP   127.0.0.1:", "UDP   127.0.0.1 : "},
		{"parameters", ";rport;branch=", " ; RPORT ; Branch = "},
		{"folded line", "\r\nMax-Forwards:", "\r\n , SIP/2.0/UDP one.example.org ; BRANCH = z9hG4bKone\r\nmax-forwards :  "},
		{"folded name", "From: <", "F : \"Odd\r\n  one\"  <"},
		{"tag", ";tag=", " ; TAG = "},
		{"folded numbers", "CSeq: 1 INVITE", "cseq :\r\n  1\r\n  INVITE"},
		{"contact", "Contact: ", "M :\t"},
		{"type", "Content-Type: application/sdp", "C : application / SDP ; x = y"},
		{"length", "Content-Length: ", "l :\r\n\t"},
	}
	for n, step := range steps {
		i := newInvitation(target, "UDP", r.address(), offer(4000))
		text := i.text("INVITE", "<"+target+">")
		for _, s := range steps[:n+1] {
			text = strings.Replace(text, s.old, s.new, 1)
		}
		r.put(t, to, text)
		if m := r.expectFinalOr180(t); !strings.HasPrefix(m.text, "SIP/2.0 180 ") {
			t.Fatalf("%s: answered %.40q", step.what, m.text)
		}
		r.put(t, to, i.text("CANCEL", "<"+target+">"))
		m := r.expect(t, 5*time.Second, "SIP/2.0 487")
		r.put(t, to, i.text("ACK", m.header("To")))
	}
	a.noCallRings(t)
}

// expectFinalOr180 waits for any response but 100.
func (r *raw) expectFinalOr180(t testing.TB) message {
	t.Helper()
	for {
		if m := r.expect(t, 5*time.Second, "SIP/2.0"); !strings.HasPrefix(m.text, "SIP/2.0 100") {
			return m
		}
	}
}

// TestInjection tries to smuggle lines into messages through the desktop API.
func TestInjection(t *testing.T) {
	t.Parallel()
	a := startPhone(t, registrar(t), phoneConfig{User: "honest"})
	for _, target := range []string{
		"sip:bob%0d%0aX-Smuggled:%201@" + testDomain,
		"sip:bob@" + testDomain + "?X-Smuggled=1%0d%0aX-Second:2",
		"sip:bob@" + testDomain + ";x=%0d%0aX-Smuggled: 1",
		"sip:bob@" + testDomain + "\u2028X-Smuggled: 1",
		"sip:bob@" + testDomain + "\x0bX-Smuggled: 1",
		"\"a\nX-Smuggled: 1\" <sip:bob@" + testDomain + ">",
	} {
		if reply, err := a.try(t, "CALL %s", target); err == nil {
			id := strings.Fields(reply)[1]
			eventually(t, 10*time.Second, "the call to nobody ends", func() bool {
				return !slices.Contains([]string{"UNPLACED", "ROUTING", "RINGING"}, a.get(t, "CALL "+id+" STATUS"))
			})
		}
	}
	b := startBaresip(t, registrar(t), baresipConfig{User: "smuggled"})
	id := a.dial(t, b.address())
	a.awaitStatus(t, id, "INPROGRESS")
	for _, digits := range []string{"1\r\nX-Smuggled: 1", "1 2", "1\x002", "12z", strings.Repeat("1", 10000)} {
		if reply, err := a.try(t, "SET CALL %s DTMF %s", id, digits); err == nil {
			t.Errorf("DTMF %.20q was accepted: %s", digits, reply)
		}
	}
	a.finish(t, id)
	for line := range strings.Lines(a.messages()) {
		if name, _, ok := strings.Cut(line, ":"); ok && strings.HasPrefix(strings.TrimSpace(name), "X-S") {
			t.Errorf("a smuggled line was sent: %q", line)
		}
	}
}

// TestHostileName shows a caller's name safely.
func TestHostileName(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "shown"})
	target, to := contactOf(t, k, "shown")
	r := listenRaw(t)
	names := []string{"evil\u202ecaller\u2066", "a\\\r\n b", strings.Repeat("x", 10000), "tab\there", "\xff\xfe"}
	for _, name := range names {
		i := newInvitation(target, "UDP", r.address(), offer(4000))
		text := strings.Replace(i.text("INVITE", "<"+target+">"), "From: <", fmt.Sprintf("From: \"%s\" <", name), 1)
		r.put(t, to, text)
		if _, ok := r.next(5*time.Second, "SIP/2.0 180"); !ok {
			// Refused outright is safe, too.
			continue
		}
		id := a.ringing(t)
		got := a.get(t, "CALL "+id+" PARTNER_DISPNAME")
		if len(got) > 1000 || strings.ContainsAny(got, "\r\n\t\u202e\u2066\x00") || !strings.Contains(strings.ToValidUTF8(got, "!"), got) {
			t.Errorf("name %.30q is shown as %.60q", name, got)
		}
		r.put(t, to, i.text("CANCEL", "<"+target+">"))
		m := r.expect(t, 5*time.Second, "SIP/2.0 487")
		r.put(t, to, i.text("ACK", m.header("To")))
		a.is(t, id, "MISSED")
	}
}
