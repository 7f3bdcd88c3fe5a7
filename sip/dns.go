package sip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	dnsMaxTTL      = time.Hour
	dnsNegativeTTL = 30 * time.Second
	dnsSystemTTL   = 30 * time.Second // the system does not tell how long its answers last
	dnsMaxCache    = 512
	dnsMaxServers  = 4
	dnsRounds      = 2 // how often every server is asked
	dnsUDPSize     = 1232
)

// dnsClient asks questions and remembers the answers.
type dnsClient struct {
	log      *slog.Logger
	servers  []string // empty: the system's
	exchange func(ctx context.Context, m *dns.Msg, server string) (*dns.Msg, error)
	system   *net.Resolver // nil: even host names are asked for by exchange
	now      func() time.Time

	mu    sync.Mutex
	cache map[dnsKey]dnsAnswer
}

type dnsKey struct {
	name  string
	qtype uint16
}

// dnsAnswer is what a server said: records, or that there are none.
type dnsAnswer struct {
	records []dns.RR
	until   time.Time
}

func newDNSClient(c ResolverConfig) *dnsClient {
	d := &dnsClient{log: c.Log, servers: c.Servers, exchange: c.Exchange, now: c.Now, cache: map[dnsKey]dnsAnswer{}}
	if len(c.Servers) == 0 && c.Exchange == nil {
		d.system = net.DefaultResolver
	}
	if d.exchange == nil {
		d.exchange = dnsExchange
	}
	return d
}

func (d *dnsClient) flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.cache)
}

// dnsExchange sends m to server over UDP, and over TCP if the answer did not
// fit.
func dnsExchange(ctx context.Context, m *dns.Msg, server string) (*dns.Msg, error) {
	c := &dns.Client{Net: "udp", Timeout: queryTime, UDPSize: dnsUDPSize}
	answer, _, err := c.ExchangeContext(ctx, m, server)
	if err == nil && answer.Truncated || errors.Is(err, dns.ErrBuf) {
		c.Net = "tcp"
		answer, _, err = c.ExchangeContext(ctx, m, server)
	}
	return answer, err
}

// currentServers returns whom to ask. The system's file is read every time: it
// is small, and changes with the network.
func (d *dnsClient) currentServers() []string {
	if d.system == nil {
		if len(d.servers) == 0 {
			return []string{""} // an injected Exchange knows better
		}
		return d.servers[:min(len(d.servers), dnsMaxServers)]
	}
	return dnsSystemServers()
}

// query returns the records of name, from memory or from the first server that
// answers. No records and no error means that there are none.
func (d *dnsClient) query(ctx context.Context, name string, qtype uint16) ([]dns.RR, error) {
	key := dnsKey{dns.CanonicalName(name), qtype}
	if records, ok := d.cached(key); ok {
		return records, nil
	}
	err := error(errNoServers)
	servers := d.currentServers()
	for range dnsRounds {
		for _, server := range servers {
			var answer dnsAnswer
			if answer, err = d.ask(ctx, key, server); err == nil {
				d.remember(key, answer)
				return answer.records, nil
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			d.log.Debug("DNS server did not answer", "server", server, "name", key.name, "type", dns.TypeToString[qtype], "err", err)
		}
	}
	return nil, err
}

var errNoServers = errors.New("no DNS server is known")

func (d *dnsClient) ask(ctx context.Context, key dnsKey, server string) (dnsAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	m := new(dns.Msg).SetQuestion(key.name, key.qtype)
	reply, err := d.exchange(ctx, m, server)
	if err != nil {
		return dnsAnswer{}, err
	}
	if len(reply.Question) > 0 {
		if q := reply.Question[0]; dns.CanonicalName(q.Name) != key.name || q.Qtype != key.qtype {
			return dnsAnswer{}, errors.New("answer to another question")
		}
	}
	if reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError {
		return dnsAnswer{}, fmt.Errorf("server said %s", dns.RcodeToString[reply.Rcode])
	}
	records, ttl := dnsRecords(reply, key)
	return dnsAnswer{records, d.now().Add(ttl)}, nil
}

// dnsRecords picks the records that answer key, following aliases, and how
// long they hold.
func dnsRecords(reply *dns.Msg, key dnsKey) ([]dns.RR, time.Duration) {
	name, ttl := key.name, dnsMaxTTL
	for range 8 {
		i := slices.IndexFunc(reply.Answer, func(rr dns.RR) bool {
			alias, ok := rr.(*dns.CNAME)
			return ok && dns.CanonicalName(alias.Hdr.Name) == name
		})
		if i < 0 {
			break
		}
		alias := reply.Answer[i].(*dns.CNAME)
		name, ttl = dns.CanonicalName(alias.Target), min(ttl, dnsSeconds(alias.Hdr.Ttl))
	}
	var records []dns.RR
	for _, rr := range reply.Answer {
		if h := rr.Header(); h.Rrtype == key.qtype && dns.CanonicalName(h.Name) == name && len(records) < 4*maxServices {
			records, ttl = append(records, rr), min(ttl, dnsSeconds(h.Ttl))
		}
	}
	if len(records) > 0 {
		return records, ttl
	}
	ttl = dnsNegativeTTL
	for _, rr := range reply.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			ttl = min(ttl, dnsSeconds(soa.Hdr.Ttl), dnsSeconds(soa.Minttl))
		}
	}
	return nil, ttl
}

func dnsSeconds(ttl uint32) time.Duration { return min(time.Duration(ttl)*time.Second, dnsMaxTTL) }

func (d *dnsClient) cached(key dnsKey) ([]dns.RR, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	answer, ok := d.cache[key]
	return answer.records, ok && answer.until.After(d.now())
}

func (d *dnsClient) remember(key dnsKey, answer dnsAnswer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.cache) >= dnsMaxCache {
		clear(d.cache)
	}
	d.cache[key] = answer
}

func (d *dnsClient) naptr(ctx context.Context, name string) ([]naptrRecord, error) {
	records, err := d.query(ctx, name, dns.TypeNAPTR)
	var out []naptrRecord
	for _, rr := range records {
		if r, ok := rr.(*dns.NAPTR); ok && len(out) < maxServices {
			out = append(out, naptrRecord{r.Order, r.Preference, r.Flags, r.Service, r.Replacement})
		}
	}
	return out, err
}

func (d *dnsClient) srv(ctx context.Context, name string) ([]srvRecord, error) {
	records, err := d.query(ctx, name, dns.TypeSRV)
	if errors.Is(err, errNoServers) && d.system != nil {
		return d.systemSRV(ctx, name)
	}
	var out []srvRecord
	for _, rr := range records {
		if r, ok := rr.(*dns.SRV); ok && len(out) < maxServices {
			out = append(out, srvRecord{r.Priority, r.Weight, r.Port, dnsTarget(r.Target)})
		}
	}
	return out, err
}

// dnsTarget returns a host name as a URI has it, and "." for the root.
func dnsTarget(name string) string {
	return cmp.Or(strings.ToLower(strings.TrimSuffix(name, ".")), ".")
}

// addrs returns the addresses of host. It fails only if neither family could
// be asked for.
func (d *dnsClient) addrs(ctx context.Context, host string) ([]netip.Addr, error) {
	if d.system != nil {
		return d.systemAddrs(ctx, host)
	}
	var four, six []dns.RR
	var err4, err6 error
	var wg sync.WaitGroup
	wg.Go(func() { four, err4 = d.query(ctx, host, dns.TypeA) })
	wg.Go(func() { six, err6 = d.query(ctx, host, dns.TypeAAAA) })
	wg.Wait()
	var out []netip.Addr
	for _, rr := range slices.Concat(four, six) {
		var ip net.IP
		switch r := rr.(type) {
		case *dns.A:
			ip = r.A
		case *dns.AAAA:
			ip = r.AAAA
		}
		if addr, ok := netip.AddrFromSlice(ip); ok {
			out = append(out, addr.Unmap())
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	return nil, cmp.Or(err4, err6)
}
