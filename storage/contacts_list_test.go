package storage

import (
	"database/sql"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A page of a group with many members is read without sorting all of them.
func TestListOfABigGroup(t *testing.T) {
	c := newContacts(t)
	group, err := c.AddGroup(t.Context(), "Everybody")
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`WITH RECURSIVE numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers LIMIT ?)
			INSERT INTO contacts (uid, name, sort, created, updated)
			SELECT i, printf('Contact %05d', i * 7 % 10000), printf('contact %05d', i * 7 % 10000), 0, 0 FROM numbers`,
		"INSERT INTO contact_members (contact_group, contact) SELECT 1, id FROM contacts WHERE name <> 'Contact 05000' LIMIT ?",
	} {
		if _, err := c.writer.ExecContext(t.Context(), statement, bigGroup); err != nil {
			t.Fatal(err)
		}
	}
	sorts := func() (sorts bool) {
		t.Helper()
		query, err := c.groupQuery(t.Context(), group.ID)
		if err != nil {
			t.Fatal(err)
		}
		err = scanAll(t.Context(), c.reader, "EXPLAIN QUERY PLAN "+query, []any{group.ID, "", 0, 10}, func(rows *sql.Rows) error {
			var id, parent, unused int
			var step string
			err := rows.Scan(&id, &parent, &unused, &step)
			sorts = sorts || strings.Contains(step, "TEMP B-TREE")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return sorts
	}
	page := func() []string {
		t.Helper()
		list, err := c.List(t.Context(), ContactQuery{Group: group.ID, Limit: 3, After: Contact{Name: "Contact 04998", ID: math.MaxInt64}.Cursor()})
		if err != nil {
			t.Fatal(err)
		}
		return contactNames(list)
	}
	without := page()
	if !sorts() {
		t.Error("a group that is smaller is not read by its members")
	}
	if _, err := c.writer.ExecContext(t.Context(), "INSERT OR IGNORE INTO contact_members (contact_group, contact) SELECT ?, id FROM contacts", group.ID); err != nil {
		t.Fatal(err)
	}
	if sorts() {
		t.Error("all members are sorted for a page")
	}
	if diff := cmp.Diff([][]string{
		{"Contact 04999", "Contact 05001", "Contact 05002"}, {"Contact 04999", "Contact 05000", "Contact 05001"},
	}, [][]string{without, page()}); diff != "" {
		t.Errorf("a page before and after the group grew (-want +got):\n%s", diff)
	}
}

// Who is made a favorite at once moves the others, in searches too.
func TestFoundInTheOrderOfFavorites(t *testing.T) {
	c := newContacts(t)
	first := addContact(t, c, Contact{Name: "Bob 1", Favorite: 1})
	if err := c.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	addContact(t, c, Contact{Name: "Bob 2", Favorite: 1})
	addContact(t, c, Contact{Name: "Bob 3", Favorite: 2})
	found := func() []string {
		t.Helper()
		list, err := c.Search(t.Context(), "bob", 10)
		if err != nil {
			t.Fatal(err)
		}
		return contactNames(list)
	}
	if diff := cmp.Diff([]string{"Bob 2", "Bob 3", "Bob 1"}, found()); diff != "" {
		t.Errorf("after Add (-want +got):\n%s", diff)
	}
	if p, err := c.Get(t.Context(), first.ID); err != nil || p.Favorite != 3 {
		t.Errorf("the first has place %d, %v, want 3", p.Favorite, err)
	}
}
