package middleware

import (
	"cmp"

	"parley/sip"
	"parley/storage"
)

// An Identity is what the messages of a call say of the peer beside its address.
type Identity struct {
	From      Peer        // who the peer says it is
	Asserted  Peer        // who the account's server says it is; zero if it does not
	Diverted  []Diversion // who passed the call on, the last one first
	Subject   string
	AlertInfo string // a URI
}

// A Diversion is somebody who was called first and passed the call on.
type Diversion struct {
	Peer
	Reason string // "user-busy", "no-answer", "unconditional" …; empty if not said
}

// Diverted returns who passed the call on, the last one first.
func (s SessionSnapshot) Diverted() []Diversion {
	if s.Identity == nil {
		return nil
	}
	return s.Identity.Diverted
}

// Subject returns what the caller says the call is about, or "".
func (s SessionSnapshot) Subject() string {
	if s.Identity == nil {
		return ""
	}
	return s.Identity.Subject
}

// identify finds out whose call that is, which came for account, nil for a direct
// one. Who calls, and who passed the call on, counts only where a server of an
// account of ours says so: a direct caller could claim anything (RFC 3325 section
// 5).
func identify(call *sip.Call, account *Account) (*Identity, Peer) {
	from, said := call.Remote(), call.Identity()
	peer := peerOf(from)
	i := &Identity{From: peer, Subject: said.Subject, AlertInfo: said.AlertInfo}
	if account == nil {
		return i, peer
	}
	if len(said.Asserted) > 0 && !said.Privacy {
		i.Asserted = peerOf(said.Asserted[0])
		if i.Asserted.Name == "" && !isAnonymous(from.URI) {
			i.Asserted.Name = peer.Name
		}
		peer = i.Asserted
	}
	for _, d := range said.Diversions {
		i.Diverted = append(i.Diverted, Diversion{peerOf(d.Address), d.Reason})
	}
	if len(i.Diverted) > 0 {
		peer.Via = cmp.Or(i.Diverted[0].Name, i.Diverted[0].Address)
	}
	return i, peer
}

// noteAnswerer takes in what responses say of who is called.
func (s *Session) noteAnswerer() {
	said := s.call.Identity().Asserted
	if s.now.Direction != Outgoing || s.account == nil || len(said) == 0 {
		return
	}
	p := peerOf(said[0])
	if s.now.Identity == nil || s.now.Identity.Asserted != p {
		s.now.Identity = &Identity{From: s.now.Peer, Asserted: p}
	}
}

// extensionsOf says what calls of an account make use of. Calls without an account
// do as a new account would.
func extensionsOf(a AccountSettings) sip.Extensions {
	x := sip.Extensions{SessionTimer: sip.SessionTimer{Expires: a.SessionTimer}}
	switch a.Reliable {
	case storage.ReliableSupported:
		x.Reliable = sip.ReliableSupported
	case storage.ReliableRequired:
		x.Reliable = sip.ReliableRequired
	}
	return x
}
