package middleware

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"parley/middleware/session"
	"parley/sip"
	"parley/sip/sdp"
)

// A NeighbourError is returned for a call to a neighbour who cannot be called now.
// Its Problem says why.
type NeighbourError struct{ Neighbour Neighbour }

func (e *NeighbourError) Error() string {
	why := "it has no address that can be called"
	switch e.Neighbour.Problem {
	case ProblemLinkLocal:
		why = "it has link-local addresses only"
	case ProblemKeyChanged:
		why = "somebody else answers for it"
	case ProblemNotSecure:
		why = "it takes no encrypted calls now, and has done so before"
	}
	return fmt.Sprintf("middleware: %s cannot be called: %s", e.Neighbour.Title(), why)
}

// dialNeighbour completes d for a call to a neighbour.
func (d *dialing) dialNeighbour(app *SIPApplication, f *found) error {
	d.note(DialStep{Kind: DialNeighbour, To: f.Title()})
	if !f.Callable() {
		return &NeighbourError{f.Neighbour}
	}
	list := app.neighbourTargets(f)
	if len(list) == 0 {
		return fmt.Errorf("%w: %s", sip.ErrNoLocalAddress, f.Title())
	}
	d.target = list[0]
	d.target.more = list[1:]
	d.account, d.uri, d.peer = nil, d.target.uri, f.peer()
	return nil
}

// neighbourTargets returns the contacts of a neighbour that can be called, one for
// each user, best first. There is one, but for those left behind by a program that
// was started again, and for those of somebody who claims to be the neighbour.
func (app *SIPApplication) neighbourTargets(f *found) []target {
	var list []target
	ep := app.direct()
	for _, c := range f.ways() {
		r := sip.Route{Transport: c.transport, Addr: c.addr}
		local, err := ep.LocalAddr(r)
		if err != nil || app.isHere(c.uri()) {
			continue // of a family that we have no address of, or ours
		}
		i := slices.IndexFunc(list, func(t target) bool { return t.uri.User == c.user })
		if i < 0 {
			i = len(list)
			uri := c.uri()
			own := sip.URI{Scheme: "sip", User: app.local.user, Host: local.String()}
			list = append(list, target{
				endpoint: ep, uri: uri, neighbour: f, to: sip.Address{URI: uri},
				from: sip.Address{Name: app.accounts.BonjourAccount().displayName(), URI: own},
			})
		}
		ways := append(list[i].ways, r)
		list[i].ways = ways
		list[i].lookup = func(context.Context) ([]sip.Route, *sip.Authorizer, error) { return ways, nil, nil }
	}
	return list
}

// nextContact goes on with another contact of the neighbour, where err says that
// one does not lead to it. It reports whether it did. Who is gone without a goodbye
// is soon off the list.
func (s *Session) nextContact(err error) bool {
	if s.place.State != session.Calling || s.target.neighbour == nil || !leadsAstray(err) {
		return false
	}
	s.m.app.accounts.BonjourAccount().lan.doubt(s.target.neighbour)
	if len(s.target.more) == 0 {
		return false
	}
	if errors.As(err, &s.other.wrong) {
		s.log.Info("Contact of the neighbour is somebody else's", "route", s.now.Route)
		s.m.app.accounts.BonjourAccount().hood.mark(s.other.pins)
	}
	s.others.next = s.target.at(s.target.more[0])
	s.others.next.more = s.target.more[1:]
	s.step(event{in: session.GotRedirect, by: Remote})
	return true
}

// leadsAstray reports whether a call failed by err because nobody is there any more.
func leadsAstray(err error) bool {
	var status *sip.StatusError
	if errors.As(err, &status) {
		return slices.Contains([]int{404, 408, 410, 503}, status.Code)
	}
	return !errors.Is(err, sip.ErrClosed)
}

// peer is how a call with the neighbour shows it, and calls it back.
func (f *found) peer() Peer {
	p := Peer{Name: f.Name, Address: f.Title(), URI: f.Target}
	if p.Name == "" {
		p.Name = f.Host
	}
	return p
}

// meant returns the neighbour that a request to dial names, nil if none. An address
// means who is there, whoever calls itself by it.
func (b *BonjourAccount) meant(r DialRequest) (*found, error) {
	if idOfTarget(r.Target) != "" {
		if !b.Active() {
			return nil, fmt.Errorf("%w: %s", ErrAccountInactive, BonjourID)
		}
		return b.hood.find(r.Target)
	}
	if r.Account == BonjourID && !isAddress(r.Target) {
		if f, err := b.hood.find(r.Target); !errors.Is(err, ErrNoNeighbour) {
			return f, err
		}
	}
	return nil, nil
}

// isAddress reports whether a text names a machine or a domain.
func isAddress(text string) bool {
	r, err := readTarget(text)
	return err == nil && r.uri.Host != ""
}

// elseMeant returns the neighbour that a text names which means nobody else, or err.
func (b *BonjourAccount) elseMeant(text string, err error) (*found, error) {
	f, many := b.hood.find(text)
	switch {
	case f != nil:
		return f, nil
	case errors.Is(many, ErrManyNeighbours):
		return nil, many
	}
	return nil, err
}

// dialing is how the other side of a session calls somebody, or is to. From a call
// with a neighbour other neighbours are called by their names.
func (s *Session) dialing(target string) (dialing, error) {
	r := DialRequest{Target: target, Account: s.Snapshot().Account}
	if r.Account != BonjourID {
		return s.m.app.dialing(r)
	}
	if isAddress(target) {
		return s.m.app.dialing(DialRequest{Target: target})
	}
	if f, err := s.m.app.accounts.BonjourAccount().hood.find(target); err == nil {
		var d dialing
		err = d.dialNeighbour(s.m.app, f)
		return d, err
	}
	return s.m.app.dialing(DialRequest{Target: target})
}

// proving adds to the ways to a neighbour what whoever answers has to prove. On the
// session's goroutine.
func (s *Session) proving(routes []sip.Route) []sip.Route {
	routes = slices.Clone(routes)
	for i := range routes {
		if routes[i].Transport == "tls" {
			routes[i].ServerName = s.pinTo(s.target.neighbour, "", routes[i].Addr)
		}
	}
	return routes
}

// another is what a session knows of a call on the local network.
type another struct {
	found *found    // who the other side is, if that is known; it never changes
	pins  []string  // that were made for the call
	wrong *keyError // of a contact that was given up
	alone bool      // the call was answered without a person
}

// meet makes the session one with a neighbour. It is called before the session
// runs, and where a call goes on with another neighbour.
func (s *Session) meet(f *found) {
	s.other.found = f
	s.now.Account, s.now.Neighbour = BonjourID, f.ID
	if f.parley() {
		s.config.security = sdp.SecurityRequire
		s.config.onLink(s.m.settings.Get().Bonjour.PacketTime)
	}
}

// part makes the session one with somebody else than the neighbour who was called.
// What it is to be encrypted for stays.
func (s *Session) part() {
	s.other = another{pins: s.other.pins}
	s.now.Account, s.now.Neighbour = "", ""
}

// pinTo returns the name that the server at an address proves if it is the
// neighbour.
func (s *Session) pinTo(f *found, key string, addr netip.AddrPort) string {
	name := s.m.app.accounts.BonjourAccount().hood.pin(f.base, key, addr)
	s.other.pins = append(s.other.pins, name)
	return name
}

// unpin ends that, with the session.
func (s *Session) unpin() {
	for _, name := range s.other.pins {
		s.m.app.accounts.BonjourAccount().hood.unpin(name)
	}
}

// noteProof takes in that the other side has proved to be who is remembered.
func (s *Session) noteProof() {
	f := s.other.found
	if f == nil || f.Key == "" || s.now.Verified || s.call == nil {
		return
	}
	if cert := s.call.PeerCertificate(); cert != nil && keyOf(cert) == f.Key {
		s.now.Verified = true
		s.m.app.accounts.BonjourAccount().hood.heal(f.base, s.call.Route().Addr)
	}
}

// acquaint remembers the key of a neighbour who is spoken to. Nobody is remembered
// who did not answer, was not answered by a person, or has an id that another one
// claimed before. Who is remembered keeps its name until it calls under another one:
// the list may be somebody else's work.
func (s *Session) acquaint() {
	f := s.other.found
	if f == nil || f.base == "" || f.ID != f.base || s.other.alone && f.Key == "" {
		return
	}
	cert := s.call.PeerCertificate()
	if cert == nil {
		return
	}
	name, host := f.Name, f.Host
	if f.Key != "" && s.now.Direction == Outgoing {
		name, host = "", ""
	}
	hood := s.m.app.accounts.BonjourAccount().hood
	s.aside.Go(func() {
		err := hood.remember(f.base, keyOf(cert), name, host)
		if wrong := new(keyError); errors.As(err, &wrong) {
			s.post(event{run: func() { s.partFrom(wrong) }})
		} else if err != nil {
			s.log.Warn("Neighbour not remembered", "err", err)
		}
	})
}

// partFrom ends a call that somebody else has answered.
func (s *Session) partFrom(wrong *keyError) {
	s.shout(wrong)
	s.end(Local, failureOf(wrong))
	if s.place.Accepts(session.End) {
		s.step(event{in: session.End})
	}
}

// failure is why a call failed by err: where no contact led to the neighbour, that
// somebody else was there says more than that others were silent.
func (s *Session) failure(err error) error {
	if s.other.wrong != nil && !errors.As(err, new(*sip.StatusError)) {
		err = s.other.wrong
	}
	s.shout(err)
	return err
}

// shout tells that somebody answered for the neighbour with another key, if that
// is what err says.
func (s *Session) shout(err error) {
	var wrong *keyError
	if f := s.other.found; f != nil && f.base != "" && errors.As(err, &wrong) {
		hood := s.m.app.accounts.BonjourAccount().hood
		hood.mark(s.other.pins)
		hood.shout(f.base, wrong.presented)
	}
}
