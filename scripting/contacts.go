package scripting

import (
	"strconv"

	"parley/middleware"
	"parley/middleware/bus"
)

// followContacts makes the hub tell of contacts and groups.
func (h *hub) followContacts() {
	bus.On(h.client, func(n middleware.AddressbookContactWasActivated) { h.gotContact(n.AboutContact, "3") })
	bus.On(h.client, func(n middleware.AddressbookContactDidChange) { h.gotContact(n.AboutContact, "") })
	bus.On(h.client, func(n middleware.AddressbookContactWasDeleted) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.tellLocked(join("DELETED CONTACT", strconv.FormatInt(n.Contact, 10)))
		if handle := userHandle(n.Now); handle != "" {
			h.tellLocked(join("USER", handle, "BUDDYSTATUS 1"))
		}
	})
	bus.On(h.client, func(n middleware.AddressbookGroupWasActivated) {
		h.mu.Lock()
		defer h.mu.Unlock()
		id := strconv.FormatInt(n.Group.ID, 10)
		h.tellLocked(join("GROUP", id, "TYPE CUSTOM_GROUP"))
		h.tellLocked(join("GROUP", id, "CUSTOM_GROUP_ID", id))
		h.tellGroupLocked(n.Group)
	})
	bus.On(h.client, func(n middleware.AddressbookGroupDidChange) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.tellGroupLocked(n.Group)
	})
	bus.On(h.client, func(n middleware.AddressbookGroupWasDeleted) {
		h.tell(join("DELETED GROUP", strconv.FormatInt(n.Group.ID, 10)))
	})
	bus.On(h.client, func(middleware.AddressbookDidChange) { h.tell("CONTACTS CHANGED") })
}

func (h *hub) tellGroupLocked(g middleware.ContactGroup) {
	id := strconv.FormatInt(g.ID, 10)
	h.tellLocked(join("GROUP", id, "DISPLAYNAME", g.Name))
	h.tellLocked(join("GROUP", id, "NROFUSERS", number(g.Size)))
}

// gotContact tells of a contact as it is now; buddy is its new BUDDYSTATUS, if
// that has changed.
func (h *hub) gotContact(a middleware.AboutContact, buddy string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := strconv.FormatInt(a.Contact, 10)
	h.tellLocked(join("CONTACT", id, "NAME", a.Now.Name))
	h.tellLocked(join("CONTACT", id, "ADDRESSES", contactProperties["ADDRESSES"].get(a.Now)))
	handle := userHandle(a.Now)
	if handle == "" {
		return
	}
	h.tellLocked(join("USER", handle, "DISPLAYNAME", a.Now.Name))
	if buddy != "" {
		h.tellLocked(join("USER", handle, "BUDDYSTATUS", buddy))
	}
}
