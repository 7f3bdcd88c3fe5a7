package interop

import (
	"strings"
	"testing"
	"time"
)

// The server goes on to the address of a 302 itself for users whose names begin
// with "follow-", and asks for an automatic answer of those whose begin with
// "intercom-": see testdata/kamailio.cfg.

// TestForwardedByTheServer forwards every call; the caller never hears of it.
func TestForwardedByTheServer(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "follow-me", Settings: []string{"dial_rules=8.=."}})
	startBaresip(t, k, baresipConfig{User: "4711"})
	c := startBaresip(t, k, baresipConfig{User: "f-caller"})
	a.do(t, "SET FORWARDING 8 47 11")
	c.ctl.do(t, "dial", a.account())
	c.ctl.await(t, "CALL_ESTABLISHED")
	id := a.only(t)
	a.is(t, id, "REFUSED")
	if got := a.get(t, "CALL "+id+" FAILURE"); got != "FORWARDED" {
		t.Errorf("FAILURE = %s, want FORWARDED", got)
	}
	if got := a.notifications("CALL " + id + " STATUS RINGING"); len(got) > 0 {
		t.Error("a call that is forwarded has rung")
	}
	if sent := a.messages(); !strings.Contains(sent, "Contact: <sip:4711@"+testDomain+">") ||
		!strings.Contains(sent, "Diversion: <sip:follow-me@"+testDomain+">;reason=unconditional") {
		t.Error("the 302 lacks the Contact or the Diversion")
	}
	c.ctl.do(t, "hangup", "")
}

// TestForwardedAfterRinging forwards a call that nobody takes.
func TestForwardedAfterRinging(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "follow-late"})
	b := startBaresip(t, k, baresipConfig{User: "deputy"})
	c := startBaresip(t, k, baresipConfig{User: "l-caller"})
	a.do(t, "SET SETTING calls.forward_after 2")
	a.do(t, "SET SETTING calls.forward_no_answer_to %s", b.address())
	begun := time.Now()
	c.ctl.do(t, "dial", a.account())
	id := a.ringing(t)
	b.ctl.await(t, "CALL_ESTABLISHED")
	if took := time.Since(begun); took < 2*time.Second || took > 5*time.Second {
		t.Errorf("the deputy has the call after %v, want soon after 2s", took)
	}
	a.is(t, id, "REFUSED")
	c.ctl.do(t, "hangup", "")
}

// TestForwardedInACircle has two phones forward to each other. The second one
// sees by the Diversion where the call would go, and rings.
func TestForwardedInACircle(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "follow-hare"})
	b := startPhone(t, k, phoneConfig{User: "follow-hedgehog"})
	c := startBaresip(t, k, baresipConfig{User: "c-caller"})
	a.do(t, "SET FORWARDING %s", b.account())
	b.do(t, "SET FORWARDING %s", a.account())
	c.ctl.do(t, "dial", a.account())
	id := b.ringing(t)
	b.do(t, "ALTER CALL %s ANSWER", id)
	c.ctl.await(t, "CALL_ESTABLISHED")
	b.is(t, id, "INPROGRESS")
	b.finish(t, id)
}

// TestRedirectedByHand sends a ringing call on.
func TestRedirectedByHand(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "follow-hand"})
	b := startBaresip(t, k, baresipConfig{User: "by-hand"})
	c := startBaresip(t, k, baresipConfig{User: "h-caller"})
	c.ctl.do(t, "dial", a.account())
	id := a.ringing(t)
	a.do(t, "ALTER CALL %s REDIRECT by-hand", id)
	b.ctl.await(t, "CALL_ESTABLISHED")
	a.is(t, id, "REFUSED")
	c.ctl.do(t, "hangup", "")
}

// TestDoNotDisturb tells callers that the line is busy, after a restart too.
func TestDoNotDisturb(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "quiet"})
	c := startBaresip(t, k, baresipConfig{User: "q-caller"})
	a.do(t, "SET USERSTATUS DND")
	a.stop()
	a.run(t)
	a.awaitRegistered(t)
	if got := a.get(t, "USERSTATUS"); got != "DND" {
		t.Errorf("USERSTATUS after a restart = %s, want DND", got)
	}
	c.ctl.do(t, "dial", a.account())
	if e := c.ctl.await(t, "CALL_CLOSED"); !strings.Contains(e.Param, "486") {
		t.Errorf("the caller was told %q, want 486", e.Param)
	}
	id := a.only(t)
	a.is(t, id, "MISSED")
}

// TestTurnedAway refuses a caller on the reject list.
func TestTurnedAway(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "choosy"})
	c := startBaresip(t, k, baresipConfig{User: "pest"})
	a.do(t, "SET SETTING calls.reject +49900*,pest@%s", testDomain)
	c.ctl.do(t, "dial", a.account())
	if e := c.ctl.await(t, "CALL_CLOSED"); !strings.Contains(e.Param, "603") {
		t.Errorf("the caller was told %q, want 603", e.Param)
	}
	if got := a.get(t, "CALL "+a.only(t)+" FAILURE"); got != "BLOCKED" {
		t.Errorf("FAILURE = %s, want BLOCKED", got)
	}
}

// TestAnsweredByItself answers a call after a while, and at once where an
// intercom asks for it that may.
func TestAnsweredByItself(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "intercom-butler"})
	c := startBaresip(t, k, baresipConfig{User: "door"})
	a.do(t, "SET AUTOANSWER 1")
	c.ctl.do(t, "dial", a.account())
	id := a.ringing(t)
	c.ctl.await(t, "CALL_ESTABLISHED")
	a.is(t, id, "INPROGRESS")
	a.finish(t, id)
	c.ctl.await(t, "CALL_CLOSED")

	a.do(t, "SET AUTOANSWER OFF")
	a.do(t, "SET SETTING calls.answer_after_header on")
	c.ctl.do(t, "dial", a.account())
	id = a.ringing(t)
	never(t, time.Second, "a stranger's intercom is answered", func() bool { return a.get(t, "CALL "+id+" STATUS") != "RINGING" })
	a.do(t, "ALTER CALL %s DECLINE", id)
	c.ctl.await(t, "CALL_CLOSED")
	a.do(t, "SET SETTING calls.auto_answer_from door@%s", testDomain)
	c.ctl.do(t, "dial", a.account())
	c.ctl.await(t, "CALL_ESTABLISHED")
	c.ctl.do(t, "hangup", "")
}

// TestDialRules reaches a number that people write in another way.
func TestDialRules(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "rules", Settings: []string{"dial_rules=0049.=0.,0.=9."}})
	startBaresip(t, k, baresipConfig{User: "0305551"})
	for _, target := range []string{"0049 30 555-1", "tel:0049305551"} {
		id := a.dial(t, target)
		a.awaitStatus(t, id, "INPROGRESS")
		a.finish(t, id)
	}
	if got := a.do(t, "TEST DIAL 0049 30 555-1"); !strings.HasPrefix(got, "TEST DIAL sip:0305551@"+testDomain+" ACCOUNT "+a.address()+" RULE 1 ") {
		t.Errorf("TEST DIAL = %q", got)
	}
}

// TestParkAndPickup leaves a call with a phone that stands for the server's
// parking lot, takes it back, and dials a code for pickup.
func TestParkAndPickup(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "parker", Settings: []string{"park_code=77", "unpark_code=77", "dial_rules=x.=9x."}})
	b := startBaresip(t, k, baresipConfig{User: "parked"})
	lot := startBaresip(t, k, baresipConfig{User: "771"})
	id := a.dial(t, b.address())
	a.is(t, id, "INPROGRESS")
	a.do(t, "ALTER CALL %s PARK 1", id)
	lot.ctl.await(t, "CALL_ESTABLISHED")
	a.awaitStatus(t, id, "FINISHED")
	for command, who := range map[string]*baresip{"UNPARK 1": lot, "PICKUP parked": b} {
		reply := a.do(t, "%s", command)
		id = strings.Fields(reply)[1]
		a.is(t, id, "INPROGRESS")
		who.ctl.await(t, "CALL_ESTABLISHED")
		a.finish(t, id)
	}
}

// only returns the id of the only call there was.
func (a *api) only(t testing.TB) string {
	t.Helper()
	id := ""
	eventually(t, 5*time.Second, "there was a call", func() bool {
		id = strings.TrimSpace(strings.TrimPrefix(a.do(t, "SEARCH CALLS"), "CALLS"))
		return id != ""
	})
	if strings.Contains(id, ",") {
		t.Fatalf("calls = %s, want one", id)
	}
	return id
}
