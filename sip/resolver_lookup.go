package sip

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// A lookup is one walk through RFC 3263 section 4.
type lookup struct {
	r      *Resolver
	domain string // what a certificate must carry
	secure bool
	routes []Route
}

// A service is one SRV record to be looked up: how it is reached, its name.
type service struct{ transport, name string }

// srvRecord and naptrRecord are what is used of the records of that name.
type srvRecord struct {
	priority, weight, port uint16
	target                 string // "." if there is no such service
}

type naptrRecord struct {
	order, preference           uint16
	flags, service, replacement string
}

func (l *lookup) run(ctx context.Context, host string, port int, transport string) error {
	plain := cmp.Or(transport, "udp")
	if addr, err := netip.ParseAddr(host); err == nil {
		l.add(plain, addr, orDefaultPort(port, plain))
		return nil
	}
	if port != 0 {
		return l.addHost(ctx, plain, host, orDefaultPort(port, plain))
	}
	services, err := l.services(ctx, host, transport)
	if err != nil {
		return err
	}
	found, denied, err := l.addServices(ctx, services)
	if found {
		return err
	}
	if denied {
		return errHostNotFound
	}
	// A server that failed to tell of services may tell of the host.
	if hostErr := l.addHost(ctx, plain, host, orDefaultPort(0, plain)); hostErr != nil {
		return cmp.Or(err, hostErr)
	}
	return nil
}

// services returns the SRV names to ask for, best first.
func (l *lookup) services(ctx context.Context, host, transport string) ([]service, error) {
	all := []service{{"udp", "_sip._udp." + host}, {"tcp", "_sip._tcp." + host}, {"tls", "_sips._tcp." + host}}
	if transport != "" && !l.secure {
		return slices.DeleteFunc(all, func(s service) bool { return s.transport != transport }), nil
	}
	if l.secure {
		all = all[2:]
	}
	// Some home routers swallow questions they do not know, so SRV is asked at
	// the same time: the second round then finds its answers in the cache.
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, s := range all {
		wg.Go(func() { l.r.dns.srv(ctx, s.name) })
	}
	quick, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	pointers, err := l.r.dns.naptr(quick, host)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if named := l.naptrServices(pointers); len(named) > 0 {
		return named, nil
	}
	return all, nil
}

func (l *lookup) naptrServices(pointers []naptrRecord) []service {
	slices.SortStableFunc(pointers, func(a, b naptrRecord) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.preference, b.preference))
	})
	var out []service
	for _, p := range pointers {
		transport, ok := map[string]string{"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}[strings.ToUpper(p.service)]
		if !ok || !strings.EqualFold(p.flags, "s") || l.secure && transport != "tls" {
			continue
		}
		if name := strings.TrimSuffix(p.replacement, "."); name != "" {
			out = append(out, service{transport, name})
		}
	}
	return out
}

// addServices looks the services up and adds the routes they lead to. found
// tells whether any has a record, denied whether all that have one say that
// there is no such service.
func (l *lookup) addServices(ctx context.Context, services []service) (found, denied bool, err error) {
	records := make([][]srvRecord, len(services))
	errs := make([]error, len(services))
	var wg sync.WaitGroup
	for i, s := range services {
		wg.Go(func() { records[i], errs[i] = l.r.dns.srv(ctx, s.name) })
	}
	wg.Wait()
	// Targets are asked for all at once, then added in their order.
	var targets []hostRoute
	for i, s := range services {
		for _, record := range l.r.weigh(records[i]) {
			if record.target == "." {
				denied = true
				continue
			}
			found = true
			targets = append(targets, hostRoute{s.transport, record.target, record.port})
		}
	}
	if !found {
		return false, denied, errors.Join(errs...)
	}
	return true, false, l.addHosts(ctx, targets)
}

// hostRoute is a route whose host still has to be looked up.
type hostRoute struct {
	transport, host string
	port            uint16
}

func (l *lookup) addHost(ctx context.Context, transport, host string, port uint16) error {
	return l.addHosts(ctx, []hostRoute{{transport, host, port}})
}

// addHosts adds the addresses of all targets, in order. It fails if none has
// one.
func (l *lookup) addHosts(ctx context.Context, targets []hostRoute) error {
	targets = targets[:min(len(targets), maxRoutes)]
	addrs := make([][]netip.Addr, len(targets))
	errs := make([]error, len(targets))
	var wg sync.WaitGroup
	for i, t := range targets {
		wg.Go(func() { addrs[i], errs[i] = l.r.dns.addrs(ctx, t.host) })
	}
	wg.Wait()
	for i, t := range targets {
		for _, addr := range interleave(addrs[i]) {
			l.add(t.transport, addr, t.port)
		}
	}
	if len(l.routes) > 0 {
		return nil
	}
	return cmp.Or(errors.Join(errs...), errHostNotFound)
}

func (l *lookup) add(transport string, addr netip.Addr, port uint16) {
	route := Route{Transport: transport, Addr: netip.AddrPortFrom(addr.Unmap(), port)}
	if transport == "tls" {
		route.ServerName = l.domain
	}
	if len(l.routes) < maxRoutes && !slices.Contains(l.routes, route) {
		l.routes = append(l.routes, route)
	}
}

// interleave orders addresses so that a family that does not work costs one
// attempt only: IPv4, IPv6, IPv4 and so on. IPv4 goes first because a network
// that only seems to have IPv6 is the more frequent fault.
func interleave(addrs []netip.Addr) []netip.Addr {
	var four, six, out []netip.Addr
	for _, a := range addrs {
		if a.Unmap().Is4() {
			four = append(four, a)
		} else {
			six = append(six, a)
		}
	}
	for i := range max(len(four), len(six)) {
		if i < len(four) {
			out = append(out, four[i])
		}
		if i < len(six) {
			out = append(out, six[i])
		}
	}
	return out[:min(len(out), maxTargetAddrs)]
}

// weigh orders SRV records by priority, and by weight within one priority as
// RFC 2782 says: the chance to be next is proportional to the weight.
func (r *Resolver) weigh(records []srvRecord) []srvRecord {
	rest := slices.Clone(records[:min(len(records), maxServices)])
	slices.SortStableFunc(rest, func(a, b srvRecord) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(min(a.weight, 1), min(b.weight, 1)))
	})
	out := make([]srvRecord, 0, len(rest))
	for len(rest) > 0 {
		same, sum := 0, 0
		for same < len(rest) && rest[same].priority == rest[0].priority {
			sum += int(rest[same].weight)
			same++
		}
		pick := r.rand(sum + 1)
		i := 0
		for pick -= int(rest[0].weight); pick > 0 && i+1 < same; pick -= int(rest[i].weight) {
			i++
		}
		out = append(out, rest[i])
		rest = slices.Delete(rest, i, i+1)
	}
	return out
}
