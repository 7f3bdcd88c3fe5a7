package middleware

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"parley/middleware/bus"
	"parley/sip"
	"parley/storage"
)

// findTime bounds how long a call waits for the contact it belongs to.
const findTime = 200 * time.Millisecond

// Contacts is the address book. Its methods may be used from any goroutine.
// They wait for the disk, a few milliseconds at most unless they say otherwise;
// ctx bounds that. Changes are on the disk when they return, and before the
// notifications that tell of them are posted.
type Contacts struct {
	log     *slog.Logger
	bus     *bus.Bus
	store   *storage.Contacts
	history *storage.History

	stop    context.CancelFunc // of what runs beside; nil before start
	running sync.WaitGroup
}

func newContacts(log *slog.Logger, b *bus.Bus, p *storage.Profile) *Contacts {
	return &Contacts{log: log, bus: b, store: p.Contacts(), history: p.History()}
}

// Contacts returns the application's address book.
func (app *SIPApplication) Contacts() *Contacts { return app.contacts }

// start reads the contacts, so that the first search is as fast as the others.
func (c *Contacts) start() {
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	c.running.Go(func() {
		if err := c.store.Warm(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("Contacts could not be read", "err", err)
		}
	})
}

// close waits for what start began; it does nothing before start.
func (c *Contacts) close() {
	if c.stop != nil {
		c.stop()
	}
	c.running.Wait()
}

// cleaned takes out of a contact's texts what must not be shown, and keeps the
// rest as it is.
func cleaned(p Contact) Contact {
	for _, s := range []*string{&p.Name, &p.Given, &p.Family, &p.Organization} {
		*s = sip.CleanText(*s, storage.MaxContactText)
	}
	p.Addresses = slices.Clone(p.Addresses)
	for i := range p.Addresses {
		a := &p.Addresses[i]
		a.Label = sip.CleanText(a.Label, storage.MaxContactText)
	}
	return p
}

// Add stores a contact and returns it as it is now. It returns a
// *storage.ValueError for what no contact may hold, [ErrNoGroup] for an unknown
// group and [ErrContactExists] for a UID that is taken.
func (c *Contacts) Add(ctx context.Context, p Contact) (Contact, error) {
	p, err := c.store.Add(ctx, cleaned(p))
	if err != nil {
		return p, err
	}
	c.bus.Publish(AddressbookContactWasActivated{AboutContact{Contact: p.ID, Now: p}})
	c.tellGroups(ctx, p.Groups)
	return p, nil
}

// Update replaces the contact with p's ID and returns it as it is now. The photo
// stays. Errors are those of [Contacts.Add], and [ErrNoContact].
func (c *Contacts) Update(ctx context.Context, p Contact) (Contact, error) {
	return c.Change(ctx, p.ID, func(now *Contact) error {
		p.Photo, p.Created, p.Called = now.Photo, now.Created, now.Called
		if p.UID == "" {
			p.UID = now.UID
		}
		*now = p
		return nil
	})
}

// Change updates a contact by what change does to it; another change cannot come
// in between. change must not use the contacts. Its error is returned, and then
// nothing has changed.
func (c *Contacts) Change(ctx context.Context, id int64, change func(*Contact) error) (Contact, error) {
	var before []int64
	p, err := c.store.Change(ctx, id, func(p *Contact) error {
		before = slices.Clone(p.Groups)
		if err := change(p); err != nil {
			return err
		}
		*p = cleaned(*p)
		return nil
	})
	if err != nil {
		return p, err
	}
	c.bus.Publish(AddressbookContactDidChange{AboutContact{Contact: id, Now: p}})
	c.tellGroups(ctx, differing(before, p.Groups))
	return p, nil
}

// differing returns what is in one list and not in the other.
func differing(a, b []int64) []int64 {
	var out []int64
	for _, lists := range [][2][]int64{{a, b}, {b, a}} {
		for _, id := range lists[0] {
			if !slices.Contains(lists[1], id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// Remove deletes contacts, all or none of them. IDs that are not there are no
// error.
func (c *Contacts) Remove(ctx context.Context, ids ...int64) error {
	var gone []Contact
	var groups []int64
	for _, id := range ids {
		if p, err := c.store.Get(ctx, id); err == nil {
			gone = append(gone, p)
			groups = append(groups, p.Groups...)
		}
	}
	if err := c.store.Remove(ctx, ids...); err != nil {
		return err
	}
	for _, p := range gone {
		c.bus.Publish(AddressbookContactWasDeleted{AboutContact{Contact: p.ID, Now: p}})
	}
	slices.Sort(groups)
	c.tellGroups(ctx, slices.Compact(groups))
	return nil
}

// tellGroups tells that the members of groups have changed, and that the address
// book has.
func (c *Contacts) tellGroups(ctx context.Context, ids []int64) {
	for _, id := range ids {
		if g, err := c.store.Group(ctx, id); err == nil {
			c.bus.Publish(AddressbookGroupDidChange{Group: g})
		}
	}
	c.bus.Publish(AddressbookDidChange{})
}

// Get returns the contact with that ID, or [ErrNoContact].
func (c *Contacts) Get(ctx context.Context, id int64) (Contact, error) { return c.store.Get(ctx, id) }

// ByUID returns the contact with that UID, or [ErrNoContact].
func (c *Contacts) ByUID(ctx context.Context, uid string) (Contact, error) {
	return c.store.ByUID(ctx, uid)
}

// List returns a page of contacts by name, or of favorites in their order. For
// the next page set q.After to the last one's Cursor; an empty page is the end.
func (c *Contacts) List(ctx context.Context, q ContactQuery) ([]Contact, error) {
	return c.store.List(ctx, q)
}

// Count returns how many contacts there are.
func (c *Contacts) Count(ctx context.Context) (int, error) { return c.store.Count(ctx) }

// Search returns the contacts that fit what was typed, best first, at most limit
// of them: those whose name, organization or address has words that begin so,
// then those that hold the text anywhere; favorites and those spoken to last
// come first. A number is found however it was written. It takes a few
// milliseconds; only right after the start it waits until all contacts are read.
func (c *Contacts) Search(ctx context.Context, text string, limit int) ([]Contact, error) {
	return c.store.Search(ctx, text, limit)
}

// Find returns the contact that an address, URI or number belongs to, or
// [ErrNoContact]. A number is found with its country and area code and without.
func (c *Contacts) Find(ctx context.Context, address string) (Contact, error) {
	return c.store.Find(ctx, address)
}

// Photo returns the contact's photo, a PNG or JPEG file, or nil if it has none.
func (c *Contacts) Photo(ctx context.Context, id int64) ([]byte, error) {
	return c.store.Photo(ctx, id)
}

// SetPhoto gives the contact a photo, or takes it away if data is empty. It
// returns a *storage.ValueError if data is no PNG or JPEG file of at most
// [storage.MaxPhoto] bytes and [storage.MaxPhotoSize] pixels across.
func (c *Contacts) SetPhoto(ctx context.Context, id int64, data []byte) error {
	if err := c.store.SetPhoto(ctx, id, data); err != nil {
		return err
	}
	if p, err := c.store.Get(ctx, id); err == nil {
		c.bus.Publish(AddressbookContactDidChange{AboutContact{Contact: id, Now: p}})
	}
	c.bus.Publish(AddressbookDidChange{})
	return nil
}

// OrderFavorites makes these contacts the favorites, in this order, and no
// others. It returns [ErrNoContact] if one of them does not exist.
func (c *Contacts) OrderFavorites(ctx context.Context, ids []int64) error {
	if err := c.store.OrderFavorites(ctx, ids); err != nil {
		return err
	}
	c.bus.Publish(AddressbookDidChange{})
	return nil
}

// peer adds to the other side of a call what its contact knows. It blocks for
// the disk, findTime at most; where that is too short the contact is unknown.
func (c *Contacts) peer(p Peer) Peer {
	ctx, cancel := context.WithTimeout(context.Background(), findTime)
	defer cancel()
	found, err := c.store.Find(ctx, p.URI)
	if err != nil {
		return p
	}
	p.Contact, p.Name, p.Ringtone = found.ID, found.Name, found.Ringtone
	return p
}

// known adds to p what its contact knows. The Echo Test knows nobody.
func (m *SessionManager) known(p Peer) Peer {
	if m.app == nil {
		return p
	}
	return m.app.contacts.peer(p)
}

// caller tells whether one of the addresses is a contact's, and whether that
// one's calls may be answered without asking.
func (c *Contacts) caller(uris []sip.URI) (known, autoAnswer bool) {
	ctx, cancel := context.WithTimeout(context.Background(), findTime)
	defer cancel()
	for _, u := range uris {
		if p, err := c.store.Find(ctx, u.String()); err == nil {
			known, autoAnswer = true, autoAnswer || p.AutoAnswer
		}
	}
	return known, autoAnswer
}
