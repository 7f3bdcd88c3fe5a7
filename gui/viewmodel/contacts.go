package viewmodel

import (
	"slices"
	"strings"

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
		v.Note = AddressText(first.Address)
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
		return AddressText(address)
	}
	return i18n.T("%s (%s)", AddressText(address), label)
}

// AddressText is an address as people read it.
func AddressText(address string) string {
	if IsNeighbour(address) {
		return i18n.T("on this network")
	}
	return ShortURI(address)
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
