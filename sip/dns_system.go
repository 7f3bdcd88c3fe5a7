package sip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// dnsSystemFile is where Unix systems say which servers to ask. Windows has no
// such file: there SRV records and addresses come from the system's own lookup
// and NAPTR records are done without, which RFC 3263 section 4.1 allows for.
const dnsSystemFile = "/etc/resolv.conf"

// dnsSystemServers returns the system's servers, none where it does not name
// them in a file.
func dnsSystemServers() []string { return dnsFileServers(dnsSystemFile) }

func dnsFileServers(name string) []string {
	c, err := dns.ClientConfigFromFile(name)
	if err != nil {
		return nil
	}
	var servers []string
	for _, s := range c.Servers[:min(len(c.Servers), dnsMaxServers)] {
		servers = append(servers, net.JoinHostPort(s, c.Port))
	}
	return servers
}

// systemAddrs looks host up as every program does, /etc/hosts included.
func (d *dnsClient) systemAddrs(ctx context.Context, host string) ([]netip.Addr, error) {
	key := dnsKey{dns.CanonicalName(host), dns.TypeANY}
	records, ok := d.cached(key)
	if !ok {
		ctx, cancel := context.WithTimeout(ctx, 2*queryTime)
		defer cancel()
		addrs, err := d.system.LookupNetIP(ctx, "ip", host)
		if err != nil && !dnsNotFound(err) {
			return nil, err
		}
		for _, a := range addrs {
			records = append(records, &dns.AAAA{AAAA: net.IP(a.AsSlice())})
		}
		d.remember(key, dnsAnswer{records, d.now().Add(dnsSystemTTL)})
	}
	var out []netip.Addr
	for _, rr := range records {
		if a, ok := netip.AddrFromSlice(rr.(*dns.AAAA).AAAA); ok {
			out = append(out, a.Unmap())
		}
	}
	return out, nil
}

// systemSRV asks the system for SRV records where its servers are not known.
func (d *dnsClient) systemSRV(ctx context.Context, name string) ([]srvRecord, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	_, found, err := d.system.LookupSRV(ctx, "", "", name)
	if err != nil && !dnsNotFound(err) && len(found) == 0 {
		return nil, err
	}
	var out []srvRecord
	for _, s := range found[:min(len(found), maxServices)] {
		out = append(out, srvRecord{s.Priority, s.Weight, s.Port, dnsTarget(strings.ToLower(s.Target))})
	}
	return out, nil
}

func dnsNotFound(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}
