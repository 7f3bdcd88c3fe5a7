package bonjour

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// is reports whether two links are the same interface.
func (l Link) is(o Link) bool { return l.Index == o.Index && l.Name == o.Name }

// families tells whether the link has addresses of IPv4 and of IPv6.
func (l Link) families() [2]bool {
	return [2]bool{
		slices.ContainsFunc(l.Addrs, func(p netip.Prefix) bool { return p.Addr().Is4() }),
		slices.ContainsFunc(l.Addrs, func(p netip.Prefix) bool { return p.Addr().Is6() }),
	}
}

// networks returns the networks of a family that the link is in, but for that of the
// link-local addresses of IPv6, which is the same everywhere.
func (l Link) networks(v6 bool) []netip.Prefix {
	var list []netip.Prefix
	for _, p := range l.Addrs {
		if p.Addr().Is6() == v6 && !(v6 && p.Addr().IsLinkLocalUnicast()) {
			list = append(list, p.Masked())
		}
	}
	return list
}

// elsewhere reports whether others may be on the link than when it was as before: it has
// a family more, or none of the networks of a family.
func (l Link) elsewhere(before Link) bool {
	for i, has := range l.families() {
		if has && !before.families()[i] {
			return true
		}
		old := before.networks(i == 1)
		now := l.networks(i == 1)
		if len(old) > 0 && len(now) > 0 && !slices.ContainsFunc(now, func(p netip.Prefix) bool { return slices.Contains(old, p) }) {
			return true
		}
	}
	return false
}

// reaches reports whether an address is on the link.
func (l Link) reaches(addr netip.Addr) bool {
	addr = addr.WithZone("").Unmap()
	return addr.Is6() && addr.IsLinkLocalUnicast() ||
		slices.ContainsFunc(l.Addrs, func(p netip.Prefix) bool { return p.Contains(addr) })
}

func sortedAddrs(l Link) []netip.Prefix {
	return slices.SortedFunc(slices.Values(l.Addrs), netip.Prefix.Compare)
}

// newStatus looks at what works. A link counts once nothing is wrong with it.
func (e *Engine) newStatus() Status {
	var s Status
	var errs []error
	for _, a := range e.attachments {
		if a.works() {
			s.Links = append(s.Links, a.link)
		} else {
			errs = append(errs, fmt.Errorf("%s: %w", a.link.Name, a.err))
		}
	}
	if len(s.Links) == 0 {
		s.Err = errors.Join(append(errs, e.linksErr)...)
		if s.Err == nil {
			s.Err = ErrNoLink
		}
	}
	return s
}

// same reports whether two say the same.
func (s Status) same(o Status) bool {
	return errorText(s.Err) == errorText(o.Err) && slices.EqualFunc(s.Links, o.Links, func(a, b Link) bool {
		return a.is(b) && slices.Equal(sortedAddrs(a), sortedAddrs(b))
	})
}

// errorText is what an error says; nothing without one.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// works reports whether the link can be spoken on and nothing is known to be wrong.
func (a *attachment) works() bool { return a.conn != nil && a.err == nil }
