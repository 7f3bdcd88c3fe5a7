package bonjour_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"parley/bonjour"
	"parley/bonjour/bonjourtest"
)

// query makes a packet of questions, as "a.local. A" or "a.local. A QU", and of known
// answers.
func query(questions []string, known ...string) *dns.Msg {
	m := new(dns.Msg)
	for _, q := range questions {
		words := strings.Fields(q)
		class := uint16(dns.ClassINET)
		if len(words) == 3 {
			class |= 1 << 15
		}
		m.Question = append(m.Question, dns.Question{Name: words[0], Qtype: dns.StringToType[words[1]], Qclass: class})
	}
	m.Answer = records(known)
	return m
}

// response makes a packet of answers, as "a.local. 120 A 10.0.0.9 flush".
func response(answers ...string) *dns.Msg {
	m := new(dns.Msg)
	m.Response, m.Authoritative = true, true
	m.Answer = records(answers)
	return m
}

func records(lines []string) []dns.RR {
	var list []dns.RR
	for _, line := range lines {
		line, flush := strings.CutSuffix(line, " flush")
		rr, err := dns.NewRR(line)
		if err != nil {
			panic(fmt.Sprintf("%s: %v", line, err))
		}
		if flush {
			rr.Header().Class |= 1 << 15
		}
		list = append(list, rr)
	}
	return list
}

// A rig is one engine with a service that was announced long ago, and somebody else on
// the link.
type rig struct {
	*peer
	pub *bonjour.Publication
}

const (
	ptrRec = "_sip._udp.local. 4500 PTR Anna._sip._udp.local."
	srvRec = "Anna._sip._udp.local. 120 SRV 0 0 5060 a.local. flush"
	txtRec = `Anna._sip._udp.local. 4500 TXT "name=Anna" flush`
	aRec   = "a.local. 120 A 10.0.0.1 flush"
	nsec   = "a.local. 120 NSEC a.local. A flush"
	other  = "10.0.0.9:5353"
)

// announced runs f with a service that was announced a minute ago, so that nothing of
// it is going on.
func announced(t *testing.T, f func(r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		r := &rig{peer: join(t, n, n.Host("a", "10.0.0.1/24"))}
		r.pub = r.publish(bonjour.Service{Name: "Anna", Type: "_sip._udp", Port: 5060, Text: text("name=Anna")})
		time.Sleep(time.Minute)
		r.wants("at first", "0s status [eth0] <nil>", "0s Anna probing", "758ms Anna announced")
		n.Forget()
		r.start = time.Now()
		f(r)
	})
}

// offering has another host join and offer a service.
func (r *rig) offering(name string, port uint16, host string, addrs ...string) *peer {
	p := join(r.t, r.net, r.net.Host(host, addrs...))
	p.publish(bonjour.Service{Name: name, Type: "_sip._udp", Port: port})
	return p
}

// hears sends a packet of the other host's to the group.
func (r *rig) hears(m *dns.Msg) { r.net.Inject(bonjourtest.LAN, other, bonjourtest.Pack(m)) }

// says compares what was sent within a time with what should have been, and forgets
// it. Times are those since the rig was ready.
func (r *rig) says(within time.Duration, want ...string) {
	r.t.Helper()
	time.Sleep(within)
	if diff := cmp.Diff(want, sent(r.net, r.start, "a")); diff != "" {
		r.t.Errorf("after %v: sent (-want +got):\n%s", time.Since(r.start), diff)
	}
}

func TestSharedRecordsComeLater(t *testing.T) {
	announced(t, func(r *rig) {
		r.hears(query([]string{"_SIP._udp.LOCAL. PTR"}))
		r.says(time.Second, "60ms response answers "+ptrRec+"; additionals "+srvRec+", "+txtRec+", "+aRec+", "+nsec)
		r.hears(query([]string{"_services._dns-sd._udp.local. PTR"}))
		r.says(time.Second, "1.06s response answers _services._dns-sd._udp.local. 4500 PTR _sip._udp.local.")
		// With a question that somebody else has the answer to, ours are not the only ones.
		r.hears(query([]string{"a.local. A", "b.local. A"}))
		r.says(time.Second, "2.06s response answers "+aRec+"; additionals "+nsec)
	})
}

func TestRecordsOfOursAloneComeAtOnce(t *testing.T) {
	for _, row := range []struct{ question, answer string }{
		{"anna._sip._udp.local. SRV", srvRec + "; additionals " + aRec + ", " + nsec},
		{"Anna._sip._udp.local. TXT", txtRec},
		{"Anna._sip._udp.local. ANY", srvRec + ", " + txtRec + "; additionals " + aRec + ", " + nsec},
		{"A.local. A", aRec + "; additionals " + nsec},
		{"a.local. ANY", aRec + "; additionals " + nsec},
		{"a.local. AAAA", nsec},
		{"Anna._sip._udp.local. A", "Anna._sip._udp.local. 4500 NSEC Anna._sip._udp.local. TXT SRV flush"},
	} {
		announced(t, func(r *rig) {
			r.hears(query([]string{row.question}))
			r.says(time.Second, "0s response answers "+row.answer)
		})
	}
}

func TestNothingIsSaidOfWhatIsNotOurs(t *testing.T) {
	announced(t, func(r *rig) {
		r.hears(query([]string{"b.local. A", "_sip._tcp.local. PTR", "local. ANY", "Bert._sip._udp.local. SRV", "_sip._udp.local. SRV"}))
		update := query([]string{"a.local. A"})
		update.Opcode = dns.OpcodeUpdate
		r.hears(update)
		r.says(10 * time.Second)
	})
}

func TestKnownAnswersAreNotRepeated(t *testing.T) {
	question := []string{"_sip._udp.local. PTR"}
	announced(t, func(r *rig) {
		r.hears(query(question, "_sip._udp.local. 2250 PTR anna._sip._udp.local."))
		r.says(time.Second)
		r.hears(query(question, "_sip._udp.local. 2249 PTR Anna._sip._udp.local."))
		r.says(time.Second, "1.06s response answers "+ptrRec+"; additionals "+srvRec+", "+txtRec+", "+aRec+", "+nsec)
		r.hears(query([]string{"a.local. A"}, "a.local. 120 A 10.0.0.2"))
		r.says(time.Second, "2.06s response answers "+aRec+"; additionals "+nsec) // a second after it was additional
	})
}

// Both addresses have the flush bit: one without the other would take that away.
func TestSetsOfOursAloneAreKnownAsAWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		r := &rig{peer: join(t, n, n.Host("a", "10.0.0.1/24", "10.0.0.2/24"))}
		r.publish(bonjour.Service{Name: "Anna", Type: "_sip._udp"})
		time.Sleep(time.Minute)
		n.Forget()
		r.start = time.Now()
		r.hears(query([]string{"a.local. A"}, "a.local. 120 A 10.0.0.1"))
		r.says(time.Second, "0s response answers "+aRec+", a.local. 120 A 10.0.0.2 flush; additionals "+nsec)
		r.hears(query([]string{"a.local. A"}, "a.local. 120 A 10.0.0.1", "a.local. 100 A 10.0.0.2"))
		r.says(time.Second)
	})
}

func TestARecordIsMulticastOnceInASecond(t *testing.T) {
	announced(t, func(r *rig) {
		for range 20 {
			r.hears(query([]string{"a.local. A"}))
			time.Sleep(100 * time.Millisecond)
		}
		answer := "response answers " + aRec + "; additionals " + nsec
		r.says(5*time.Second, "0s "+answer, "1s "+answer, "2s "+answer)
	})
}

func TestNamesAreDefendedFaster(t *testing.T) {
	announced(t, func(r *rig) {
		probe := query([]string{"Anna._sip._udp.local. ANY QU"})
		probe.Ns = records([]string{"Anna._sip._udp.local. 120 SRV 0 0 7777 b.local."})
		for range 3 {
			r.hears(probe)
			time.Sleep(100 * time.Millisecond)
		}
		answer := "response answers " + srvRec + ", " + txtRec
		r.says(5*time.Second, "0s "+answer+"; additionals "+aRec+", "+nsec, "250ms "+answer)
		r.wants("nobody took the name")
	})
}

func TestAnswersOfOthersSpareOurs(t *testing.T) {
	announced(t, func(r *rig) {
		r.hears(query([]string{"_sip._udp.local. PTR"}))
		time.Sleep(10 * time.Millisecond)
		r.hears(response(ptrRec))
		r.says(time.Second)
		// One that does not last as long spares nothing.
		r.hears(query([]string{"_sip._udp.local. PTR"}))
		time.Sleep(10 * time.Millisecond)
		r.hears(response("_sip._udp.local. 4000 PTR Anna._sip._udp.local."))
		r.says(time.Second, "1.07s response answers "+ptrRec+"; additionals "+srvRec+", "+txtRec+", "+aRec+", "+nsec)
	})
}

func TestAnswersAreJoined(t *testing.T) {
	announced(t, func(r *rig) {
		r.hears(query([]string{"_sip._udp.local. PTR"}))
		time.Sleep(30 * time.Millisecond)
		r.hears(query([]string{"_services._dns-sd._udp.local. PTR"}))
		r.says(time.Second, "60ms response answers "+ptrRec+", _services._dns-sd._udp.local. 4500 PTR _sip._udp.local.; "+
			"additionals "+srvRec+", "+txtRec+", "+aRec+", "+nsec)
	})
}

func TestTruncatedQuestionsWaitForTheRest(t *testing.T) {
	truncated := func(known ...string) *dns.Msg {
		m := query([]string{"_sip._udp.local. PTR", "_services._dns-sd._udp.local. PTR"}, known...)
		m.Truncated = true
		return m
	}
	rest := func(more bool, known ...string) *dns.Msg {
		m := query(nil, known...)
		m.Truncated = more
		return m
	}
	meta := "_services._dns-sd._udp.local. 4500 PTR _sip._udp.local."
	announced(t, func(r *rig) {
		r.hears(truncated())
		time.Sleep(100 * time.Millisecond)
		r.hears(rest(false, ptrRec))
		// Others' known answers are not the asker's.
		r.net.Inject(bonjourtest.LAN, "10.0.0.8:5353", bonjourtest.Pack(rest(false, meta)))
		r.says(time.Second, "440ms response answers "+meta)
	})
	announced(t, func(r *rig) { // each part that says so puts it off
		r.hears(truncated())
		time.Sleep(300 * time.Millisecond)
		r.hears(rest(true, "_sip._udp.local. 4500 PTR Bert._sip._udp.local."))
		time.Sleep(300 * time.Millisecond)
		r.hears(rest(false, meta))
		r.says(time.Second, "740ms response answers "+ptrRec+"; additionals "+srvRec+", "+txtRec+", "+aRec+", "+nsec)
	})
	announced(t, func(r *rig) { // but not for ever
		for range 30 {
			r.hears(truncated(meta))
			time.Sleep(100 * time.Millisecond)
		}
		if got := sent(r.net, r.start, "a"); len(got) == 0 || !strings.HasPrefix(got[0], "2s ") {
			t.Errorf("sent %q, want an answer after 2s", got)
		}
	})
}

func TestUnicastAnswers(t *testing.T) {
	announced(t, func(r *rig) {
		// Announced 56 seconds ago: too long for a record of two minutes, not for the others.
		r.hears(query([]string{"a.local. A QU", "Anna._sip._udp.local. TXT QU"}))
		time.Sleep(time.Second)
		synctest.Wait()
		var got []string
		for _, p := range r.net.Packets() {
			if p.Host == "a" {
				got = append(got, fmt.Sprintf("%v %v", p.Time.Sub(r.start), p))
			}
		}
		want := []string{
			"0s 10.0.0.1:5353 > 10.0.0.9:5353: response answers " + txtRec,
			"0s 10.0.0.1:5353 > 224.0.0.251:5353: response answers " + aRec + "; additionals " + nsec,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
		r.net.Forget()
		// A question to us alone is answered alike, if it comes from the link.
		for _, from := range []string{"10.0.0.9:5353", "10.0.1.9:5353"} {
			r.net.InjectUnicast(bonjourtest.LAN, from, "10.0.0.1:5353", bonjourtest.Pack(query([]string{"a.local. A"})))
		}
		r.says(time.Second, "1s response answers "+aRec+"; additionals "+nsec)
	})
}

func TestPlainClients(t *testing.T) {
	announced(t, func(r *rig) {
		m := query([]string{"_SIP._udp.local. PTR"})
		m.Id = 4711
		for _, from := range []string{"10.0.0.9:40000", "10.9.0.9:40000"} { // the other is not on the link
			r.net.Inject(bonjourtest.LAN, from, bonjourtest.Pack(m))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		var got []string
		for _, p := range r.net.Packets() {
			if p.Host == "a" {
				reply := p.Message()
				got = append(got, fmt.Sprintf("%v id %d %v", p.Time.Sub(r.start), reply.Id, p))
			}
		}
		want := []string{
			"0s id 4711 10.0.0.1:5353 > 10.0.0.9:40000: response _SIP._udp.local. PTR; answers _sip._udp.local. 10 PTR Anna._sip._udp.local.; " +
				`additionals Anna._sip._udp.local. 10 SRV 0 0 5060 a.local., Anna._sip._udp.local. 10 TXT "name=Anna", a.local. 10 A 10.0.0.1, a.local. 10 NSEC a.local. A`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	})
}

// Nobody may use us to flood somebody else.
func TestFewUnicastsInASecond(t *testing.T) {
	announced(t, func(r *rig) {
		for range 1000 {
			r.net.Inject(bonjourtest.LAN, "10.0.0.9:40000", bonjourtest.Pack(query([]string{"a.local. A"})))
		}
		time.Sleep(time.Second)
		if got := len(sent(r.net, r.start, "a")); got == 0 || got > 100 {
			t.Errorf("%d answers to 1000 questions of a plain client within a second, want 1 to 100", got)
		}
	})
}

// Who spends all answers to single hosts keeps nobody from being answered.
func TestUnicastAnswersAreNotUsedUp(t *testing.T) {
	announced(t, func(r *rig) {
		for range 200 {
			r.net.Inject(bonjourtest.LAN, "10.0.0.9:40000", bonjourtest.Pack(query([]string{"a.local. A"})))
		}
		synctest.Wait()
		r.net.Forget()
		r.net.Inject(bonjourtest.LAN, "10.0.0.3:5353", bonjourtest.Pack(query([]string{"Anna._sip._udp.local. TXT QU"})))
		r.says(time.Second, "0s response answers "+txtRec)
	})
}

// A question comes once for each family.
func TestQuestionsOfBothFamiliesAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		r := &rig{peer: join(t, n, n.Host("a", "10.0.0.1/24", "fe80::1/64"))}
		r.publish(bonjour.Service{Name: "Anna", Type: "_sip._udp", Port: 5060, Text: text("name=Anna")})
		time.Sleep(time.Minute)
		for range 2 {
			n.Forget()
			r.start = time.Now()
			r.hears(query([]string{"Anna._sip._udp.local. TXT"}))
			time.Sleep(2 * time.Millisecond)
			n.Inject(bonjourtest.LAN, "[fe80::9]:5353", bonjourtest.Pack(query([]string{"Anna._sip._udp.local. TXT"})))
			r.says(10*time.Second, "0s response answers "+txtRec, "0s response answers "+txtRec) // by both
		}
	})
}
