package interop

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// newest is the id of the call that began last.
func (a *api) newest(t testing.TB, count int) string {
	t.Helper()
	var ids []string
	eventually(t, 10*time.Second, fmt.Sprintf("there were %d calls", count), func() bool {
		ids = strings.Split(strings.TrimSpace(strings.TrimPrefix(a.do(t, "SEARCH CALLS"), "CALLS")), ", ")
		return len(ids) == count && ids[0] != ""
	})
	return ids[0]
}

// none waits until no call is going on.
func (a *api) none(t testing.TB) {
	t.Helper()
	eventually(t, 10*time.Second, "all calls are over", func() bool {
		return strings.TrimSpace(a.do(t, "SEARCH ACTIVECALLS")) == "CALLS"
	})
}

// TestTransferByParley sends a phone of another make on. It calls the third one,
// hears it, and our call is over.
func TestTransferByParley(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	for _, transport := range []string{"udp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			a := startPhone(t, k, phoneConfig{User: "t-boss-" + transport, Transport: transport})
			b := startBaresip(t, k, baresipConfig{User: "t-guest-" + transport, Transport: transport, Codecs: "pcma"})
			c := startPhone(t, k, phoneConfig{User: "t-desk-" + transport, Transport: transport})
			id := a.dial(t, b.address())
			a.awaitStatus(t, id, "INPROGRESS")
			a.do(t, "ALTER CALL %s TRANSFER %s", id, c.config.User)
			in := c.ringing(t)
			a.awaitNote(t, 5*time.Second, "CALL "+id+" TRANSFER_STATUS TRANSFERRING.*")
			c.do(t, "ALTER CALL %s ANSWER", in)
			a.awaitNote(t, 5*time.Second, "CALL "+id+" TRANSFER_STATUS TRANSFERRED")
			a.is(t, id, "FINISHED")
			a.none(t)
			before := c.playedSoFar(t)
			talk(6 * time.Second)
			c.finish(t, in)
			if sent := a.messages(); !strings.Contains(sent, "Refer-To: <sip:"+c.address()+">") || !strings.Contains(sent, "Referred-By: <"+a.account()+">") {
				t.Error("the REFER lacks its target or who asks")
			}
			mustHear(t, "the desk hears the guest", b.said, load(t, c.played).from(before), 0)
			mustNotHear(t, "the desk hears the boss", a.said, load(t, c.played).from(before), 0)
		})
	}
}

// TestTransferByParleyFails keeps the call, and its sound, when the third one
// cannot be reached.
func TestTransferByParleyFails(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	for name, target := range map[string]string{"busy": "busy", "declined": "decline", "nobody": "t-not-there"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startPhone(t, k, phoneConfig{User: "t-keeps-" + name})
			b := startBaresip(t, k, baresipConfig{User: "t-kept-" + name, Codecs: "pcma"})
			id := a.dial(t, b.address())
			a.awaitStatus(t, id, "INPROGRESS")
			a.do(t, "ALTER CALL %s TRANSFER %s", id, target)
			a.awaitNote(t, 10*time.Second, "CALL "+id+" TRANSFER_STATUS FAILED .*")
			a.is(t, id, "INPROGRESS")
			if got := a.get(t, "CALL "+id+" HOLD"); got != "NONE" {
				t.Errorf("HOLD = %s, want NONE", got)
			}
			before := a.playedSoFar(t)
			talk(6 * time.Second)
			mustHear(t, "still", b.said, load(t, a.played).from(before), 0)
			a.finish(t, id)
		})
	}
}

// TestTransferOfParley is sent on by a phone of another make.
func TestTransferOfParley(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "t-caller"})
	b := startBaresip(t, k, baresipConfig{User: "t-operator", Codecs: "pcma"})
	c := startBaresip(t, k, baresipConfig{User: "t-expert", Codecs: "pcma"})
	first := a.dial(t, b.address())
	a.awaitStatus(t, first, "INPROGRESS")
	b.ctl.await(t, "CALL_ESTABLISHED")
	b.ctl.do(t, "transfer", c.address())
	second := a.newest(t, 2)
	a.awaitStatus(t, second, "INPROGRESS")
	a.is(t, first, "FINISHED")
	if got := a.get(t, "CALL "+second+" TRANSFERRED_BY"); got != b.config.User+"@"+testDomain {
		t.Errorf("TRANSFERRED_BY = %s, want %s", got, b.config.User)
	}
	before := a.playedSoFar(t)
	talk(6 * time.Second)
	a.finish(t, second)
	mustHear(t, "the caller hears the expert", c.said, load(t, a.played).from(before), 0)
	mustHear(t, "the expert hears the caller", a.said, c.heard(t), 0)
	mustNotHear(t, "the caller hears the operator", b.said, load(t, a.played).from(before), 0)
}

// TestTransferOfParleyFails is sent on to somebody who is busy, by a make that
// hangs up once it hears of that: nothing of ours has ended the call.
func TestTransferOfParleyFails(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "t-patient"})
	b := startBaresip(t, k, baresipConfig{User: "t-clumsy", Codecs: "pcma"})
	for _, transfers := range []string{"allow", "ask", "deny"} {
		a.do(t, "SET SETTING calls.transfers %s", transfers)
		id := a.dial(t, b.address())
		a.awaitStatus(t, id, "INPROGRESS")
		b.ctl.await(t, "CALL_ESTABLISHED")
		b.ctl.do(t, "transfer", "sip:busy@"+testDomain)
		switch transfers {
		case "allow":
			a.awaitNote(t, 10*time.Second, "CALL "+id+" TRANSFER_STATUS FAILED 486 .*")
		case "ask":
			a.awaitNote(t, 10*time.Second, "CALL "+id+" TRANSFER_STATUS REQUESTED")
			a.do(t, "ALTER CALL %s REJECT_TRANSFER", id)
			a.awaitNote(t, 10*time.Second, "CALL "+id+" TRANSFER_STATUS FAILED 603 .*")
		}
		b.ctl.await(t, "TRANSFER_FAILED")
		a.awaitStatus(t, id, "FINISHED")
	}
	if sent := a.messages(); regexp.MustCompile(`(?m)^BYE sip:` + b.config.User).MatchString(sent) {
		t.Error("a call was ended by us")
	}
}

// TestTransferAttended has one phone give its second call to the first: all three
// roles through a server, and the sound of the two that are left.
func TestTransferAttended(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	for _, transport := range []string{"udp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			a := startPhone(t, k, phoneConfig{User: "at-boss-" + transport, Transport: transport})
			b := startPhone(t, k, phoneConfig{User: "at-guest-" + transport, Transport: transport})
			c := startPhone(t, k, phoneConfig{User: "at-desk-" + transport, Transport: transport})
			first := b.dial(t, a.account())
			atA := a.ringing(t)
			a.do(t, "ALTER CALL %s ANSWER", atA)
			b.awaitStatus(t, first, "INPROGRESS")
			consult := a.dial(t, c.account())
			atC := c.ringing(t)
			c.do(t, "ALTER CALL %s ANSWER", atC)
			a.awaitStatus(t, consult, "INPROGRESS")
			a.is(t, atA, "LOCALHOLD")
			a.do(t, "ALTER CALL %s TRANSFER_TO %s", atA, consult)
			a.none(t)
			c.is(t, atC, "FINISHED")
			b.is(t, first, "FINISHED")
			if rang := c.notifications("CALL (?:" + c.newest(t, 2) + ") STATUS RINGING"); len(rang) > 1 {
				t.Errorf("the call that took the place rang: %q", rang)
			}
			before, beforeC := b.playedSoFar(t), c.playedSoFar(t)
			talk(6 * time.Second)
			b.finish(t, b.newest(t, 2))
			c.is(t, c.newest(t, 2), "FINISHED")
			mustHear(t, "the guest hears the desk", c.said, load(t, b.played).from(before), 0)
			mustHear(t, "the desk hears the guest", b.said, load(t, c.played).from(beforeC), 0)
			if !regexp.MustCompile(`(?m)^Replaces: \S+;to-tag=`).MatchString(b.messages()) {
				t.Error("the INVITE had no Replaces")
			}
		})
	}
}

// TestTransferScenarios plays what the other makes at hand cannot.
func TestTransferScenarios(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	// A far end that takes the place of its own call, knows wrong ones, and is
	// told of nothing it did not ask for.
	t.Run("uac_replaces", func(t *testing.T) {
		t.Parallel()
		a := startPhone(t, k, phoneConfig{User: "uac-replaces"})
		contact, to := contactOf(t, k, "uac-replaces")
		p, _ := startSipp(t, "uac_replaces", "udp", to.String(), contact)
		id := a.ringing(t)
		a.do(t, "ALTER CALL %s ANSWER", id)
		p.mustPass(t)
		a.is(t, id, "FINISHED")
		a.is(t, a.newest(t, 2), "FINISHED")
	})
	// A far end that sends us to ourselves, to nobody and to web pages.
	t.Run("uac_refers", func(t *testing.T) {
		t.Parallel()
		a := startPhone(t, k, phoneConfig{User: "uac-refers"})
		contact, to := contactOf(t, k, "uac-refers")
		p, _ := startSipp(t, "uac_refers", "udp", to.String(), contact)
		id := a.ringing(t)
		a.do(t, "ALTER CALL %s ANSWER", id)
		p.mustPass(t)
		a.is(t, id, "FINISHED")
		a.newest(t, 1)
	})
	// A far end that sends us to somebody who is not reached.
	for _, transfers := range []string{"allow", "ask"} {
		t.Run("uac_refer_fails-"+transfers, func(t *testing.T) {
			t.Parallel()
			user := "uac-fails-" + transfers
			a := startPhone(t, k, phoneConfig{User: user})
			a.do(t, "SET SETTING calls.transfers %s", transfers)
			contact, to := contactOf(t, k, user)
			p, _ := startSipp(t, "uac_refer_fails", "udp", to.String(), contact)
			id := a.ringing(t)
			a.do(t, "ALTER CALL %s ANSWER", id)
			if transfers == "ask" {
				a.awaitNote(t, 10*time.Second, "CALL "+id+" TRANSFER_STATUS REQUESTED")
				a.do(t, "ALTER CALL %s REJECT_TRANSFER", id)
			}
			p.mustPass(t)
			a.is(t, id, "FINISHED")
		})
	}
	// A far end that is sent on to another call and takes it.
	t.Run("uas_refer", func(t *testing.T) {
		t.Parallel()
		p, port := startSipp(t, "uas_refer", "udp", "", "")
		q, second := startSipp(t, "uas_plain", "udp", "", "")
		a := startPhone(t, nil, phoneConfig{User: "nobody-refers", Settings: []string{"registration=false"}, Proxy: "sip:" + address(port)})
		a.awaitActive(t)
		id := a.dial(t, "sip:sipp@"+testDomain)
		a.awaitStatus(t, id, "INPROGRESS")
		other := a.dial(t, "sip:sipp@"+address(second))
		a.awaitStatus(t, other, "INPROGRESS")
		a.do(t, "ALTER CALL %s TRANSFER_TO %s", id, other)
		a.none(t)
		p.mustPass(t)
		q.mustPass(t)
	})
}
