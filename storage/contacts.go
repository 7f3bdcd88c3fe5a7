package storage

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"parley/storage/lookup"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Contacts is the address book. Its methods may be used from any goroutine and
// wait for the disk; changes are on the disk when they return.
type Contacts struct {
	*database

	mu     sync.Mutex // orders changes, so that index follows the database; held while it is filled
	filled bool       // index holds all contacts
	index  lookup.Index
}

const contactColumns = `contacts.id, uid, contacts.name, given, family, organization, note, ringtone, auto_answer,
	favorite, photo, called, created, updated`

func (c *Contacts) fail(op string, err error) error {
	var ve *ValueError
	for _, known := range []error{ErrNoContact, ErrNoGroup, ErrGroupExists, ErrContactExists} {
		if errors.Is(err, known) {
			return known
		}
	}
	if errors.As(err, &ve) {
		return err
	}
	return c.database.fail("contacts", op, err)
}

// Add stores a contact and returns it as it is now, with its ID; that of p is
// ignored. It returns a *ValueError for what no contact may hold, [ErrNoGroup]
// for an unknown group and [ErrContactExists] for a UID that is taken.
func (c *Contacts) Add(ctx context.Context, p Contact) (Contact, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	added, err := c.add(ctx, []NewContact{{Contact: p}})
	if err != nil {
		return Contact{}, c.fail("add", err)
	}
	return added[0], nil
}

// add stores contacts with their photos, which were checked; all or none of
// them. It is called with mu held.
func (c *Contacts) add(ctx context.Context, list []NewContact) ([]Contact, error) {
	var all []Contact
	err := c.inTx(ctx, func(tx *sql.Tx) error {
		for _, n := range list {
			p, err := n.normalize()
			if err != nil {
				return err
			}
			p.UID = cmp.Or(p.UID, "urn:uuid:"+newUUID())
			p.Created = time.Now().UTC().Truncate(time.Millisecond)
			p.Updated, p.Photo = p.Created, ""
			if p, err = insertContact(ctx, tx, p); err != nil {
				return err
			}
			if len(n.PhotoData) > 0 {
				if p.Photo, err = insertPhoto(ctx, tx, p.ID, n.PhotoData); err != nil {
					return err
				}
			}
			all = append(all, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var moved []Contact
	if slices.ContainsFunc(all, func(p Contact) bool { return p.Favorite > 0 }) {
		moved, err = c.favorites(context.WithoutCancel(ctx)) // their places changed too
	}
	c.put(slices.Concat(all, moved)...)
	return all, err
}

// newUUID returns a random UUID (RFC 9562 version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func insertContact(ctx context.Context, tx *sql.Tx, p Contact) (Contact, error) {
	r, err := tx.ExecContext(ctx, `INSERT INTO contacts
		(uid, name, given, family, organization, note, ringtone, auto_answer, sort, called, created, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		p.UID, p.Name, p.Given, p.Family, p.Organization, p.Note, p.Ringtone, p.AutoAnswer, sortKey(p.Name),
		millis(p.Called), millis(p.Created), millis(p.Updated))
	if isConstraint(err) {
		return p, ErrContactExists
	}
	if err != nil {
		return p, err
	}
	if p.ID, err = r.LastInsertId(); err != nil {
		return p, err
	}
	if err := insertParts(ctx, tx, p); err != nil {
		return p, err
	}
	if p.Favorite > 0 {
		p.Favorite, err = placeFavorite(ctx, tx, p.ID, p.Favorite)
	}
	return p, err
}

// insertParts stores the addresses of p and its place in groups.
func insertParts(ctx context.Context, tx *sql.Tx, p Contact) error {
	for i, a := range p.Addresses {
		parsed := lookup.Parse(a.Address)
		_, err := tx.ExecContext(ctx, `INSERT INTO contact_addresses
			(contact, position, address, label, standard, key, tail) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			p.ID, i, a.Address, a.Label, a.Default, parsed.Key, parsed.Tail())
		if err != nil {
			return err
		}
	}
	for _, g := range slices.Compact(slices.Sorted(slices.Values(p.Groups))) {
		_, err := tx.ExecContext(ctx, "INSERT INTO contact_members (contact_group, contact) VALUES (?, ?)", g, p.ID)
		if isConstraint(err) {
			return ErrNoGroup
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Update replaces the contact with p's ID and returns it as it is now. Photo,
// Created and Called stay as they are. Errors are those of [Contacts.Add], and
// [ErrNoContact].
func (c *Contacts) Update(ctx context.Context, p Contact) (Contact, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.update(ctx, p.ID, func(old *Contact) error {
		p.UID = cmp.Or(p.UID, old.UID)
		p.Photo, p.Created, p.Called = old.Photo, old.Created, old.Called
		*old = p
		return nil
	})
}

// Change updates the contact with that ID by what change does to it, without
// another change in between.
func (c *Contacts) Change(ctx context.Context, id int64, change func(*Contact) error) (Contact, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.update(ctx, id, change)
}

// update is called with mu held.
func (c *Contacts) update(ctx context.Context, id int64, change func(*Contact) error) (Contact, error) {
	old, err := c.get(ctx, id)
	if err != nil {
		return Contact{}, c.fail("update", err)
	}
	p := old
	p.Addresses, p.Groups = slices.Clone(old.Addresses), slices.Clone(old.Groups)
	if err := change(&p); err != nil {
		return Contact{}, err
	}
	if p, err = p.normalize(); err != nil {
		return Contact{}, err
	}
	p.ID, p.Photo = id, old.Photo
	p.Updated = time.Now().UTC().Truncate(time.Millisecond)
	var moved []Contact
	err = c.inTx(ctx, func(tx *sql.Tx) error {
		if err := replaceContact(ctx, tx, p); err != nil {
			return err
		}
		if p.Favorite == old.Favorite {
			return nil
		}
		p.Favorite, err = placeFavorite(ctx, tx, p.ID, p.Favorite)
		return err
	})
	if err == nil && p.Favorite != old.Favorite {
		moved, err = c.favorites(context.WithoutCancel(ctx)) // their places changed too
	}
	if err != nil {
		return Contact{}, c.fail("update", err)
	}
	c.put(append(moved, p)...)
	return p, nil
}

func replaceContact(ctx context.Context, tx *sql.Tx, p Contact) error {
	_, err := tx.ExecContext(ctx, `UPDATE contacts SET
		uid = ?, name = ?, given = ?, family = ?, organization = ?, note = ?, ringtone = ?, auto_answer = ?,
		sort = ?, called = ?, updated = ? WHERE id = ?`,
		p.UID, p.Name, p.Given, p.Family, p.Organization, p.Note, p.Ringtone, p.AutoAnswer,
		sortKey(p.Name), millis(p.Called), millis(p.Updated), p.ID)
	if isConstraint(err) {
		return ErrContactExists
	}
	if err != nil {
		return err
	}
	for _, table := range []string{"contact_addresses", "contact_members"} {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE contact = ?", p.ID); err != nil {
			return err
		}
	}
	return insertParts(ctx, tx, p)
}

// Remove deletes the contacts with these IDs, all or none of them. Those that
// are not there are no error.
func (c *Contacts) Remove(ctx context.Context, ids ...int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.each(ctx, "DELETE FROM contacts WHERE id = ?", ids); err != nil {
		return c.fail("remove", err)
	}
	c.index.Remove(ids...)
	return nil
}

// Spoken notes that the contact was called, or called us, at that time.
func (c *Contacts) Spoken(ctx context.Context, id int64, at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.writer.ExecContext(ctx, "UPDATE contacts SET called = ? WHERE id = ? AND called < ?", millis(at), id, millis(at)); err != nil {
		return c.fail("note call", err)
	}
	p, err := c.get(context.WithoutCancel(ctx), id) // it is written
	if err != nil {
		return c.fail("note call", err)
	}
	c.put(p)
	return nil
}

// put makes changed contacts found as they are now. It is called with mu held.
func (c *Contacts) put(list ...Contact) {
	if !c.filled {
		return
	}
	entries := make([]lookup.Entry, len(list))
	for i, p := range list {
		entries[i] = p.entry()
	}
	c.index.Put(entries...)
}

// isConstraint reports whether err says that a row breaks a rule of its table.
func isConstraint(err error) bool {
	var se *sqlite.Error
	return errors.As(err, &se) && se.Code()&0xff == sqlite3.SQLITE_CONSTRAINT
}

// placeholders returns n question marks for an SQL list.
func placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
