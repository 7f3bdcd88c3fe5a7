package storage

import (
	"context"
	"database/sql"
	"slices"

	"parley/storage/lookup"
)

// Get returns the contact with that ID, or [ErrNoContact].
func (c *Contacts) Get(ctx context.Context, id int64) (Contact, error) {
	p, err := c.get(ctx, id)
	return p, c.fail("read", err)
}

func (c *Contacts) get(ctx context.Context, id int64) (Contact, error) {
	list, err := c.byIDs(ctx, []int64{id})
	if err != nil {
		return Contact{}, err
	}
	if len(list) == 0 {
		return Contact{}, ErrNoContact
	}
	return list[0], nil
}

// ByUID returns the contact with that UID, or [ErrNoContact].
func (c *Contacts) ByUID(ctx context.Context, uid string) (Contact, error) {
	list, err := c.many(ctx, "SELECT "+contactColumns+" FROM contacts WHERE uid = ?", uid)
	if err == nil && len(list) == 0 {
		err = ErrNoContact
	}
	if err != nil {
		return Contact{}, c.fail("read", err)
	}
	return list[0], nil
}

// Count returns how many contacts there are.
func (c *Contacts) Count(ctx context.Context) (int, error) {
	var n int
	err := c.reader.QueryRowContext(ctx, "SELECT count(*) FROM contacts").Scan(&n)
	return n, c.fail("count", err)
}

// List returns a page of contacts, by name or, for favorites, in their own
// order. For the next page set q.After to the last one's [Contact.Cursor]; an
// empty page is the end.
func (c *Contacts) List(ctx context.Context, q ContactQuery) ([]Contact, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = DefaultPage
	}
	limit = min(limit, MaxPage)
	var list []Contact
	var err error
	switch {
	case q.Favorites:
		list, err = c.favorites(ctx)
		if q.Group != 0 {
			list = slices.DeleteFunc(list, func(p Contact) bool { return !slices.Contains(p.Groups, q.Group) })
		}
		list = list[:min(len(list), limit)]
	case q.Group != 0:
		var query string
		if query, err = c.groupQuery(ctx, q.Group); err == nil {
			list, err = c.many(ctx, query, q.Group, q.After.Sort, q.After.ID, limit)
		}
	default:
		list, err = c.many(ctx, "SELECT "+contactColumns+` FROM contacts
			WHERE (sort, contacts.id) > (?, ?) ORDER BY sort, contacts.id LIMIT ?`, q.After.Sort, q.After.ID, limit)
	}
	return list, c.fail("list", err)
}

// bigGroup is how many members make it cheaper to go through the contacts by name
// until a page is full than to sort all members for each page.
const bigGroup = 10_000

// groupQuery returns the statement that reads a page of a group.
func (c *Contacts) groupQuery(ctx context.Context, group int64) (string, error) {
	var size int
	err := c.reader.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM contact_members WHERE contact_group = ? LIMIT ?)", group, bigGroup).Scan(&size)
	member := "contacts.id IN (SELECT contact FROM contact_members WHERE contact_group = ?)"
	if size == bigGroup {
		member = "EXISTS (SELECT 1 FROM contact_members WHERE contact_group = ? AND contact = contacts.id)"
	}
	return "SELECT " + contactColumns + " FROM contacts WHERE " + member +
		" AND (sort, contacts.id) > (?, ?) ORDER BY sort, contacts.id LIMIT ?", err
}

// Search returns the contacts that fit what was typed, best first, at most limit
// of them; see [lookup.Index.Search]. The first search reads all contacts, which
// takes a second for 100,000 of them; see [Contacts.Warm].
func (c *Contacts) Search(ctx context.Context, text string, limit int) ([]Contact, error) {
	if err := c.Warm(ctx); err != nil {
		return nil, err
	}
	var ids []int64
	for _, h := range c.index.Search(text, min(limit, MaxPage)) {
		ids = append(ids, h.ID)
	}
	list, err := c.byIDs(ctx, ids)
	return list, c.fail("search", err)
}

// Warm makes later searches fast.
func (c *Contacts) Warm(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.filled {
		return nil
	}
	var entries []lookup.Entry
	after := int64(0)
	for {
		list, err := c.many(ctx, "SELECT "+contactColumns+" FROM contacts WHERE contacts.id > ? ORDER BY contacts.id LIMIT ?", after, MaxPage)
		if err != nil {
			return c.fail("read all", err)
		}
		if len(list) == 0 {
			break
		}
		for _, p := range list {
			entries = append(entries, p.entry())
		}
		after = list[len(list)-1].ID
	}
	c.index.Put(entries...)
	c.filled = true
	return nil
}

// Find returns the contact that an address or number belongs to, the best match
// if there are several, or [ErrNoContact]. A number is found with its country
// and area code and without.
func (c *Contacts) Find(ctx context.Context, address string) (Contact, error) {
	want := lookup.Parse(address)
	if want.Key == "" {
		return Contact{}, ErrNoContact
	}
	rows, err := c.reader.QueryContext(ctx, `
		SELECT contact, address FROM contact_addresses WHERE key IN (?, ?)
		UNION ALL SELECT contact, address FROM contact_addresses WHERE tail = ? AND tail <> ''
		LIMIT 1000`, want.Key, want.User, want.Tail())
	if err != nil {
		return Contact{}, c.fail("find", err)
	}
	defer rows.Close()
	best, found := 0, int64(0)
	for rows.Next() {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return Contact{}, c.fail("find", err)
		}
		if m := lookup.Match(want, lookup.Parse(text)); m > best || m == best && m > 0 && id < found {
			best, found = m, id
		}
	}
	if err := rows.Err(); err != nil {
		return Contact{}, c.fail("find", err)
	}
	if best == 0 {
		return Contact{}, ErrNoContact
	}
	return c.Get(ctx, found)
}

// byIDs returns the contacts with these IDs, in that order; those that are not
// there are left out.
func (c *Contacts) byIDs(ctx context.Context, ids []int64) ([]Contact, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args := make([]any, len(ids))
	order := make(map[int64]int, len(ids))
	for i, id := range ids {
		args[i], order[id] = id, i
	}
	list, err := c.many(ctx, "SELECT "+contactColumns+" FROM contacts WHERE contacts.id IN ("+placeholders(len(ids))+")", args...)
	slices.SortFunc(list, func(a, b Contact) int { return order[a.ID] - order[b.ID] })
	return list, err
}

// many reads contacts with all that belongs to them.
func (c *Contacts) many(ctx context.Context, query string, args ...any) ([]Contact, error) {
	var list []Contact
	err := scanAll(ctx, c.reader, query, args, func(rows *sql.Rows) error {
		var p Contact
		var called, created, updated int64
		err := rows.Scan(&p.ID, &p.UID, &p.Name, &p.Given, &p.Family, &p.Organization, &p.Note, &p.Ringtone, &p.AutoAnswer,
			&p.Favorite, &p.Photo, &called, &created, &updated)
		p.Called, p.Created, p.Updated = fromMillis(called), fromMillis(created), fromMillis(updated)
		list = append(list, p)
		return err
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	at := make(map[int64]*Contact, len(list))
	ids := make([]any, len(list))
	for i := range list {
		at[list[i].ID], ids[i] = &list[i], list[i].ID
	}
	in := placeholders(len(ids))
	err = scanAll(ctx, c.reader, "SELECT contact, address, label, standard FROM contact_addresses WHERE contact IN ("+in+") ORDER BY contact, position",
		ids, func(rows *sql.Rows) error {
			var id int64
			var a ContactAddress
			err := rows.Scan(&id, &a.Address, &a.Label, &a.Default)
			at[id].Addresses = append(at[id].Addresses, a)
			return err
		})
	if err != nil {
		return nil, err
	}
	err = scanAll(ctx, c.reader, "SELECT contact, contact_group FROM contact_members WHERE contact IN ("+in+") ORDER BY contact, contact_group",
		ids, func(rows *sql.Rows) error {
			var id, group int64
			err := rows.Scan(&id, &group)
			at[id].Groups = append(at[id].Groups, group)
			return err
		})
	return list, err
}

// scanAll calls scan for every row of a query.
func scanAll(ctx context.Context, db *sql.DB, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
