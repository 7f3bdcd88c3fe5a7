package middleware

import (
	"context"
	"strings"

	"parley/storage"
)

// A MatchKind says where a [Match] comes from.
type MatchKind uint8

// The kinds of matches.
const (
	MatchText    MatchKind = iota + 1 // what was typed, taken as a number or address
	MatchContact                      // a contact
	MatchHistory                      // somebody spoken to who is no contact
)

// A Match is somebody who can be called, found by what was typed.
type Match struct {
	Kind    MatchKind
	Name    string // to be shown; may be empty
	Target  string // to be dialed
	Label   string // of the contact's address; may be empty
	Contact int64  // 0 unless it is a contact
	Place   int    // among the favorites, from 1; 0 is none
	Photo   bool   // the contact has one
	Call    HistoryEntry
}

// Match returns who can be called by what was typed, best first, at most limit:
// what looks like a number or an address itself, contacts, then people from the
// history, and at the end what was typed as a name at the account's domain.
// Nobody is there twice. It takes as long as a search of both.
func (c *Contacts) Match(ctx context.Context, text string, limit int) ([]Match, error) {
	text = strings.TrimSpace(text)
	if text == "" || limit < 1 {
		return nil, nil
	}
	m := matches{limit: limit, known: map[string]bool{}}
	typed := Match{Kind: MatchText, Target: text}
	_, isNumber := readNumber(text)
	if isNumber || strings.ContainsAny(text, "@:") {
		if _, err := parseTarget(text); err == nil {
			// It takes no address from the contact or caller that it belongs to.
			m.list = append(m.list, typed)
		}
	}
	people, err := c.Search(ctx, text, 2*limit) // some have no address
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		m.addContact(p, text)
	}
	if err := c.matchHistory(ctx, &m, text); err != nil {
		return nil, err
	}
	if _, err := parseTarget(text); err == nil && !(len(m.list) > 0 && m.list[0].Kind == MatchText) {
		m.add(typed)
	}
	return m.list, nil
}

// matches are collected.
type matches struct {
	limit int
	list  []Match
	known map[string]bool // keys of addresses that are in the list or are in a contact that is
}

func (m *matches) add(match Match) {
	key := storage.AddressKey(match.Target)
	if len(m.list) >= m.limit || m.known[key] {
		return
	}
	m.known[key] = true
	m.list = append(m.list, match)
}

// addContact adds a contact with the address that was typed, else the one that
// is called.
func (m *matches) addContact(p Contact, text string) {
	a := p.Default()
	if a.Address == "" {
		return
	}
	for _, other := range p.Addresses {
		if other.Callable() && fits(other.Address, text) && !fits(a.Address, text) {
			a = other
			break
		}
	}
	m.add(Match{
		Kind: MatchContact, Name: p.Name, Target: a.Address, Label: a.Label,
		Contact: p.ID, Place: p.Favorite, Photo: p.Photo != "",
	})
	for _, a := range p.Addresses {
		m.known[storage.AddressKey(a.Address)] = true
	}
}

// fits reports whether an address holds what was typed.
func fits(address, text string) bool {
	key := strings.TrimLeft(storage.AddressKey(text), "+0")
	return key != "" && strings.Contains(storage.AddressKey(address), key)
}

// matchHistory adds who was spoken to and is no contact.
func (c *Contacts) matchHistory(ctx context.Context, m *matches, text string) error {
	const rows = 100 // among which the same people come up again and again
	calls, err := c.history.Search(ctx, HistoryQuery{Text: text, Limit: rows})
	if err != nil {
		return err
	}
	for _, call := range calls {
		if len(m.list) >= m.limit {
			break
		}
		target := dialable(call.PeerURI)
		if target == "" || onlyPassedOn(call, text) || m.known[storage.AddressKey(target)] {
			continue
		}
		if p, err := c.store.Find(ctx, target); err == nil {
			m.addContact(p, text)
			m.known[storage.AddressKey(target)] = true
			continue
		}
		m.add(Match{Kind: MatchHistory, Name: call.PeerName, Target: target, Call: call})
	}
	return nil
}

// onlyPassedOn reports whether a text names those alone who passed a call on or got
// it then, and not whom the call was with.
func onlyPassedOn(call HistoryEntry, text string) bool {
	return call.Note+call.Via != "" && storage.Named(text, call.Note, call.Via, call.PeerName, call.PeerURI) &&
		!storage.Named(text, call.PeerName, call.PeerURI)
}

// dialable returns the address of a call in the form to dial again, "" for
// nobody.
func dialable(uri string) string {
	u, err := parseTarget(uri)
	if err != nil || isAnonymous(u) {
		return ""
	}
	if r, ok := readNumber(u.User); ok && len(r.uri.User) > 6 && !isDirect(u) {
		return r.uri.User
	}
	return uri
}
