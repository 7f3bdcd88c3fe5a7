package middleware

import (
	"cmp"
	"net/netip"
	"net/url"
	"sync"
	"time"

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
		b.app.log.Debug("Call from the local network refused", "from", r.Source, "callsFrom", from)
		return 403
	}
	return 0
}

// How often strangers on the local network may call, all together: so many at a
// time, so many times at once, and then so often. Each call is shown, takes the place
// of another one, and is written to the history.
const (
	maxStrangers   = 8
	strangersBurst = 30
	strangersEvery = 10 * time.Second
)

// tooMany counts a call of g, and reports whether strangers have called enough.
func (m *SessionManager) tooMany(g *guest) bool {
	if g == nil || g.verified {
		return false
	}
	b := m.app.accounts.BonjourAccount()
	return b.strangersWait() || !b.strangers.take(time.Now())
}

// strangersWait reports whether as many of them as may are waiting for an answer.
func (b *BonjourAccount) strangersWait() bool {
	waiting := 0
	for _, s := range b.app.sessions.Snapshots() {
		if s.Account == BonjourID && s.Direction == Incoming && !s.Verified && s.Started.IsZero() {
			waiting++
		}
	}
	return waiting >= maxStrangers
}

// A callBudget bounds the calls of strangers. The zero value is a full one. It may
// be used from any goroutine.
type callBudget struct {
	mu   sync.Mutex // guards what follows
	used float64
	last time.Time
}

// take reports whether there may be another call now.
func (c *callBudget) take(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = max(0, c.used-float64(now.Sub(c.last))/float64(strangersEvery))
	c.last = now
	if c.used+1 > strangersBurst {
		return false
	}
	c.used++
	return true
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

// A guest is whoever calls the [BonjourAccount].
type guest struct {
	neighbourCaller
	found *found // who that is; nil for somebody unknown
}

// greet finds out who calls the [BonjourAccount]; nil if call is for somebody else.
func (m *SessionManager) greet(call *sip.Call, account *Account) *guest {
	if m.app == nil || account != nil || !m.app.isForBonjour(call.RequestURI()) {
		return nil
	}
	hood := m.app.accounts.BonjourAccount().hood
	g := &guest{neighbourCaller: m.app.accounts.BonjourAccount().callerOf(sip.Request{
		Source: call.Route().Addr, From: call.Remote(), PeerCertificate: call.PeerCertificate(),
	})}
	if g.found = g.neighbourCaller.found; g.verified {
		g.found = hood.proved(g.found, g.id, call.Remote().SafeName())
	}
	return g
}

// peer is how the guest is shown: said is what it says itself.
func (g *guest) peer(said Peer) Peer {
	if g == nil || g.found == nil {
		return said
	}
	return g.found.peer()
}

// invents reports whether the guest says to be at another machine than it calls
// from, which nothing proves. It is nobody's contact then.
func (g *guest) invents(call *sip.Call) bool {
	return g != nil && g.found == nil && lanAddr(call.Remote().URI).Addr() != call.Route().Addr.Addr().Unmap()
}

// uris are the addresses that the guest has proved to have.
func (g *guest) uris() []sip.URI {
	if g == nil || !g.verified {
		return nil
	}
	return []sip.URI{{Scheme: neighbourScheme, User: g.id}}
}

// welcome notes what is known of the caller before the session runs.
func (s *Session) welcome(call *sip.Call, g *guest) {
	if g == nil {
		return
	}
	s.now.Account = BonjourID
	if g.found == nil {
		return
	}
	s.meet(g.found)
	s.now.Verified = g.verified
	if g.key != "" {
		call.Pin(s.pinTo(g.found, g.key, call.Route().Addr))
	}
	if g.verified {
		s.m.app.accounts.BonjourAccount().hood.heal(g.id, netip.AddrPortFrom(call.Route().Addr.Addr(), 0))
	}
}

// proved is f, or somebody who is not on the list, who calls with the key that is
// remembered. It is called as it calls itself: others may have put another name and
// host to its id.
func (n *neighbourhood) proved(f *found, id, said string) *found {
	known := n.absent(id)
	if f == nil {
		f = known
	}
	who := *f
	who.Name = cmp.Or(sip.CleanText(said, maxNeighbourName), known.Name, f.Name)
	who.Host = cmp.Or(known.Host, f.Host)
	return &who
}

// absent is somebody who is remembered and not on the list now.
func (n *neighbourhood) absent(id string) *found {
	k, _ := n.keys.Get(id)
	f := &found{base: id}
	f.ID, f.Key, f.Trust, f.Problem = id, k.Key, TrustKnown, ProblemNoAddress
	f.Name, f.Host = sip.CleanText(k.Name, maxNeighbourName), sip.CleanText(k.Host, maxNeighbourName)
	f.Target = neighbourScheme + ":" + url.PathEscape(f.ID)
	return f
}
