package middleware_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/media/mediatest"
	"parley/media/wav"
	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/sip/siptest"
	"parley/storage"
)

const deviceRate = 48000

// toneFile returns a WAV file with half a second of a tone.
func toneFile(t *testing.T, hz float64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tone.wav")
	w, err := wav.Create(path, 8000, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(mediatest.Tone(hz, 0.5, 4000, 8000)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is chosen for a caller, and for calls out, is what is heard.
func TestChosenRingtonesAreHeard(t *testing.T) {
	in, out := toneFile(t, 1000), toneFile(t, 1500)
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		if err := alice.App.SessionManager().RingtoneConfig().SetOutboundRingtone(out); err != nil {
			t.Fatal(err)
		}
		caller := "sip:" + alice.App.AccountManager().BonjourAccount().Contact().String()
		if err := bob.App.SessionManager().RingtoneConfig().AddRingtoneForSIPURI(caller, in); err != nil {
			t.Fatal(err)
		}
		alice.Dial(bob.URI())
		time.Sleep(3 * time.Second)
		synctest.Wait()
		rings, ear := bob.Device.Played(), alice.Device.Played()
		if got := mediatest.Power(rings[len(rings)-deviceRate:], 1000, deviceRate); got < 0.2 {
			t.Errorf("power of the ringtone at bob = %v, want 0.4", got)
		}
		if got := mediatest.Power(ear[len(ear)-deviceRate:], 1500, deviceRate); got < 0.2 {
			t.Errorf("power of the outbound ringtone at alice = %v, want 0.4", got)
		}
		if got := mediatest.Power(ear[len(ear)-deviceRate:], 425, deviceRate); got > 0.05 {
			t.Errorf("power of the ring-back tone at alice = %v, want none beside the file", got)
		}
	})
}

// What goes out follows the account's wish and the configuration.
func TestOffersFollowTheConfiguration(t *testing.T) {
	for name, tt := range map[string]struct {
		config middleware.RTPConfiguration
		wish   string
		want   string // the protocol offered
		keys   bool
	}{
		"preferred":    {middleware.NewRTPConfiguration(), storage.SRTPPrefer, "RTP/AVP", true},
		"switched off": {middleware.RTPConfiguration{}, storage.SRTPPrefer, "RTP/AVP", false},
		"forced":       {middleware.RTPConfiguration{UseSRTP: true, SRTPForced: true}, storage.SRTPPrefer, "RTP/SAVP", true},
		"demanded":     {middleware.RTPConfiguration{}, storage.SRTPRequire, "RTP/SAVP", true},
		"forbidden":    {middleware.RTPConfiguration{UseSRTP: true, SRTPForced: true}, storage.SRTPOff, "RTP/AVP", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := middlewaretest.NewNet()
				peer := siptest.NewPeer(t, &n.SIP, "192.0.2.2:5060")
				p := middlewaretest.NewPhone(t, n, "192.0.2.1", func(_ *middleware.Config, s *storage.Settings) {
					a := storage.NewAccount("alice@192.0.2.2")
					a.Registration, a.SRTP, a.SRTPInClear, a.Transport = false, tt.wish, true, storage.TransportUDP
					s.Accounts = append(s.Accounts, a)
				})
				if err := p.App.SessionManager().SetRTPConfig(tt.config); err != nil {
					t.Fatal(err)
				}
				if _, err := p.App.SessionManager().Dial(middleware.DialRequest{Target: "bob", Account: "alice@192.0.2.2"}); err != nil {
					t.Fatal(err)
				}
				m := peer.Expect("INVITE")
				if got := m.Body(); strings.Contains(got, "a=crypto") != tt.keys || !strings.Contains(got, " "+tt.want+" ") {
					t.Errorf("offered\n%s\nwant %s, keys: %t", got, tt.want, tt.keys)
				}
				peer.Send(m.From, m.Reply("486 Busy Here", "r", ""))
				peer.Expect("ACK")
				p.Stop()
				peer.Close()
			})
		})
	}
}

// The account that an incoming request is for: its random contact, then its
// address, then its user; never one that is disabled.
func TestFindAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1", withAccounts("alice@a.example", "alice@b.example", "bob@b.example"))
		synctest.Wait()
		m := p.App.AccountManager()
		second, err := m.GetAccount("alice@b.example")
		if err != nil {
			t.Fatal(err)
		}
		find := func(contact, want string) {
			t.Helper()
			got := ""
			if a := m.FindAccount(contact); a != nil {
				got = a.ID()
			}
			if got != want {
				t.Errorf("FindAccount(%s) = %q, want %q", contact, got, want)
			}
		}
		random := "sip:" + second.Contact().Username + "@198.51.100.1:1234"
		find(random, "alice@b.example")
		find("sip:alice@B.Example;transport=tls", "alice@b.example")
		find("sip:alice@192.0.2.1", "alice@a.example")
		find("sip:bob@192.0.2.1", "bob@b.example")
		find("sip:carol@b.example", "")
		find("no address", "")
		for _, id := range []string{"alice@a.example", "alice@b.example"} {
			err := m.ChangeAccount(id, func(a *middleware.AccountSettings) error { a.Enabled = false; return nil })
			if err != nil {
				t.Fatal(err)
			}
			if id == "alice@a.example" {
				find("sip:alice@192.0.2.1", "alice@b.example")
			}
		}
		find(random, "")
		find("sip:alice@b.example", "")
		soon()
		told, _ := middlewaretest.Last[middleware.SIPAccountManagerDidChangeDefaultAccount](p)
		if told.OldAccount != "alice@b.example" || told.Account != "bob@b.example" || m.DefaultAccount().ID() != "bob@b.example" {
			t.Errorf("the default account went from %s to %s, want to the last one that is enabled", told.OldAccount, told.Account)
		}
		p.Stop()
	})
}

// A call to the contact of the account without a server arrives there.
func TestBonjourContactIsCalled(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		account := bob.App.AccountManager().BonjourAccount()
		contact, _ := account.Contact().URI("udp")
		out := alice.Dial(contact)
		soon()
		in := bob.Session()
		if in.Account() != middleware.SIPAccount(account) || in.LocalURI() != contact {
			t.Errorf("bob is called at %s through %v, want %s and the account without a server", in.LocalURI(), in.Account(), contact)
		}
		wantNames(t, "bob", bob, "SIPSessionNewIncoming")
		out.End()
		soon()
		wantNames(t, "bob", bob, "SIPSessionDidFail", "SIPSessionDidEnd")
	})
}

// The end waits for silent far ends no longer than it has to.
func TestEndIsBounded(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		accept(r, r.Expect("REGISTER"), 600)
		p.Dial("sip:nobody@192.0.2.99:5060")
		soon()
		begun := time.Now()
		p.Stop()
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("the end took %v with a registrar and a callee that are silent, want 10 s at most", took)
		}
		if _, ended := middlewaretest.Last[middleware.SIPApplicationDidEnd](p); !ended {
			t.Error("SIPApplicationDidEnd was not posted")
		}
	})
}
