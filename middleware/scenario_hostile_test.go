package middleware_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
	"parley/storage"
)

// siptestPhone is where the phone of these tests listens.
var siptestPhone = netip.MustParseAddrPort("192.0.2.1:5060")

// A siege is a call that is up with a far end that means no good, and a stranger.
type siege struct {
	t        *testing.T
	p        *middlewaretest.Phone
	r        *siptest.Peer
	stranger *siptest.Peer
	s        *middleware.Session
	invite   siptest.Message
	cseq     int
	seen     map[string]bool // answers, by summary and CSeq
}

// besieged runs f, and wants the call unharmed after it: it can be held, nothing
// of it is left when it is over, and it is one row of the history.
func besieged(t *testing.T, rows int, f func(t *testing.T, b *siege), options ...middlewaretest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		b := &siege{t: t, seen: map[string]bool{}, r: siptest.NewPeer(t, &n.SIP, "192.0.2.10:5060"), stranger: siptest.NewPeer(t, &n.SIP, "192.0.2.66:5060")}
		b.p = middlewaretest.NewPhone(t, n, "192.0.2.1", options...)
		account := ""
		if len(options) > 0 {
			account = "alice@192.0.2.10"
		}
		s, err := b.p.App.SessionManager().Dial(middleware.DialRequest{Target: "sip:bob@192.0.2.10:5060", Account: account})
		if err != nil {
			t.Fatal(err)
		}
		b.s, b.invite = s, b.r.Expect("INVITE")
		b.r.Send(b.invite.From, b.invite.Reply("200 OK", "b", peerAudio))
		b.r.Expect("ACK")
		soon()
		b.p.Names()
		before := runtime.NumGoroutine()
		f(t, b)
		time.Sleep(time.Minute) // transactions are forgotten
		synctest.Wait()
		b.drain()
		if now := runtime.NumGoroutine(); now > before+20 {
			t.Errorf("%d goroutines, %d before", now, before)
		}
		b.unharmed()
		b.s.End()
		bye := b.r.Expect("BYE")
		b.r.Send(bye.From, bye.Reply("200 OK", "b", ""))
		soon()
		if calls, err := b.p.App.History().Search(t.Context(), middleware.HistoryQuery{Limit: 100}); err != nil || len(calls) != rows {
			t.Errorf("%d calls in the history, %v, want %d", len(calls), err, rows)
		}
		b.p.Stop()
		b.r.Close()
		b.stranger.Close()
		if open := n.Media.Open(); open != 0 {
			t.Errorf("%d media sockets are open at the end, want none", open)
		}
	})
}

// unharmed holds the call.
func (b *siege) unharmed() {
	b.t.Helper()
	if snap := b.s.Snapshot(); snap.Place != (session.Place{State: session.Established}) || snap.OnHold() {
		b.t.Fatalf("the call is %v, on hold %v, want Established", snap.Place, snap.OnHold())
	}
	b.s.Hold()
	re := b.r.Expect("INVITE")
	b.r.Send(re.From, re.Reply("200 OK", "b", strings.Replace(peerAudio, "o=- 1 1", "o=- 1 99999", 1)))
	b.r.Expect("ACK")
	soon()
	if !b.s.Snapshot().OnHoldByLocal {
		b.t.Error("the call cannot be held any more")
	}
}

// say sends a request of the far end within the call.
func (b *siege) say(method, rest string) {
	b.cseq++
	b.r.Send(b.invite.From, within(b.invite, method, b.cseq, "b", rest))
}

// drain takes in what came at the far end, acknowledges it, and counts it, each
// answer to a request once.
func (b *siege) drain() map[string]int {
	got := map[string]int{}
	for {
		synctest.Wait()
		m, ok := b.r.Poll()
		if !ok {
			return got
		}
		kind, cseq := m.Summary(), m.Header("CSeq")
		if code, method, _ := strings.Cut(kind, " "); method == "INVITE" && code >= "200" {
			number, _, _ := strings.Cut(cseq, " ")
			ack := strings.Replace(within(b.invite, "ACK", 0, "b", ""), "CSeq: 0", "CSeq: "+number, 1)
			if code >= "300" {
				ack = strings.Replace(ack, "z9hG4bKACK0", "z9hG4bKINVITE"+number, 1)
			}
			b.r.Send(b.invite.From, ack)
		}
		if !b.seen[kind+cseq] {
			b.seen[kind+cseq] = true
			got[kind]++
		}
	}
}

// told counts the notifications of the name.
func (b *siege) told(name string) int {
	count := 0
	for _, n := range b.p.Names() {
		if n == name {
			count++
		}
	}
	return count
}

func version(n int) string {
	return strings.Replace(peerAudio, "o=- 1 1", fmt.Sprint("o=- 1 ", 10+n), 1)
}

// Every re-INVITE gets its one final answer.
func TestStormOfReinvites(t *testing.T) {
	besieged(t, 1, func(t *testing.T, b *siege) {
		const storm = 400
		got := map[string]int{}
		for i := range storm {
			b.say("INVITE", version(i))
			time.Sleep(2 * time.Millisecond)
			if i%20 == 0 {
				for k, n := range b.drain() {
					got[k] += n
				}
			}
		}
		for range 12 {
			time.Sleep(time.Second)
			for k, n := range b.drain() {
				got[k] += n
			}
		}
		if got["200 INVITE"] < 20 || got["200 INVITE"]+got["500 INVITE"] != storm {
			t.Errorf("answers to %d re-INVITEs: %v, want 200 or 500 to each", storm, got)
		}
	})
}

// Offers that are never acknowledged, one upon another.
func TestStormOfUpdates(t *testing.T) {
	besieged(t, 1, func(t *testing.T, b *siege) {
		const storm = 400
		for i := range storm {
			rest := "Contact: <sip:bob@192.0.2.10:5060>\n"
			if i%2 == 0 {
				rest = version(i)
			}
			b.say("UPDATE", rest)
			time.Sleep(2 * time.Millisecond)
		}
		time.Sleep(time.Second)
		if got := b.drain(); got["200 UPDATE"] != storm {
			t.Errorf("answers to %d UPDATEs: %v, want 200 to each", storm, got)
		}
	})
}

// Whoever knows the Call-ID but not the tags is nobody.
func TestStrangersEndNoCall(t *testing.T) {
	besieged(t, 1, func(t *testing.T, b *siege) {
		for _, method := range []string{"BYE", "INVITE", "UPDATE", "REFER", "NOTIFY", "INFO", "PRACK"} {
			for tag, text := range map[string]string{
				"a wrong From tag": within(b.invite, method, 7, "zzz", peerNewAudio),
				"a wrong To tag":   strings.Replace(within(b.invite, method, 8, "b", peerNewAudio), b.invite.Tag("From"), "zzz", 1),
				"no To tag":        strings.Replace(within(b.invite, method, 9, "b", peerNewAudio), ";tag="+b.invite.Tag("From"), "", 1),
			} {
				if tag == "no To tag" && (method == "INVITE" || method == "REFER") {
					continue // a new call, and forbidden
				}
				text = strings.ReplaceAll(text, "192.0.2.10:5060;rport", "192.0.2.66:5060;rport")
				b.stranger.Send(b.invite.From, text)
				if got := b.stranger.Next(time.Second); got.Summary() != "481 "+method {
					t.Errorf("%s with %s: %s, want 481", method, tag, got.Summary())
				}
			}
		}
		cancel := strings.Replace(within(b.invite, "CANCEL", 1, "b", ""), "z9hG4bKCANCEL1", "z9hG4bKguess", 1)
		b.stranger.Send(b.invite.From, strings.ReplaceAll(cancel, "192.0.2.10:5060;rport", "192.0.2.66:5060;rport"))
		b.stranger.Expect("481 CANCEL")
		wantNames(t, "phone", b.p)
	})
}

// A call that rings is not silenced by a CANCEL that is not the caller's.
func TestStrangersCancelNothing(t *testing.T) {
	besieged(t, 2, func(t *testing.T, b *siege) {
		b.stranger.Send(siptestPhone, called(b.stranger, "ring", ""))
		b.stranger.Expect("180 INVITE")
		ringing := b.p.Session()
		other := strings.Replace(called(b.stranger, "ring", ""), "INVITE sip", "CANCEL sip", 1)
		other = strings.Replace(strings.Replace(other, "1 INVITE", "1 CANCEL", 1), "z9hG4bKring", "z9hG4bKguess", 1)
		b.r.Send(siptestPhone, other)
		b.r.Expect("481 CANCEL")
		if got := ringing.Snapshot().State(); got != session.Incoming {
			t.Errorf("after a stranger's CANCEL the call is %v, want Incoming", got)
		}
		ringing.Reject(false)
		soon()
	})
}

const referFor = "Contact: <sip:bob@192.0.2.10:5060>\nRefer-To: <sip:%s>\n"

func TestReferToItself(t *testing.T) {
	besieged(t, 1, func(t *testing.T, b *siege) {
		own := strings.Trim(b.invite.Header("Contact"), "<>")
		for range 5 {
			b.say("REFER", fmt.Sprintf(referFor, strings.TrimPrefix(own, "sip:")))
			b.r.Expect("482 REFER")
		}
		b.say("REFER", fmt.Sprintf(referFor, "anybody@192.0.2.1:5060"))
		b.r.Expect("482 REFER")
		wantNames(t, "phone", b.p)
	})
}

// Of a storm of REFERs the first asks the person, and the rest find it busy.
func TestStormOfRefers(t *testing.T) {
	besieged(t, 1, func(t *testing.T, b *siege) {
		for range 300 {
			b.say("REFER", fmt.Sprintf(referFor, "carol@192.0.2.99:5060"))
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(time.Second)
		if got := b.drain(); got["202 REFER"] != 1 || got["491 REFER"]+got["500 REFER"] != 299 {
			t.Errorf("answers to 300 REFERs: %v, want one 202", got)
		}
		if got := b.told("SIPSessionTransferNewIncoming"); got != 1 {
			t.Errorf("the person was asked %d times, want once", got)
		}
		b.s.RejectTransfer()
	})
}

// Where transfers need no person, the calls that they lead to are few, and
// whoever fails them all the time is not followed for ever.
func TestRefersThatComeToNothing(t *testing.T) {
	besieged(t, 1+10, func(t *testing.T, b *siege) {
		for i := range 40 {
			b.say("REFER", fmt.Sprintf(referFor, fmt.Sprint("x", i, "@192.0.2.10:5060")))
			synctest.Wait()
			for {
				m, ok := b.r.Poll()
				if !ok {
					break
				}
				switch m.Summary() {
				case "INVITE":
					b.r.Send(m.From, m.Reply("404 Not Found", "x", ""))
				case "NOTIFY":
					b.r.Send(m.From, m.Reply("200 OK", "", ""))
				}
				synctest.Wait()
			}
			time.Sleep(time.Second)
		}
	}, timed(0))
}

func TestNotifyWithoutSubscription(t *testing.T) {
	besieged(t, 1, func(t *testing.T, b *siege) {
		for _, event := range []string{"refer", "refer;id=1", "presence", "dialog", "message-summary"} {
			b.say("NOTIFY", "Event: "+event+"\nSubscription-State: active\nContent-Type: message/sipfrag\n\nSIP/2.0 200 OK\n")
			b.r.Expect("481 NOTIFY")
		}
		wantNames(t, "phone", b.p)
	})
}

// A flood of notifications inside a subscription of ours ends with the transfer,
// and the call goes on.
func TestFloodOfNotifications(t *testing.T) {
	besieged(t, 1, func(t *testing.T, b *siege) {
		if err := b.s.Transfer("sip:carol@192.0.2.99:5060"); err != nil {
			t.Fatal(err)
		}
		re := b.r.Expect("INVITE")
		b.r.Send(re.From, re.Reply("200 OK", "b", version(1)))
		refer := b.r.Expect("REFER")
		b.r.Send(refer.From, refer.Reply("202 Accepted", "b", "Contact: <sip:bob@192.0.2.10:5060>\n"))
		tell := func(state string, code int) {
			b.say("NOTIFY", fmt.Sprintf("Event: refer\nSubscription-State: %s\nContent-Type: message/sipfrag\n\nSIP/2.0 %d x\n", state, code))
		}
		for i := range 500 {
			tell("active", 180+i/250)
			time.Sleep(2 * time.Millisecond)
		}
		if got := b.told("SIPSessionTransferGotProgress"); got > 4 {
			t.Errorf("the same progress was told %d times", got)
		}
		tell("terminated;reason=noresource", 486)
		re = b.r.Expect("INVITE") // it is taken out of hold
		b.r.Send(re.From, re.Reply("200 OK", "b", version(2)))
		soon()
		tell("active", 200)
		time.Sleep(time.Second)
		if got := b.drain(); got["481 NOTIFY"] != 1 {
			t.Errorf("a notification after the end: %v, want 481", got)
		}
	})
}

// Nobody takes the place of a call by guessing.
func TestReplacesThatAreGuessed(t *testing.T) {
	besieged(t, 1, func(t *testing.T, b *siege) {
		for i := range 200 {
			guess := inPlaceOf(b.invite, b.stranger, offeredAudio)
			guess = strings.NewReplacer("bKplace", fmt.Sprint("bKguess", i), "place-", fmt.Sprint("guess", i), "from-tag=b", fmt.Sprint("from-tag=g", i)).Replace(guess)
			b.stranger.Send(b.invite.From, guess)
			b.stranger.Expect("481 INVITE")
		}
		wantNames(t, "phone", b.p)
	})
}

func TestPrackOfNothing(t *testing.T) {
	besieged(t, 1, func(t *testing.T, b *siege) {
		b.say("PRACK", "")
		b.r.Expect("400 PRACK")
		for _, rack := range []string{"1 1 INVITE", "0 0 INVITE", "4294967295 1 INVITE", "1 1 OPTIONS"} {
			b.say("PRACK", "RAck: "+rack+"\n")
			b.r.Expect("481 PRACK")
		}
		b.say("PRACK", "RAck: 99999999999999999999 1 INVITE\n")
		b.r.Expect("400 PRACK")
	})
}

// Whatever a far end wants of the session timer, the call stays as it is.
func TestHugeSessionTimers(t *testing.T) {
	besieged(t, 1, func(t *testing.T, b *siege) {
		for _, rest := range []string{
			"Session-Expires: 99999999999999999999;refresher=uac\nMin-SE: 99999999999999999999\n",
			"Session-Expires: 4294967296\nMin-SE: 18446744073709551616\n",
			"Session-Expires: -1\nMin-SE: -1\n", "Session-Expires: 0\n", "Session-Expires: ;;;;\nMin-SE: x\n",
		} {
			b.say("UPDATE", "Contact: <sip:bob@192.0.2.10:5060>\nSupported: timer\n"+rest)
			got := b.r.Next(time.Second)
			if got.Summary() != "200 UPDATE" && got.Summary() != "422 UPDATE" {
				t.Errorf("%q: %s", rest, got.Line())
			}
			if expires, _, _ := strings.Cut(got.Header("Session-Expires"), ";"); len(expires) > len("86400") {
				t.Errorf("%q: agreed to %s s", rest, expires)
			}
		}
		time.Sleep(30 * time.Second)
	}, timed(0))
}

// Piles of header fields that tell who calls cost nothing, and tell nothing where
// a stranger writes them.
func TestPilesOfIdentities(t *testing.T) {
	besieged(t, 2, func(t *testing.T, b *siege) {
		pile := strings.Repeat("Diversion: <sip:d@example.org>;reason=user-busy\n", 200) +
			"P-Asserted-Identity: <sip:a@b>" + strings.Repeat(", <sip:a@b>", 1500) + "\n"
		b.stranger.Send(siptestPhone, called(b.stranger, "pile", pile))
		b.stranger.Expect("180 INVITE")
		s := b.p.Session()
		snap := s.Snapshot()
		if len(snap.Diverted()) != 0 || snap.Peer.Via != "" || snap.Identity.Asserted != (middleware.Peer{}) {
			t.Errorf("a stranger is believed: %+v", snap.Identity)
		}
		s.Reject(false)
		soon()
	})
}

// A stranger cannot have its call answered by asking for it.
func TestStrangersAreNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		r := siptest.NewPeer(t, &n.SIP, "192.0.2.66:5060")
		p := middlewaretest.NewPhone(t, n, "192.0.2.1", func(_ *middleware.Config, s *storage.Settings) {
			s.Calls.AnswerAfterHeader = true
			s.Calls.AutoAnswerFrom = []string{"bob@192.0.2.66"}
		})
		r.Send(siptestPhone, called(r, "intercom", "Call-Info: <sip:x>;answer-after=0\nAlert-Info: <http://x>;info=alert-autoanswer\n"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if snap := p.Session().Snapshot(); snap.State() != session.Incoming || !snap.AutoAnswerAt.IsZero() {
			t.Errorf("the call is %v, answered by itself %v, want Incoming, never", snap.State(), snap.AutoAnswerAt)
		}
		p.Session().End()
		soon()
		p.Stop()
		r.Close()
	})
}
