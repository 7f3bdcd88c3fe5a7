package siptest

import (
	"fmt"
	"strings"
)

// Trace lists what was sent, one line each: "a>b INVITE", with "lost" appended
// where the hook dropped it. names maps addresses without port to short names.
func (n *Network) Trace(names map[string]string) []string {
	var out []string
	for _, p := range n.Packets() {
		s := p.Summary()
		if s == "" {
			continue
		}
		line := fmt.Sprintf("%s>%s %s", short(names, p.From.Addr().String()), short(names, p.To.Addr().String()), s)
		if p.Dropped {
			line += " lost"
		}
		out = append(out, line)
	}
	return out
}

// Count tells how many messages with the summary were sent.
func (n *Network) Count(summary string) int {
	count := 0
	for _, p := range n.Packets() {
		if p.Summary() == summary {
			count++
		}
	}
	return count
}

func short(names map[string]string, addr string) string {
	if s, ok := names[addr]; ok {
		return s
	}
	return strings.TrimSpace(addr)
}
