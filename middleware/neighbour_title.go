package middleware

import "strings"

// NeighbourTitle returns what people call the neighbour that a target of the form
// [Neighbour.Target] means: its title while it is on the local network, else the
// one remembered with its key. It is empty if neither is known, and for other
// targets.
func (b *BonjourAccount) NeighbourTitle(target string) string {
	id := idOfTarget(target)
	if id == "" {
		return ""
	}
	for _, n := range b.Neighbours() {
		if strings.EqualFold(n.Target, target) {
			return n.Title()
		}
	}
	k, _ := b.hood.keys.Get(id)
	return Neighbour{Name: k.Name, Host: k.Host}.Title()
}
