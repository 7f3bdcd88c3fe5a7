package sip_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/sip"
	"parley/sip/siptest"
)

func TestRedirectionNamesItsAddresses(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		s.invite(sip.Route{Transport: "udp", Addr: p.Addr})
		p.Send(s.addr, p.Expect("INVITE").Reply("302 Moved Temporarily", "x",
			"Contact: <sip:second@10.0.0.3>;q=0.2, \"First, one\" <sip:first@10.0.0.4>;q=0.7\nContact: <sip:third@10.0.0.5>;q=0.1\nReason: Q.850;cause=22\n"))
		p.Expect("ACK")
		s.wait("failed 302")
		var status *sip.StatusError
		if !errors.As(s.seen["sip.Failed"].(sip.Failed).Err, &status) {
			t.Fatal("no StatusError")
		}
		var got []string
		for _, a := range status.Contacts {
			got = append(got, a.URI.String())
		}
		if diff := cmp.Diff([]string{"sip:first@10.0.0.4", "sip:second@10.0.0.3", "sip:third@10.0.0.5"}, got); diff != "" {
			t.Errorf("contacts (-want +got):\n%s", diff)
		}
		if status.Q850 != 22 || status.Cause != 0 {
			t.Errorf("reasons = %d, %d, want Q.850 22 alone", status.Cause, status.Q850)
		}
	})
}

func TestIdentityOfBothSides(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("x", "P-Asserted-Identity: \"Real\" <sip:real@example.org>\nSubject: Lunch, then\nCall-Info: <sip:x>;answer-after=2\n"+sdpLines))
		in := s.call()
		got := in.Identity()
		after, ok1 := got.AnswerAfter()
		if len(got.Asserted) != 1 || got.Asserted[0].URI.User != "real" || got.Subject != "Lunch, then" || after.Seconds() != 2 || !ok1 {
			t.Errorf("Identity = %+v", got)
		}
		ok(t, in.Reject(486, ""))
		p.Expect("486 INVITE")

		out := s.invite(sip.Route{Transport: "udp", Addr: p.Addr})
		inv := p.Expect("INVITE")
		p.Send(s.addr, inv.Reply("180 Ringing", "x", "P-Asserted-Identity: <sip:desk@example.org>\n"))
		s.wait("provisional 180")
		p.Send(s.addr, inv.Reply("486 Busy", "x", ""))
		s.wait("failed 486")
		if got := out.Identity(); len(got.Asserted) != 1 || got.Asserted[0].URI.User != "desk" {
			t.Errorf("Identity = %+v", got)
		}
	})
}
