package viewmodel

import (
	"slices"
	"strings"
	"time"

	"parley/gui/i18n"
	"parley/middleware"
)

// A Contact is a row of the address book.
type Contact struct {
	ID     int64
	Name   string
	Note   string // organization, or the address to call
	Target string // to be called; empty if nothing can be
	Star   bool
	Photo  bool
	Others []Address // further ways to call, the usual one left out
}

// An Address is a way to call somebody, as it is shown and as it is dialed.
type Address struct{ Text, Target string }

// mailScheme begins addresses that are no telephone.
const mailScheme = "mailto:"

// NewContact returns the row of a contact.
func NewContact(c middleware.Contact) Contact {
	first := c.Default()
	v := Contact{ID: c.ID, Name: c.Name, Note: c.Organization, Target: first.Address, Star: c.Favorite > 0, Photo: c.Photo != ""}
	if v.Note == "" && ShortURI(first.Address) != c.Name {
		v.Note = ShortURI(first.Address)
	}
	for _, a := range c.Addresses {
		if a != first && !strings.HasPrefix(strings.ToLower(a.Address), mailScheme) {
			v.Others = append(v.Others, Address{Text: labeled(a.Address, a.Label), Target: a.Address})
		}
	}
	return v
}

// labeled is an address with the word that says which it is.
func labeled(address, label string) string {
	if label == "" {
		return ShortURI(address)
	}
	return i18n.T("%s (%s)", ShortURI(address), label)
}

// A GroupChoice is an entry of the chooser above the contacts.
type GroupChoice struct {
	Label     string
	Group     int64 // 0 for all and for favorites
	Favorites bool
}

// GroupChoices lists what the chooser offers.
func GroupChoices(groups []middleware.ContactGroup) []GroupChoice {
	list := []GroupChoice{{Label: i18n.T("All contacts")}, {Label: i18n.T("Favorites"), Favorites: true}}
	for _, g := range groups {
		list = append(list, GroupChoice{Label: g.Name, Group: g.ID})
	}
	return list
}

// Holds reports whether a contact is among those chosen.
func (g GroupChoice) Holds(c middleware.Contact) bool {
	return (!g.Favorites || c.Favorite > 0) && (g.Group == 0 || slices.Contains(c.Groups, g.Group))
}

// NoContacts says what to do when no contact is listed. first is true while the
// address book as a whole is empty.
func NoContacts(search string, g GroupChoice) (text string, first bool) {
	switch {
	case search != "":
		return i18n.T("No contact matches “%s”.", search), false
	case g.Favorites:
		return i18n.T("No favorites yet. Open the menu of a contact and choose Favorite: favorites are found first."), false
	case g.Group != 0:
		return i18n.T("Nobody is in this group. Open the menu of a contact and choose Groups."), false
	}
	return i18n.T("No contacts yet"), true
}

// A Match is a row below the number field: somebody who may be meant.
type Match struct {
	Title   string
	Name    string // as known; may be empty
	Note    string // address and label
	When    string // last spoken to
	Target  string // to be dialed
	Picture Picture
	Tone    Tone
	Contact int64
	Star    bool
	Photo   bool
}

// NewMatches returns the rows for a typed text at the time now, best first.
func NewMatches(text string, found []middleware.Match, now time.Time) []Match {
	var list []Match
	if word := strings.ToLower(strings.TrimSpace(text)); word != "" &&
		(strings.HasPrefix(strings.ToLower(i18n.T("Echo Test")), word) || strings.HasPrefix(middleware.EchoTarget, word)) {
		e := EchoRow()
		list = append(list, Match{Title: e.Title, Note: e.Note, Target: e.Target, Picture: e.Picture, Tone: e.Tone})
	}
	for _, m := range found {
		if m.Target == middleware.EchoTarget {
			continue
		}
		v := Match{Title: m.Name, Name: m.Name, Note: labeled(m.Target, m.Label), Target: m.Target, Contact: m.Contact, Star: m.Place > 0, Photo: m.Photo}
		switch m.Kind {
		case middleware.MatchText:
			v.Title, v.Note, v.Picture, v.Tone = m.Target, i18n.T("as typed"), PictureCall, Accent
		case middleware.MatchHistory:
			v.Picture, v.When = PictureRecent, When(m.Call.Start, now)
			if v.Title == "" {
				v.Title, v.Note = PersonOf("", ShortURI(m.Target)), ""
			}
		}
		list = append(list, v)
	}
	return list
}

// IsAddress reports whether a typed text is a number or an address, and not a
// name to be looked for.
func IsAddress(text string) bool {
	text = strings.TrimSpace(text)
	return strings.ContainsAny(text, "@:") || isNumber(text)
}
