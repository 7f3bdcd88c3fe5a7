package scripting

import (
	"parley/middleware"
	"parley/middleware/bus"
)

// followNeighbours makes the hub tell of those on the local network, and of what
// the account that finds them can do.
func (h *hub) followNeighbours() {
	bus.On(h.client, func(n middleware.BonjourAccountDidAddNeighbour) { h.gotNeighbour(n.Now) })
	bus.On(h.client, func(n middleware.BonjourAccountDidUpdateNeighbour) { h.gotNeighbour(n.Now) })
	bus.On(h.client, func(n middleware.BonjourAccountDidRemoveNeighbour) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if _, known := h.neighbours[n.Neighbour]; known {
			delete(h.neighbours, n.Neighbour)
			h.tellLocked(neighbourLine(n.Neighbour, "REMOVED", ""))
		}
	})
	bus.On(h.client, func(n middleware.BonjourAccountNeighbourKeyDidChange) {
		h.tell(neighbourLine(n.Neighbour, "KEYCHANGED", n.Presented))
	})
	bus.On(h.client, func(n middleware.BonjourAccountDidChange) { h.gotBonjour(n.Now) })
}

func neighbourLine(id, property, value string) string {
	return join("NEIGHBOUR", neighbourWord(id), property, value)
}

// followedOfNeighbours are the properties of a neighbour whose changes are told;
// the first three are told of a new one.
var followedOfNeighbours = []string{
	"TITLE", "STATE", "CALLABLE", "NAME", "HOST", "NOTE", "URI", "TRANSPORT", "TRUST", "KEY", "NAMESAKE", "PROBLEM",
}

// gotNeighbour tells of a neighbour that is new, or what has changed of one.
func (h *hub) gotNeighbour(n middleware.Neighbour) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old, known := h.neighbours[n.ID]
	if known && n.Rev < old.Rev {
		return
	}
	h.neighbours[n.ID] = n
	if !known {
		h.tellLocked(neighbourLine(n.ID, "ADDED", ""))
		for _, name := range followedOfNeighbours[:3] {
			h.tellLocked(neighbourLine(n.ID, name, neighbourProperties[name](n)))
		}
		return
	}
	for _, name := range followedOfNeighbours {
		get := neighbourProperties[name]
		if now := get(n); now != get(old) {
			h.tellLocked(neighbourLine(n.ID, name, now))
		}
	}
}

// gotBonjour tells what has changed of the account without a server.
func (h *hub) gotBonjour(now middleware.BonjourSnapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old := h.bonjour
	if now.Rev < old.Rev {
		return
	}
	h.bonjour = now
	for _, name := range []string{"REASON", "STATE", "NAME", "CONTACT"} {
		get := bonjourProperties[name]
		if is := get(now); is != get(old) {
			h.tellLocked(join("ACCOUNT", middleware.BonjourID, name, is))
		}
	}
	h.connLocked()
}
