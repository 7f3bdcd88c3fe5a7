package storage

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"parley/storage/lookup"
)

// A NewContact is a contact from elsewhere. Its groups are given by name.
type NewContact struct {
	Contact
	GroupNames []string
	PhotoData  []byte // nil is none
}

// An Import takes in contacts from elsewhere. It remembers who is there, so it
// is for one file. It is not safe for concurrent use.
type Import struct {
	c      *Contacts
	groups map[string]int64 // by sort key
	uids   map[string]int64
	known  map[string][]int64 // contacts by sort key of their name
}

// A Taken says what became of an imported contact.
type Taken uint8

// What becomes of imported contacts.
const (
	TakenNew    Taken = iota // it was added
	TakenMerged              // it was there; what it did not know was added
	TakenSame                // it was there, as it is
)

// Import begins to take in contacts.
func (c *Contacts) Import(ctx context.Context) (*Import, error) {
	i := &Import{c: c, groups: map[string]int64{}, uids: map[string]int64{}, known: map[string][]int64{}}
	groups, err := c.Groups(ctx)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		i.groups[sortKey(g.Name)] = g.ID
	}
	err = scanAll(ctx, c.reader, "SELECT id, uid, sort FROM contacts", nil, func(rows *sql.Rows) error {
		var id int64
		var uid, sort string
		err := rows.Scan(&id, &uid, &sort)
		i.remember(id, uid, sort)
		return err
	})
	return i, c.fail("begin import", err)
}

func (i *Import) remember(id int64, uid, sort string) {
	i.uids[uid] = id
	if !slices.Contains(i.known[sort], id) {
		i.known[sort] = append(i.known[sort], id)
	}
}

// A TakeResult says what became of one imported contact.
type TakeResult struct {
	Contact Contact
	Taken   Taken
	Err     error // why it was not taken, or taken without its photo: then Contact.ID is set
}

// Take adds contacts, or merges them into those that they are duplicates of:
// that with the UID, or with the name and one of the addresses. Merging adds
// addresses and groups, fills what is empty, and changes nothing else. Groups
// are made as needed. There is a result for each contact, with a *ValueError for
// one that cannot be taken.
//
// New contacts are written together, so that hundreds at once take little longer
// than one; but then nothing else is written meanwhile.
func (i *Import) Take(ctx context.Context, list []NewContact) []TakeResult {
	results := make([]TakeResult, len(list))
	var fresh []NewContact // not written yet
	var at []int           // their places in list
	flush := func() {
		i.add(ctx, fresh, at, results)
		fresh, at = nil, nil
	}
	waiting := map[string]bool{} // UIDs and names of fresh ones
	for k, n := range list {
		n, err := i.prepare(ctx, n, &results[k])
		if err != nil {
			results[k].Err = err
			continue
		}
		uid, name := "uid "+n.UID, "name "+sortKey(n.Name)
		if waiting[name] || n.UID != "" && waiting[uid] {
			flush()
			clear(waiting)
		}
		old, err := i.duplicate(ctx, n.Contact)
		switch {
		case errors.Is(err, ErrNoContact):
			fresh, at = append(fresh, n), append(at, k)
			waiting[uid], waiting[name] = true, true
		case err != nil:
			results[k].Err = err
		default:
			i.merge(ctx, old, n, &results[k])
		}
	}
	flush()
	return results
}

// prepare checks a contact and finds its groups. A photo that cannot be taken is
// left out and named in the result.
func (i *Import) prepare(ctx context.Context, n NewContact, result *TakeResult) (NewContact, error) {
	p, err := n.normalize()
	if err != nil {
		return n, err
	}
	n.Contact = p
	if _, err := PhotoType(n.PhotoData); err != nil {
		n.PhotoData, result.Err = nil, err
	}
	n.Groups, err = i.groupIDs(ctx, n.GroupNames)
	return n, err
}

// add writes new contacts.
func (i *Import) add(ctx context.Context, fresh []NewContact, at []int, results []TakeResult) {
	if len(fresh) == 0 {
		return
	}
	i.c.mu.Lock()
	added, err := i.c.add(ctx, fresh)
	i.c.mu.Unlock()
	for j, k := range at {
		if err != nil {
			results[k].Err = i.c.fail("import", err)
			continue
		}
		p := added[j]
		results[k].Contact = p
		i.remember(p.ID, p.UID, sortKey(p.Name))
	}
}

// groupIDs finds groups by name and makes those that are missing.
func (i *Import) groupIDs(ctx context.Context, names []string) ([]int64, error) {
	distinct := map[string]bool{}
	for _, name := range names {
		if distinct[sortKey(name)] = true; len(distinct) > MaxContactGroups {
			return nil, tooManyGroups(len(names))
		}
	}
	var ids []int64
	for _, name := range names {
		if strings.TrimSpace(name) == "" {
			continue
		}
		id, ok := i.groups[sortKey(name)]
		if !ok {
			g, err := i.c.AddGroup(ctx, name)
			if err != nil {
				return nil, err
			}
			id = g.ID
			i.groups[sortKey(name)] = id
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// duplicate returns the contact that p is, or ErrNoContact.
func (i *Import) duplicate(ctx context.Context, p Contact) (Contact, error) {
	if id, ok := i.uids[p.UID]; ok && p.UID != "" {
		return i.c.Get(ctx, id)
	}
	ids := i.known[sortKey(p.Name)]
	const most = 100 // of one name; a file full of "Unknown" must not take for ever
	list, err := i.c.byIDs(ctx, ids[max(0, len(ids)-most):])
	if err != nil {
		return Contact{}, i.c.fail("look for duplicates", err)
	}
	for _, old := range list {
		if sameContact(old, p) {
			return old, nil
		}
	}
	return Contact{}, ErrNoContact
}

// sameContact reports whether two contacts of one name are the same.
func sameContact(a, b Contact) bool {
	if len(a.Addresses) == 0 || len(b.Addresses) == 0 {
		return lookup.Fold(a.Organization) == lookup.Fold(b.Organization) || a.Organization == "" || b.Organization == ""
	}
	return slices.ContainsFunc(a.Addresses, func(x ContactAddress) bool { return hasAddress(b, x) })
}

func hasAddress(p Contact, a ContactAddress) bool {
	want := lookup.Parse(a.Address)
	return slices.ContainsFunc(p.Addresses, func(x ContactAddress) bool {
		got := lookup.Parse(x.Address)
		return got.Key == want.Key || got.Number != "" && lookup.Match(got, want) > 0
	})
}

// merge adds to old what n knows and it does not.
func (i *Import) merge(ctx context.Context, old Contact, n NewContact, result *TakeResult) {
	result.Contact, result.Taken = old, TakenSame
	now, err := i.c.Change(ctx, old.ID, func(now *Contact) error {
		if !complete(now, n.Contact) {
			return errUnchanged
		}
		return nil
	})
	switch {
	case err == nil:
		result.Contact, result.Taken = now, TakenMerged
	case !errors.Is(err, errUnchanged):
		result.Err = err
		return
	}
	if len(n.PhotoData) > 0 && old.Photo == "" {
		if err := i.c.SetPhoto(ctx, old.ID, n.PhotoData); err != nil {
			result.Err = err
			return
		}
		result.Taken = TakenMerged
	}
}

var errUnchanged = errors.New("nothing new")

// complete adds to now what p knows and it does not, and reports whether there
// was anything.
func complete(now *Contact, p Contact) (changed bool) {
	for _, f := range []struct{ is, new *string }{
		{&now.Given, &p.Given},
		{&now.Family, &p.Family},
		{&now.Organization, &p.Organization},
		{&now.Note, &p.Note},
		{&now.Ringtone, &p.Ringtone},
	} {
		changed = changed || *f.is == "" && *f.new != ""
		*f.is = cmp.Or(*f.is, *f.new)
	}
	for _, a := range p.Addresses {
		if !hasAddress(*now, a) {
			a.Default = false
			now.Addresses, changed = append(now.Addresses, a), true
		}
	}
	for _, g := range p.Groups {
		if !slices.Contains(now.Groups, g) {
			now.Groups, changed = append(now.Groups, g), true
		}
	}
	return changed
}
