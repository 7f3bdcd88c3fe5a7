package middleware_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
	"parley/storage"
)

// audioAt is what a branch of a forked call puts behind a status line: audio at a
// port of its own.
func audioAt(port int) string {
	return strings.Replace(peerAudio, "audio 4000", fmt.Sprint("audio ", port), 1)
}

// reliably makes a provisional response of it that wants PRACK (RFC 3262).
func reliably(rseq int, rest string) string {
	return fmt.Sprintf("Require: 100rel\nRSeq: %d\n%s", rseq, rest)
}

// within is a request of the called side of inv's dialog.
func within(inv siptest.Message, method string, cseq int, tag, rest string) string {
	return fmt.Sprintf("%s sip:alice@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK%s%d\nMax-Forwards: 70\nFrom: %s;tag=%s\nTo: %s\nCall-ID: %s\nCSeq: %d %s\n%s",
		method, method, cseq, inv.Header("To"), tag, inv.Header("From"), inv.Header("Call-ID"), cseq, method, rest)
}

// ended hangs up and plays the far end's part.
func ended(r *siptest.Peer, s *middleware.Session) {
	s.End()
	bye := r.Expect("BYE")
	r.Send(bye.From, bye.Reply("200 OK", "", ""))
	soon()
}

// The answer came reliably before, so the 200 need not repeat it; and an UPDATE
// has changed it in between.
func TestAnswerWithoutASessionDescription(t *testing.T) {
	redirecting(t, 1, func(t *testing.T, p *middlewaretest.Phone, far []*siptest.Peer) {
		r := far[0]
		s := p.Dial("sip:bob@192.0.2.10:5060")
		inv := r.Expect("INVITE")
		r.Send(inv.From, inv.Reply("183 Session Progress", "b", reliably(1, peerAudio)))
		prack := r.Expect("PRACK")
		r.Send(inv.From, prack.Reply("200 OK", "", ""))
		soon()
		if got := s.Snapshot(); !got.Progress.EarlyMedia || got.Audio.RemoteRTP.Port() != 4000 {
			t.Errorf("after 183: %+v, %+v", got.Progress, got.Audio)
		}
		r.Send(inv.From, within(inv, "UPDATE", 1, "b", audioAt(4002)))
		update := r.Expect("200 UPDATE")
		if !strings.Contains(update.Body(), "m=audio") {
			t.Errorf("the UPDATE is answered %q", update.Body())
		}
		soon()
		r.Send(inv.From, inv.Reply("200 OK", "b", "Contact: <sip:bob@192.0.2.10:5060>\n"))
		r.Expect("ACK")
		soon()
		if got := s.Snapshot(); got.State() != session.Established || got.Audio.RemoteRTP.Port() != 4002 || !got.Audio.Active {
			t.Errorf("after 200: %v, %+v", got.Place, got.Audio)
		}
		ended(r, s)
		wantNames(t, "phone", p, "SIPSessionNewOutgoing", "SIPSessionWillStart", "SIPSessionDidStart", "SIPSessionWillEnd", "SIPSessionDidEnd")
	})
}

// Of several branches the newest that sends audio is heard; in the end the one
// that answers, however it was before.
func TestEarlyMediaOfForks(t *testing.T) {
	port := func(s *middleware.Session) uint16 { return s.Snapshot().Audio.RemoteRTP.Port() }
	for _, winner := range []string{"one", "two", "three"} {
		t.Run(winner, func(t *testing.T) {
			redirecting(t, 1, func(t *testing.T, p *middlewaretest.Phone, far []*siptest.Peer) {
				r := far[0]
				s := p.Dial("sip:bob@192.0.2.10:5060")
				inv := r.Expect("INVITE")
				for i, leg := range []string{"one", "two"} {
					r.Send(inv.From, inv.Reply("183 Session Progress", leg, reliably(7, audioAt(4000+10*i))))
					prack := r.Expect("PRACK")
					if prack.Tag("To") != leg {
						t.Errorf("PRACK goes to %q, want %q", prack.Tag("To"), leg)
					}
					r.Send(inv.From, prack.Reply("200 OK", "", ""))
					soon()
					if got, want := port(s), uint16(4000+10*i); got != want {
						t.Errorf("after 183 of %s audio goes to port %d, want %d", leg, got, want)
					}
				}
				r.Send(inv.From, inv.Reply("180 Ringing", "three", "Contact: <sip:bob@192.0.2.10:5060>\n"))
				r.Send(inv.From, within(inv, "UPDATE", 1, "one", audioAt(4004))) // nobody hears that branch
				r.Expect("488 UPDATE")
				contact := "Contact: <sip:bob@192.0.2.10:5060>\n"
				answer := map[string]string{"one": contact, "two": contact, "three": audioAt(4020)}[winner]
				r.Send(inv.From, inv.Reply("200 OK", winner, answer))
				r.Expect("ACK")
				soon()
				want := map[string]uint16{"one": 4000, "two": 4010, "three": 4020}[winner]
				if got := s.Snapshot(); got.State() != session.Established || port(s) != want {
					t.Errorf("%v with audio to port %d, want %d", got.Place, port(s), want)
				}
				ended(r, s)
			})
		})
	}
}

// talk sends G.722 from an address until the returned function is called.
func talk(t *testing.T, p *middlewaretest.Phone, from string, to netip.AddrPort) (stop func()) {
	t.Helper()
	conn, err := p.Net.Media.Listen(netip.MustParseAddrPort(from))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer conn.Close()
		packet := make([]byte, 12+160)
		packet[0], packet[1] = 0x80, 9
		for n := 0; ; n++ {
			binary.BigEndian.PutUint16(packet[2:], uint16(n))
			binary.BigEndian.PutUint32(packet[4:], uint32(160*n))
			select {
			case <-time.After(20 * time.Millisecond):
				_, _ = conn.WriteTo(packet, net.UDPAddrFromAddrPort(to)) // to nobody, in the end
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

// What a lost branch still sends is not heard.
func TestLateMediaOfALostBranch(t *testing.T) {
	redirecting(t, 1, func(t *testing.T, p *middlewaretest.Phone, far []*siptest.Peer) {
		r := far[0]
		s := p.Dial("sip:bob@192.0.2.10:5060")
		inv := r.Expect("INVITE")
		r.Send(inv.From, inv.Reply("183 Session Progress", "one", audioAt(4000)))
		soon()
		lost := talk(t, p, "192.0.2.10:4000", s.Snapshot().Audio.LocalRTP)
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		if from := s.Snapshot().Audio.RemoteReceived; from != netip.MustParseAddrPort("192.0.2.10:4000") {
			t.Fatalf("early media came from %v", from)
		}
		heard := s.Stats().PacketsReceived
		r.Send(inv.From, inv.Reply("200 OK", "two", audioAt(4010)))
		r.Expect("ACK")
		soon()
		before := s.Stats().PacketsReceived
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := s.Stats().PacketsReceived; heard == 0 || got != before {
			t.Errorf("%d packets of the lost branch were taken after the answer, want none", got-before)
		}
		lost()
		ended(r, s)
	})
}

// timed are the settings of a phone whose calls have a session timer.
func timed(d time.Duration) middlewaretest.Option {
	return func(_ *middleware.Config, s *storage.Settings) {
		a := storage.NewAccount("alice@192.0.2.10")
		a.Registration, a.SessionTimer = false, d
		s.Accounts = append(s.Accounts, a)
	}
}

// timedCall is up between an account with a session timer and a far end whose
// answer has the extra lines.
func timedCall(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, extra string) *middleware.Session {
	t.Helper()
	s, err := p.App.SessionManager().Dial(middleware.DialRequest{Target: "bob@192.0.2.10", Account: "alice@192.0.2.10"})
	if err != nil {
		t.Fatal(err)
	}
	inv := r.Expect("INVITE")
	if got := inv.Header("Session-Expires"); got != "90" {
		t.Errorf("Session-Expires = %q, want 90", got)
	}
	r.Send(inv.From, inv.Reply("200 OK", "b", extra+peerAudio))
	r.Expect("ACK")
	soon()
	p.Names()
	return s
}

func TestSessionIsRefreshed(t *testing.T) {
	redirecting(t, 1, func(t *testing.T, p *middlewaretest.Phone, far []*siptest.Peer) {
		r := far[0]
		s := timedCall(t, p, r, "Allow: INVITE, BYE, ACK\nSession-Expires: 90;refresher=uac\n")
		s.Hold()
		re := r.Expect("INVITE") // which refreshes as well
		r.Send(re.From, re.Reply("200 OK", "b", "Session-Expires: 90;refresher=uac\n"+peerAudio))
		soon()
		for range 3 {
			r.Silent("INVITE", 44*time.Second)
			re := r.Expect("INVITE")
			if got := re.Body(); !strings.Contains(got, "a=sendonly") {
				t.Errorf("the refresh changes the session: %q", got)
			}
			r.Send(re.From, re.Reply("200 OK", "b", "Session-Expires: 90;refresher=uac\n"+peerAudio))
			soon()
		}
		wantNames(t, "phone", p, "SIPSessionGotHoldRequest")
		ended(r, s)
	}, timed(90*time.Second))
}

func TestSessionExpires(t *testing.T) {
	redirecting(t, 1, func(t *testing.T, p *middlewaretest.Phone, far []*siptest.Peer) {
		r := far[0]
		s := timedCall(t, p, r, "Session-Expires: 90;refresher=uas\n")
		r.Silent("BYE", 59*time.Second)
		bye := r.Expect("BYE")
		r.Send(bye.From, bye.Reply("200 OK", "", ""))
		wantOver(t, s)
		wantNames(t, "phone", p, "SIPSessionGotNoAudio", "SIPSessionDidFail", "SIPSessionDidEnd")
		fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](p)
		if got := fail.Failure; got.Kind != middleware.Expired {
			t.Errorf("failure = %+v", got)
		}
	}, timed(90*time.Second))
}

// Two Parleys keep a call up for hours, and notice when one of them is gone.
func TestSessionTimerOfTwoPhones(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, _ := connected(t, alice, bob)
		out.RemoveAudio() // an hour of it takes long
		time.Sleep(16 * time.Minute)
		synctest.Wait()
		if n := alice.Net.SIP.Count("UPDATE"); n != 1 {
			t.Errorf("%d refreshes in 16 minutes, want 1", n)
		}
		alice.Net.SIP.SetHook(func(siptest.Packet) (time.Duration, bool) { return 0, true })
		time.Sleep(31 * time.Minute)
		synctest.Wait()
		for who, p := range map[string]*middlewaretest.Phone{"alice": alice, "bob": bob} {
			if fail, ok := middlewaretest.Last[middleware.SIPSessionDidFail](p); !ok || fail.Failure.Kind != middleware.Expired {
				t.Errorf("%s: %+v, want an expired session", who, fail.Failure)
			}
		}
	}, cheapSound)
}

// The settings of an account reach its calls, in and out.
func TestReliableRingingBySettings(t *testing.T) {
	for _, tt := range []struct{ set, asks, want string }{
		{storage.ReliableOff, "Supported: 100rel\n", "180"},
		{storage.ReliableOff, "Require: 100rel\n", "420"},
		{storage.ReliableSupported, "", "180"},
		{storage.ReliableSupported, "Supported: 100rel\n", "180 100rel"},
		{storage.ReliableRequired, "", "421 100rel"},
		{storage.ReliableRequired, "Supported: 100rel\n", "180 100rel"},
	} {
		t.Run(tt.set+" "+tt.asks, func(t *testing.T) {
			redirecting(t, 1, func(t *testing.T, p *middlewaretest.Phone, far []*siptest.Peer) {
				r := far[0]
				s, err := p.App.SessionManager().Dial(middleware.DialRequest{Target: "bob@192.0.2.10", Account: "alice@192.0.2.10"})
				if err != nil {
					t.Fatal(err)
				}
				inv := r.Expect("INVITE")
				if got, want := inv.Header("Require") == "100rel", tt.set == storage.ReliableRequired; got != want {
					t.Errorf("Require = %q with %s", inv.Header("Require"), tt.set)
				}
				if got, want := strings.Contains(inv.Header("Supported"), "100rel"), tt.set != storage.ReliableOff; got != want {
					t.Errorf("Supported = %q with %s", inv.Header("Supported"), tt.set)
				}
				r.Send(inv.From, inv.Reply("486 Busy Here", "b", ""))
				wantOver(t, s)

				contact, _, _ := strings.Cut(strings.TrimPrefix(inv.Header("Contact"), "<"), ">")
				r.Send(inv.From, fmt.Sprintf("INVITE %s SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKx\nMax-Forwards: 70\nFrom: <sip:bob@192.0.2.10>;tag=b\nTo: <sip:alice@192.0.2.10>\nCall-ID: x\nCSeq: 1 INVITE\n%s%s", contact, tt.asks, peerAudio))
				for {
					m := r.Next(time.Minute)
					code, _, _ := strings.Cut(m.Summary(), " ")
					if code == "100" || !strings.HasSuffix(m.Summary(), "INVITE") {
						continue
					}
					if got := strings.TrimSpace(code + " " + m.Header("Require")); got != tt.want {
						t.Errorf("the call is answered %q, want %q", got, tt.want)
					}
					break
				}
			}, func(c *middleware.Config, s *storage.Settings) {
				timed(10*time.Minute)(c, s)
				s.Accounts[0].Reliable = tt.set
			})
		})
	}
}

func TestWhoReallyCalls(t *testing.T) {
	const said = "P-Asserted-Identity: <sip:chef@example.org>\nDiversion: \"Reception\" <sip:100@example.org>;reason=no-answer\nSubject: Lunch\nAlert-Info: <http://x/y.wav>\n"
	peer := func(p middleware.Peer) string { return fmt.Sprintf("%s %s", p.Name, p.Address) }
	tests := []struct {
		name, to, from, extra string
		peer                  string
		diverted              []string
	}{
		{"by the account's server", "alice", `"Boss" <sip:b@192.0.2.10>`, said, "Boss chef@example.org", []string{"Reception 100@example.org no-answer"}},
		{"who wants to hide", "alice", "<sip:anonymous@anonymous.invalid>", said + "Privacy: id\n", " anonymous@anonymous.invalid", []string{"Reception 100@example.org no-answer"}},
		{"directly", "", `"Boss" <sip:b@192.0.2.10>`, said, "Boss b@192.0.2.10", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			redirecting(t, 1, func(t *testing.T, p *middlewaretest.Phone, far []*siptest.Peer) {
				r := far[0]
				to := "sip:bob@192.0.2.1:5060"
				if tt.to != "" {
					s, err := p.App.SessionManager().Dial(middleware.DialRequest{Target: "bob@192.0.2.10", Account: "alice@192.0.2.10"})
					if err != nil {
						t.Fatal(err)
					}
					inv := r.Expect("INVITE")
					to, _, _ = strings.Cut(strings.TrimPrefix(inv.Header("Contact"), "<"), ">")
					r.Send(inv.From, inv.Reply("486 Busy Here", "b", ""))
					wantOver(t, s)
				}
				port := netip.MustParseAddrPort("192.0.2.1:5060")
				if i := strings.LastIndex(to, "192.0.2.1:"); i >= 0 {
					port = netip.MustParseAddrPort(strings.Split(to[i:], ";")[0])
				}
				r.Send(port, fmt.Sprintf("INVITE %s SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKx\nMax-Forwards: 70\nFrom: %s;tag=b\nTo: <sip:alice@192.0.2.10>\nCall-ID: x\nCSeq: 1 INVITE\n%s%s", to, tt.from, tt.extra, peerAudio))
				soon()
				got := p.Session().Snapshot()
				var diverted []string
				for _, d := range got.Diverted() {
					diverted = append(diverted, peer(d.Peer)+" "+d.Reason)
				}
				if peer(got.Peer) != tt.peer {
					t.Errorf("peer = %q, want %q", peer(got.Peer), tt.peer)
				}
				if diff := cmp.Diff(tt.diverted, diverted); diff != "" {
					t.Errorf("diverted (-want +got):\n%s", diff)
				}
				if got.Subject() != "Lunch" || got.Identity.AlertInfo != "http://x/y.wav" {
					t.Errorf("identity = %+v", got.Identity)
				}
				p.Session().Reject(true)
				soon()
			}, timed(10*time.Minute))
		})
	}
}
