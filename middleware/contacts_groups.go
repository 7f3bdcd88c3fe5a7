package middleware

import (
	"context"
	"slices"
)

// Groups returns all groups by name.
func (c *Contacts) Groups(ctx context.Context) ([]ContactGroup, error) { return c.store.Groups(ctx) }

// Group returns the group with that ID, or [ErrNoGroup].
func (c *Contacts) Group(ctx context.Context, id int64) (ContactGroup, error) {
	return c.store.Group(ctx, id)
}

// AddGroup makes a group. It returns [ErrGroupExists] if there is one whose name
// differs at most in case and accents.
func (c *Contacts) AddGroup(ctx context.Context, name string) (ContactGroup, error) {
	g, err := c.store.AddGroup(ctx, name)
	if err != nil {
		return g, err
	}
	c.bus.Publish(AddressbookGroupWasActivated{Group: g})
	c.bus.Publish(AddressbookDidChange{})
	return g, nil
}

// RenameGroup gives a group another name. Errors are those of
// [Contacts.AddGroup], and [ErrNoGroup].
func (c *Contacts) RenameGroup(ctx context.Context, id int64, name string) error {
	if err := c.store.RenameGroup(ctx, id, name); err != nil {
		return err
	}
	c.tellGroups(ctx, []int64{id})
	return nil
}

// RemoveGroup deletes a group, not the contacts in it.
func (c *Contacts) RemoveGroup(ctx context.Context, id int64) error {
	g, err := c.store.Group(ctx, id)
	if err != nil {
		return err
	}
	if err := c.store.RemoveGroup(ctx, id); err != nil {
		return err
	}
	c.bus.Publish(AddressbookGroupWasDeleted{Group: g})
	c.bus.Publish(AddressbookDidChange{})
	return nil
}

// AddToGroup puts a contact into a group; being there already is no error.
func (c *Contacts) AddToGroup(ctx context.Context, group, contact int64) error {
	_, err := c.Change(ctx, contact, func(p *Contact) error {
		if !slices.Contains(p.Groups, group) {
			p.Groups = append(p.Groups, group)
		}
		return nil
	})
	return err
}

// RemoveFromGroup takes a contact out of a group; not being there is no error.
func (c *Contacts) RemoveFromGroup(ctx context.Context, group, contact int64) error {
	_, err := c.Change(ctx, contact, func(p *Contact) error {
		p.Groups = slices.DeleteFunc(p.Groups, func(id int64) bool { return id == group })
		return nil
	})
	return err
}
