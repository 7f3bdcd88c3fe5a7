package storage

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"

	"parley/storage/lookup"
)

// A Contact is a person or a place with the addresses where it is called. Times
// are UTC with a resolution of one millisecond.
type Contact struct {
	ID           int64  // given by Contacts.Add
	UID          string // names the contact in other programs too; made if empty
	Name         string // as shown; if empty, made of what else is known
	Given        string // first name, if known apart
	Family       string // last name, likewise
	Organization string
	Note         string // may have several lines
	Addresses    []ContactAddress
	Groups       []int64 // IDs of groups
	Favorite     int     // place among the favorites, from 1; 0 is none
	Ringtone     string  // absolute path of a WAV file; "" is the usual one
	AutoAnswer   bool    // calls from here may be answered without asking
	Photo        string  // media type of the photo, "" is none; see [Contacts.Photo]
	Called       time.Time
	Created      time.Time
	Updated      time.Time
}

// A ContactAddress is one way to call a contact.
type ContactAddress struct {
	Address string // a URI, an address without a scheme, or a number as a person writes it; "mailto:" is not called
	Label   string // such as "work"; may be empty
	Default bool   // the one that is called; at most one is
}

// Default returns the address to call: the one that is marked, else the first
// that can be called. It is empty for a contact that has none.
func (c Contact) Default() ContactAddress {
	var first ContactAddress
	for _, a := range c.Addresses {
		if a.Default {
			return a
		}
		if first.Address == "" && a.Callable() {
			first = a
		}
	}
	return first
}

// Callable reports whether the address is one to call, rather than to write to.
func (a ContactAddress) Callable() bool { return !strings.HasPrefix(a.Address, mailScheme) }

// Cursor returns the place of c in the list by name, for [ContactQuery.After].
func (c Contact) Cursor() ContactCursor { return ContactCursor{Sort: sortKey(c.Name), ID: c.ID} }

// A ContactCursor is a place in the list by name. The zero value is its
// beginning.
type ContactCursor struct {
	Sort string
	ID   int64
}

// A ContactQuery asks for a page of contacts by name, or of favorites in their
// own order.
type ContactQuery struct {
	Group     int64         // only of this group; 0 is all
	Favorites bool          // only favorites
	After     ContactCursor // only what follows this place; not for favorites
	Limit     int           // page size, at most MaxPage; 0 is DefaultPage
}

// A Group is a named set of contacts.
type Group struct {
	ID   int64
	Name string
	Size int // how many contacts
}

// Bounds on a contact.
const (
	MaxContactText      = 1000     // bytes of a name, address or other short text
	MaxContactNote      = 16 << 10 // bytes
	MaxContactAddresses = 100
	MaxContactGroups    = 100
	maxGroups           = 1000
)

// sortKey orders names as people expect: without case and accents.
func sortKey(name string) string { return cmp.Or(lookup.Fold(name), name) }

// normalize checks c, trims its texts and gives it a name. It returns a
// *ValueError for what no contact may hold.
func (c Contact) normalize() (Contact, error) {
	for _, f := range []struct {
		name  string
		value *string
	}{
		{"name", &c.Name},
		{"given", &c.Given},
		{"family", &c.Family},
		{"organization", &c.Organization},
		{"ringtone", &c.Ringtone},
		{"uid", &c.UID},
	} {
		if err := checkText(f.name, f.value); err != nil {
			return c, err
		}
	}
	c.Note = strings.TrimSpace(strings.ReplaceAll(c.Note, "\r\n", "\n"))
	if len(c.Note) > MaxContactNote || strings.ContainsFunc(c.Note, func(r rune) bool { return isControl(r) && r != '\n' && r != '\t' }) {
		return c, &ValueError{Key: "note", Value: c.Note[:min(len(c.Note), 40)], Want: fmt.Sprintf("text of at most %d bytes", MaxContactNote)}
	}
	if len(c.Groups) > MaxContactGroups {
		return c, tooManyGroups(len(c.Groups))
	}
	var err error
	if c.Addresses, err = normalAddresses(c.Addresses); err != nil {
		return c, err
	}
	c.Name = cmp.Or(c.Name, strings.TrimSpace(c.Given+" "+c.Family), c.Organization, c.Default().Address)
	if c.Name == "" && len(c.Addresses) > 0 {
		c.Name = strings.TrimPrefix(c.Addresses[0].Address, mailScheme)
	}
	if c.Name == "" {
		return c, &ValueError{Key: "name", Want: "given, unless there is an address"}
	}
	return c, nil
}

func tooManyGroups(n int) error {
	return &ValueError{Key: "groups", Value: fmt.Sprint(n), Want: fmt.Sprintf("at most %d groups", MaxContactGroups)}
}

func normalAddresses(list []ContactAddress) ([]ContactAddress, error) {
	if len(list) > MaxContactAddresses {
		return nil, &ValueError{Key: "addresses", Value: fmt.Sprint(len(list)), Want: fmt.Sprintf("at most %d addresses", MaxContactAddresses)}
	}
	var out []ContactAddress
	chosen := false
	for _, a := range list {
		for _, f := range []struct {
			name  string
			value *string
		}{{"address", &a.Address}, {"label", &a.Label}} {
			if err := checkText(f.name, f.value); err != nil {
				return nil, err
			}
		}
		if lookup.Parse(a.Address).Key == "" {
			return nil, &ValueError{Key: "address", Value: a.Address, Want: "an address or a number"}
		}
		a.Default = a.Default && !chosen && a.Callable()
		chosen = chosen || a.Default
		out = append(out, a)
	}
	return out, nil
}

// checkText trims a short text and makes sure that it is one line.
func checkText(name string, value *string) error {
	*value = strings.TrimSpace(*value)
	if len(*value) > MaxContactText || strings.ContainsFunc(*value, isControl) || strings.ToValidUTF8(*value, "") != *value {
		return &ValueError{Key: name, Value: strings.ToValidUTF8((*value)[:min(len(*value), 40)], ""), Want: fmt.Sprintf("one line of at most %d bytes", MaxContactText)}
	}
	return nil
}

func isControl(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// entry is what c is found by.
func (c Contact) entry() lookup.Entry {
	e := lookup.Entry{ID: c.ID, Place: c.Favorite, Called: millis(c.Called), Name: c.Name}
	var other strings.Builder
	put := func(s string) {
		other.WriteByte(' ')
		other.WriteString(s)
	}
	put(c.Organization)
	for _, a := range c.Addresses {
		p := lookup.Parse(a.Address)
		if p.Number != "" {
			e.Numbers = append(e.Numbers, p.Number)
			continue
		}
		put(p.Key)
	}
	e.Other = other.String()
	return e
}

// AddressKey returns what two ways to write one address have in common: user and
// host in lower case, or a number's digits.
func AddressKey(address string) string { return lookup.Parse(address).Key }
