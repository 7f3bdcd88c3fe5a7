package interop

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// callingSipp starts a phone that does not register and calls the scenario at port.
func callingSipp(t *testing.T, port int, transport string) *phone {
	t.Helper()
	a := startPhone(t, nil, phoneConfig{
		User: "dialer", Transport: transport, Settings: []string{"registration=false"},
		Proxy: fmt.Sprintf("sip:%s;transport=%s", address(port), transport),
	})
	a.awaitActive(t)
	return a
}

// TestReliableProvisionalResponses has them acknowledged both ways (RFC 3262).
func TestReliableProvisionalResponses(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	for _, transport := range []string{"udp", "tcp"} {
		t.Run("called-"+transport, func(t *testing.T) {
			t.Parallel()
			user := "prack-" + transport
			a := startPhone(t, k, phoneConfig{User: user})
			contact, to := contactOf(t, k, user)
			// sipp takes no repetition over TCP, where RFC 3262 wants one too.
			wait := map[string]string{"udp": "1200", "tcp": "0"}[transport]
			p, _ := startSipp(t, "uac_prack", transport, to.String(), contact, "-d", wait)
			id := a.ringing(t)
			if !poll(5*time.Second, func() bool { return strings.Contains(a.messages(), "SIP/2.0 481") }) {
				t.Error("the second PRACK is not refused")
			}
			if got := strings.Count(a.messages(), "SIP/2.0 180 "); transport == "udp" && got < 2 {
				t.Errorf("180 was sent %d times in 1.2 s without PRACK, want it repeated", got)
			}
			a.do(t, "ALTER CALL %s ANSWER", id)
			a.awaitStatus(t, id, "INPROGRESS")
			p.mustPass(t)
			a.is(t, id, "FINISHED")
		})
		t.Run("calling-"+transport, func(t *testing.T) {
			t.Parallel()
			p, port := startSipp(t, "uas_prack", transport, "", "")
			a := callingSipp(t, port, transport)
			id := a.dial(t, "sip:sipp@"+testDomain)
			a.awaitStatus(t, id, "EARLYMEDIA")
			a.awaitStatus(t, id, "INPROGRESS")
			talk(time.Second)
			a.finish(t, id)
			p.mustPass(t)
		})
	}
}

// TestSessionTimers lets 45 s pass until a session is refreshed, and 60 s until
// one has expired: 90 s is the least interval there is (RFC 4028).
func TestSessionTimers(t *testing.T) {
	t.Parallel()
	for _, scenario := range []string{"uas_timer_update", "uas_timer_reinvite", "uas_timer_expired"} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			p, port := startSipp(t, scenario, "udp", "", "", "-timeout", "110")
			a := callingSipp(t, port, "udp")
			id := a.dial(t, "sip:sipp@"+testDomain)
			a.awaitStatus(t, id, "INPROGRESS")
			begun := time.Now()
			if scenario == "uas_timer_expired" {
				a.awaitNote(t, 70*time.Second, "CALL "+id+" STATUS FINISHED")
				if took := time.Since(begun).Round(time.Second); took < 59*time.Second || took > 62*time.Second {
					t.Errorf("the session has expired after %v, want 60 s", took)
				}
				if got := a.get(t, "CALL "+id+" FAILURE"); got != "EXPIRED" {
					t.Errorf("FAILURE = %s, want EXPIRED", got)
				}
			} else {
				refresh := map[string]string{"uas_timer_update": "\nUPDATE ", "uas_timer_reinvite": "\nINVITE "}[scenario]
				before := strings.Count(a.messages(), refresh)
				if !poll(60*time.Second, func() bool { return strings.Count(a.messages(), refresh) > before }) {
					t.Fatal("the session is not refreshed")
				}
				if took := time.Since(begun).Round(time.Second); took < 44*time.Second || took > 47*time.Second {
					t.Errorf("refreshed after %v, want 45 s", took)
				}
				talk(time.Second)
				a.is(t, id, "INPROGRESS")
				a.finish(t, id)
			}
			p.mustPass(t)
		})
	}
	t.Run("too short", func(t *testing.T) {
		t.Parallel()
		k := registrar(t)
		startPhone(t, k, phoneConfig{User: "timer-short"})
		contact, to := contactOf(t, k, "timer-short")
		p, _ := startSipp(t, "uac_timer_short", "udp", to.String(), contact)
		p.mustPass(t)
	})
}

// TestForkedToTwoPhones rings two phones at once, each with an early dialog of
// its own; one of them answers.
func TestForkedToTwoPhones(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "forker"})
	b := startPhone(t, k, phoneConfig{User: "left"})
	c := startPhone(t, k, phoneConfig{User: "right"})
	id := a.dial(t, "sip:group-left-right@"+testDomain)
	left, right := b.ringing(t), c.ringing(t)
	if !poll(5*time.Second, func() bool { return strings.Count(a.messages(), "\nPRACK ") == 2 }) {
		t.Errorf("%d PRACKs were sent, want one for each phone", strings.Count(a.messages(), "\nPRACK "))
	}
	c.do(t, "ALTER CALL %s ANSWER", right)
	a.awaitStatus(t, id, "INPROGRESS")
	c.is(t, right, "INPROGRESS")
	b.is(t, left, "CANCELLED")
	if got := b.get(t, "CALL "+left+" FAILURE"); got != "ELSEWHERE" {
		t.Errorf("FAILURE of the phone that did not answer = %s, want ELSEWHERE", got)
	}
	talk(6 * time.Second)
	a.finish(t, id)
	c.is(t, right, "FINISHED")
	mustHear(t, "the caller at the phone that answered", a.said, load(t, c.played), 0)
	mustHear(t, "the phone that answered at the caller", c.said, load(t, a.played), 0)
}

// TestRedirectedByAPhone follows a 302 that a proxy passes on, past an address
// that does not exist.
func TestRedirectedByAPhone(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "r-caller"})
	b := startPhone(t, k, phoneConfig{User: "moved-away"})
	c := startPhone(t, k, phoneConfig{User: "new-home"})
	b.do(t, "SET FORWARDING new-home")
	id := a.dial(t, b.account())
	other := c.ringing(t)
	c.do(t, "ALTER CALL %s ANSWER", other)
	a.awaitStatus(t, id, "INPROGRESS")
	if got := a.get(t, "CALL "+id+" REDIRECTED_TO"); got != c.address() {
		t.Errorf("REDIRECTED_TO = %s, want %s", got, c.address())
	}
	a.finish(t, id)

	a.do(t, "SET SETTING calls.follow_redirects false")
	id = a.dial(t, b.account())
	a.awaitStatus(t, id, "FAILED")
	if got := a.get(t, "CALL "+id+" REASON"); !strings.Contains(got, c.address()) {
		t.Errorf("REASON = %s, want it to name %s", got, c.address())
	}
}

// TestRedirectedBySeveralAddresses tries those of a 302 in their order.
func TestRedirectedBySeveralAddresses(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	b := startPhone(t, k, phoneConfig{User: "second-choice"})
	contact, _ := contactOf(t, k, "second-choice")
	p, port := startSipp(t, "uas_redirect", "udp", "", contact)
	a := startPhone(t, nil, phoneConfig{})
	id := a.dial(t, "sip:sipp@"+address(port))
	other := b.ringing(t)
	p.mustPass(t)
	b.do(t, "ALTER CALL %s ANSWER", other)
	a.awaitStatus(t, id, "INPROGRESS")
	a.finish(t, id)
}

// arrivals counts the packets that come to a port of its own.
func arrivals(t *testing.T) (port int, count *atomic.Int64) {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(loopback+":0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	count = new(atomic.Int64)
	go func() {
		buf := make([]byte, 2048)
		for {
			if _, _, err := conn.ReadFromUDP(buf); err != nil {
				return
			}
			count.Add(1)
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).Port, count
}

// TestEarlyMediaOfTwoForks speaks to the newest of two phones, and in the end to
// the one that answers.
func TestEarlyMediaOfTwoForks(t *testing.T) {
	t.Parallel()
	first, toFirst := arrivals(t)
	second, toSecond := arrivals(t)
	p, port := startSipp(t, "uas_early_forks", "udp", "", "", "-key", "first", fmt.Sprint(first), "-key", "second", fmt.Sprint(second))
	a := callingSipp(t, port, "udp")
	id := a.dial(t, "sip:sipp@"+testDomain)
	for _, step := range []struct {
		what      string
		to, other *atomic.Int64
	}{
		{"early media of the first", toFirst, toSecond},
		{"early media of the second", toSecond, toFirst},
		{"the answer of the first", toFirst, toSecond},
	} {
		here := step.to.Load()
		if !poll(5*time.Second, func() bool { return step.to.Load() > here+5 }) {
			t.Fatalf("%s: no sound goes there", step.what)
		}
		here, there := step.to.Load(), step.other.Load()
		talk(500 * time.Millisecond)
		if to, other := step.to.Load()-here, step.other.Load()-there; to < 15 || other > 1 {
			t.Errorf("%s: %d packets go there and %d to the other, want 25 and none", step.what, to, other)
		}
	}
	a.awaitStatus(t, id, "INPROGRESS")
	a.finish(t, id)
	p.mustPass(t)
}
