package interop

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// requests counts the requests of a method that the trace shows as sent to the
// server, retransmissions too.
func (p *phone) requests(method string) int {
	n := 0
	for line := range strings.Lines(p.messages()) {
		if strings.HasPrefix(line, method+" sip") && strings.HasSuffix(strings.TrimSpace(line), " SIP/2.0") {
			n++
		}
	}
	return n
}

// TestWrongPassword is told so, and does not keep knocking.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	a := startPhone(t, registrar(t), phoneConfig{User: "forgetful", Password: "not that one"})
	account := "ACCOUNT " + a.address()
	eventually(t, 10*time.Second, "the registration fails", func() bool { return a.get(t, account+" REGSTATUS") == "FAILED" })
	if got := a.get(t, account+" FAILURE"); got != "BAD_PASSWORD" {
		t.Errorf("FAILURE = %s, want BAD_PASSWORD", got)
	}
	if reason := a.get(t, account+" REASON"); !strings.HasPrefix(reason, "401") {
		t.Errorf("REASON = %q, want 401", reason)
	}
	if n := a.requests("REGISTER"); n != 2 {
		t.Errorf("%d REGISTER were sent, want 2: one without and one with the password", n)
	}
	never(t, 5*time.Second, "another REGISTER with a refused password", func() bool { return a.requests("REGISTER") > 2 })

	// A person puts it right.
	a.do(t, "SET %s PASSWORD %s", account, a.config.User+"pw")
	a.awaitRegistered(t)
}

// TestSHA256 registers and calls with the newer digest.
func TestSHA256(t *testing.T) {
	t.Parallel()
	k := ownRegistrar(t, kamailioConfig{Algorithm: "SHA-256"})
	a := startPhone(t, k, phoneConfig{User: "modern"})
	if !strings.Contains(a.messages(), "algorithm=SHA-256") {
		t.Error("the registration went without SHA-256")
	}
	id := a.dial(t, "sip:busy@"+testDomain)
	a.is(t, id, "BUSY")
}

// TestTooBrief meets a registrar that wants longer registrations (423).
func TestTooBrief(t *testing.T) {
	t.Parallel()
	a := startPhone(t, registrar(t), phoneConfig{User: "strict", Settings: []string{"expires=300"}})
	if !strings.Contains(a.messages(), "SIP/2.0 423") {
		t.Error("the registrar did not answer 423, so nothing was proven")
	}
}

// TestUnregister takes away only the contact of the phone that ends.
func TestUnregister(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	one := startPhone(t, k, phoneConfig{User: "twice"})
	first := k.contacts("twice")
	two := startPhone(t, k, phoneConfig{User: "twice"})
	if n := len(k.contacts("twice")); n != 2 {
		t.Fatalf("%d contacts are registered, want 2", n)
	}
	two.stop()
	eventually(t, 3*time.Second, "one contact is left", func() bool { return len(k.contacts("twice")) == 1 })
	if got := k.contacts("twice"); !slices.Equal(got, first) {
		t.Errorf("contacts = %q, want %q: that of the other phone", got, first)
	}
	one.stop()
	eventually(t, 3*time.Second, "no contact is left", func() bool { return len(k.contacts("twice")) == 0 })
}

// TestRegistrarRestart loses the server in the middle of a call, which goes on;
// and the registration comes back.
func TestRegistrarRestart(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			k := ownRegistrar(t, kamailioConfig{})
			a := startPhone(t, k, phoneConfig{User: "alice", Transport: transport, Settings: []string{"expires=30"}})
			b := startBaresip(t, k, baresipConfig{User: "bob", Codecs: "pcma", Transport: transport})
			id := a.dial(t, b.address())
			a.awaitStatus(t, id, "INPROGRESS")
			talk(time.Second)
			k.stop()
			before := a.playedSoFar(t)
			talk(4 * time.Second)
			if err := k.start(); err != nil {
				t.Fatal(err)
			}
			a.is(t, id, "INPROGRESS")
			mustHear(t, "while the server was away", b.said, load(t, a.played).from(before), 0)
			eventually(t, 40*time.Second, "registered again", func() bool { return len(k.contacts("alice")) == 1 })
			a.awaitRegistered(t)
			a.finish(t, id)
		})
	}
}

// TestShortRegistration refreshes as often as the server's word on our own
// contact says, whatever the Expires header.
func TestShortRegistration(t *testing.T) {
	t.Parallel()
	s := listenRaw(t)
	a := newPhone(t, nil, phoneConfig{User: "brief", Proxy: s.proxy()})
	a.run(t)
	var times []time.Time
	for len(times) < 3 {
		m := s.expect(t, 10*time.Second, "REGISTER")
		if m.expires() == "0" {
			continue
		}
		times = append(times, m.at)
		s.reply(t, m, "200 OK", "Contact: <sip:other@192.0.2.9>;expires=3600, "+m.header("Contact")+";expires=4", "Expires: 3600")
	}
	for i := 1; i < len(times); i++ {
		if d := times[i].Sub(times[i-1]); d > 4*time.Second || d < time.Second {
			t.Errorf("refreshed after %v, want between 1 s and 4 s", d)
		}
	}
}

// TestUnreachable tries servers that cannot be reached, each in its own way.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	silent, err := net.ListenPacket("udp", loopback+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	dns := listenNoSuchName(t)
	free := freePorts(t, 1)
	tests := []struct {
		name, proxy string
		within      time.Duration
		failure     string
		want        string // in the reason
	}{
		{"unknown host", "sip:nowhere.invalid", 15 * time.Second, "HOST_NOT_FOUND", "nowhere.invalid"},
		{"refused port", "sip:" + address(free) + ";transport=tcp", 15 * time.Second, "UNREACHABLE", address(free)},
		{"silent host", "sip:" + silent.LocalAddr().String() + ";transport=udp", 45 * time.Second, "SERVER_TIMEOUT", "408"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newPhone(t, nil, phoneConfig{User: "lost", Proxy: tt.proxy, Transport: "auto", Args: []string{"--dns", dns}})
			a.run(t)
			account := "ACCOUNT " + a.address()
			eventually(t, tt.within, "the registration fails", func() bool { return a.get(t, account+" REGSTATUS") == "FAILED" })
			if got := a.get(t, account+" FAILURE"); got != tt.failure {
				t.Errorf("FAILURE = %s, want %s", got, tt.failure)
			}
			if reason := a.get(t, account+" REASON"); !strings.Contains(reason, tt.want) {
				t.Errorf("REASON = %q, want %q in it", reason, tt.want)
			}
		})
	}
}

// TestCertificates meets servers whose certificate is not to be trusted, and
// says what is wrong with it.
func TestCertificates(t *testing.T) {
	t.Parallel()
	ca, err := testAuthority()
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := newAuthority("stranger")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		signer *authority
		domain string
		until  time.Time
		want   string
	}{
		{"expired", ca, testDomain, time.Now().AddDate(0, 0, -10), "expired"},
		{"wrong name", ca, "other.test", time.Now().AddDate(0, 6, 0), "name"},
		{"unknown authority", stranger, testDomain, time.Now().AddDate(0, 6, 0), "authority"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cert, err := tt.signer.issue(shortDir(t), tt.domain, tt.until)
			if err != nil {
				t.Fatal(err)
			}
			k := ownRegistrar(t, kamailioConfig{Certificate: cert.cert, Key: cert.key})
			a := newPhone(t, k, phoneConfig{User: "careful", Transport: "tls"})
			a.run(t)
			account := "ACCOUNT " + a.address()
			eventually(t, 15*time.Second, "the registration fails", func() bool { return a.get(t, account+" REGSTATUS") == "FAILED" })
			if reason := strings.ToLower(a.get(t, account+" REASON")); !strings.Contains(reason, tt.want) {
				t.Errorf("REASON = %q, want %q in it", reason, tt.want)
			}
			if n := len(k.contacts("careful")); n != 0 {
				t.Errorf("registered at a server that is not to be trusted")
			}
		})
	}
}
