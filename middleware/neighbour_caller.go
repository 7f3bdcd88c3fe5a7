package middleware

import (
	"cmp"
	"net/netip"
	"net/url"

	"parley/sip"
)

// admit says what a call to the account is refused with before anything is done
// about it, 0 for not at all.
func (b *BonjourAccount) admit(r sip.Request) int {
	if b.app.UserStatus() == Offline {
		return 480
	}
	who := b.callerOf(r)
	switch from := b.Settings().CallsFrom; {
	case from == CallsFromKnown && !who.verified, from == CallsFromNeighbours && who.found == nil:
		b.app.log.Info("Call from the local network refused", "from", r.Source, "callsFrom", from)
		return 403
	}
	return 0
}

// callerOf finds out who calls.
func (b *BonjourAccount) callerOf(r sip.Request) neighbourCaller {
	if r.PeerCertificate != nil {
		return b.hood.whoHas(r.PeerCertificate)
	}
	return b.hood.whoIsAt(r.Source.Addr(), r.From.URI.User)
}

// whoIsAt returns who calls without proof of anything. Those who have a key are
// nobody without it: anybody could say to be them.
func (n *neighbourhood) whoIsAt(addr netip.Addr, user string) neighbourCaller {
	if f := n.from(addr, user); f != nil && !f.parley() && f.Trust != TrustBroken {
		return neighbourCaller{found: f}
	}
	return neighbourCaller{}
}

// isForBonjour reports whether an incoming call is to the account's contact.
func (app *SIPApplication) isForBonjour(u sip.URI) bool {
	return app.local != nil && u.User == app.local.user && app.accounts.BonjourAccount().Active()
}

// welcome notes what is known of the caller, if call is to the [BonjourAccount]. It
// is called before the session runs.
func (s *Session) welcome(call *sip.Call) {
	if s.m.app == nil || s.account != nil || !s.m.app.isForBonjour(call.RequestURI()) {
		return
	}
	s.now.Account = BonjourID
	who := s.m.app.accounts.BonjourAccount().callerOf(sip.Request{
		Source: call.Route().Addr, From: call.Remote(), PeerCertificate: call.PeerCertificate(),
	})
	f := who.found
	if f == nil && who.verified {
		f = s.absent(who)
	}
	if f == nil {
		return
	}
	s.meet(f)
	s.now.Peer, s.now.Verified = f.peer(), who.verified
	if who.key != "" {
		call.Pin(s.pinTo(f, who.key))
	}
}

// absent is somebody who is remembered and not on the list now.
func (s *Session) absent(who neighbourCaller) *found {
	hood := s.m.app.accounts.BonjourAccount().hood
	k, _ := hood.keys.Get(who.id)
	f := &found{base: who.id}
	f.ID, f.Key, f.Trust, f.Problem = who.id, k.Key, TrustKnown, ProblemNoAddress
	f.Name, f.Host = sip.CleanText(k.Name, maxNeighbourName), sip.CleanText(k.Host, maxNeighbourName)
	f.Name = cmp.Or(f.Name, f.Host, s.now.Peer.Name)
	f.Target = neighbourScheme + ":" + url.PathEscape(f.ID)
	return f
}
