package storage

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// favorites returns the favorites in their order.
func (c *Contacts) favorites(ctx context.Context) ([]Contact, error) {
	return c.many(ctx, "SELECT "+contactColumns+" FROM contacts WHERE favorite > 0 ORDER BY favorite, contacts.id LIMIT ?", MaxPage)
}

// placeFavorite gives a contact that place among the favorites, or takes it out
// for 0, and numbers the others. It returns the place that the contact has.
func placeFavorite(ctx context.Context, tx *sql.Tx, id int64, place int) (int, error) {
	var order []int64
	err := scanTx(ctx, tx, "SELECT id FROM contacts WHERE favorite > 0 AND id <> ? ORDER BY favorite, id", []any{id}, &order)
	if err != nil {
		return 0, err
	}
	if place > 0 {
		if len(order) >= MaxPage {
			return 0, &ValueError{Key: "favorite", Value: fmt.Sprint(place), Want: fmt.Sprintf("one of at most %d favorites", MaxPage)}
		}
		place = min(place, len(order)+1)
		order = slices.Insert(order, place-1, id)
	} else if _, err := tx.ExecContext(ctx, "UPDATE contacts SET favorite = 0 WHERE id = ?", id); err != nil {
		return 0, err
	}
	return place, numberFavorites(ctx, tx, order)
}

func numberFavorites(ctx context.Context, tx *sql.Tx, order []int64) error {
	for i, id := range order {
		if _, err := tx.ExecContext(ctx, "UPDATE contacts SET favorite = ? WHERE id = ? AND favorite <> ?", i+1, id, i+1); err != nil {
			return err
		}
	}
	return nil
}

// scanTx reads a column of IDs.
func scanTx(ctx context.Context, tx *sql.Tx, query string, args []any, ids *[]int64) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		*ids = append(*ids, id)
	}
	return rows.Err()
}

// Groups returns all groups by name.
func (c *Contacts) Groups(ctx context.Context) ([]Group, error) {
	var list []Group
	err := scanAll(ctx, c.reader, `SELECT id, name, (SELECT count(*) FROM contact_members WHERE contact_group = contact_groups.id)
		FROM contact_groups ORDER BY sort`, nil, func(rows *sql.Rows) error {
		var g Group
		err := rows.Scan(&g.ID, &g.Name, &g.Size)
		list = append(list, g)
		return err
	})
	return list, c.fail("list groups", err)
}

// Group returns the group with that ID, or [ErrNoGroup].
func (c *Contacts) Group(ctx context.Context, id int64) (Group, error) {
	list, err := c.Groups(ctx)
	if err != nil {
		return Group{}, err
	}
	if i := slices.IndexFunc(list, func(g Group) bool { return g.ID == id }); i >= 0 {
		return list[i], nil
	}
	return Group{}, ErrNoGroup
}

// AddGroup makes a group. It returns [ErrGroupExists] if there is one whose name
// differs at most in case and accents.
func (c *Contacts) AddGroup(ctx context.Context, name string) (Group, error) {
	if err := checkGroup(&name); err != nil {
		return Group{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	g := Group{Name: name}
	err := c.inTx(ctx, func(tx *sql.Tx) (err error) {
		g.ID, err = insertGroup(ctx, tx, name)
		return err
	})
	return g, c.fail("add group", err)
}

func insertGroup(ctx context.Context, tx *sql.Tx, name string) (int64, error) {
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM contact_groups").Scan(&n); err != nil {
		return 0, err
	}
	if n >= maxGroups {
		return 0, &ValueError{Key: "group", Value: name, Want: fmt.Sprintf("one of at most %d groups", maxGroups)}
	}
	r, err := tx.ExecContext(ctx, "INSERT INTO contact_groups (name, sort) VALUES (?, ?)", name, sortKey(name))
	if isConstraint(err) {
		return 0, ErrGroupExists
	}
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

func checkGroup(name *string) error {
	if err := checkText("group", name); err != nil {
		return err
	}
	if *name == "" {
		return &ValueError{Key: "group", Want: "not empty"}
	}
	return nil
}

// RenameGroup gives a group another name; errors are those of
// [Contacts.AddGroup], and [ErrNoGroup].
func (c *Contacts) RenameGroup(ctx context.Context, id int64, name string) error {
	if err := checkGroup(&name); err != nil {
		return err
	}
	r, err := c.writer.ExecContext(ctx, "UPDATE contact_groups SET name = ?, sort = ? WHERE id = ?", name, sortKey(name), id)
	if isConstraint(err) {
		err = ErrGroupExists
	}
	return c.fail("rename group", oneRow(r, err, ErrNoGroup))
}

// RemoveGroup deletes a group, not the contacts in it.
func (c *Contacts) RemoveGroup(ctx context.Context, id int64) error {
	r, err := c.writer.ExecContext(ctx, "DELETE FROM contact_groups WHERE id = ?", id)
	return c.fail("remove group", oneRow(r, err, ErrNoGroup))
}

// oneRow returns err, or none if no row was changed.
func oneRow(r sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return none
	}
	return nil
}

// OrderFavorites makes these contacts the favorites, in this order, and no
// others. It returns [ErrNoContact] if one of them does not exist.
func (c *Contacts) OrderFavorites(ctx context.Context, ids []int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(ids) > MaxPage {
		return &ValueError{Key: "favorites", Value: fmt.Sprint(len(ids)), Want: fmt.Sprintf("at most %d", MaxPage)}
	}
	old, err := c.favorites(ctx)
	if err != nil {
		return c.fail("order favorites", err)
	}
	err = c.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE contacts SET favorite = 0 WHERE favorite > 0"); err != nil {
			return err
		}
		for i, id := range ids {
			r, err := tx.ExecContext(ctx, "UPDATE contacts SET favorite = ? WHERE id = ? AND favorite = 0", i+1, id)
			if err := oneRow(r, err, ErrNoContact); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return c.fail("order favorites", err)
	}
	changed := slices.Clone(ids)
	for _, p := range old {
		changed = append(changed, p.ID)
	}
	list, err := c.byIDs(context.WithoutCancel(ctx), slices.Compact(slices.Sorted(slices.Values(changed))))
	c.put(list...)
	return c.fail("order favorites", err)
}
