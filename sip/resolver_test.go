package sip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

// zone answers questions from records in zone file form. Names that no record
// has do not exist.
type zone struct {
	records []dns.RR

	mu    sync.Mutex
	asked []string                            // "server name type"
	fail  func(server, question string) error // nil: none fails
	stall func(server, question string) bool  // true: no answer comes
}

func newZone(t testing.TB, lines string) *zone {
	t.Helper()
	z := &zone{}
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		rr, err := dns.NewRR(line)
		if err != nil || rr == nil {
			t.Fatalf("record %q: %v", line, err)
		}
		z.records = append(z.records, rr)
	}
	return z
}

func (z *zone) exchange(ctx context.Context, m *dns.Msg, server string) (*dns.Msg, error) {
	q := m.Question[0]
	question := q.Name + " " + dns.TypeToString[q.Qtype]
	z.mu.Lock()
	z.asked = append(z.asked, strings.TrimSpace(server+" "+question))
	z.mu.Unlock()
	if z.stall != nil && z.stall(server, question) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if z.fail != nil {
		if err := z.fail(server, question); err != nil {
			return nil, err
		}
	}
	reply := new(dns.Msg).SetReply(m)
	reply.Rcode = dns.RcodeNameError
	name := q.Name
	for _, rr := range z.records {
		if rr.Header().Name != name {
			continue
		}
		reply.Rcode = dns.RcodeSuccess
		if alias, ok := rr.(*dns.CNAME); ok {
			name = alias.Target
		}
		if rr.Header().Rrtype == q.Qtype || rr.Header().Rrtype == dns.TypeCNAME {
			reply.Answer = append(reply.Answer, rr)
		}
	}
	return reply, nil
}

func (z *zone) questions() int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return len(z.asked)
}

// newZoneResolver picks the first of equals, so that orders are fixed.
func newZoneResolver(z *zone, servers ...string) *Resolver {
	return NewResolver(ResolverConfig{Exchange: z.exchange, Servers: servers, Rand: func(int) int { return 0 }})
}

const testZone = `
	full.test. 300 IN NAPTR 20 10 "s" "SIP+D2U" "" _sip._udp.full.test.
	full.test. 300 IN NAPTR 10 20 "S" "sip+d2t" "" _sip._tcp.full.test.
	full.test. 300 IN NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.other.test.
	full.test. 300 IN NAPTR 5 10 "s" "SIP+D2W" "" _ws.full.test.
	full.test. 300 IN NAPTR 5 10 "u" "E2U+sip" "!^.*$!sip:x@y!" .
	_sip._udp.full.test. 300 IN SRV 10 0 5070 a.full.test.
	_sip._tcp.full.test. 300 IN SRV 10 0 5071 A.full.test.
	_sips._tcp.other.test. 300 IN SRV 20 0 5081 b.full.test.
	_sips._tcp.other.test. 300 IN SRV 10 0 5082 a.full.test.
	a.full.test. 300 IN A 192.0.2.1
	b.full.test. 300 IN A 192.0.2.2
	b.full.test. 300 IN A 192.0.2.3
	b.full.test. 300 IN AAAA 2001:db8::2

	srv.test. 300 IN A 192.0.2.10
	_sip._udp.srv.test. 300 IN SRV 10 0 5060 a.full.test.
	_sips._tcp.srv.test. 300 IN SRV 10 0 5061 a.full.test.

	alias.test. 300 IN CNAME host.test.
	host.test. 300 IN A 192.0.2.20
	host.test. 300 IN AAAA 2001:db8::20

	odd.test. 300 IN NAPTR 10 10 "a" "SIP+D2U" "" host.test.
	odd.test. 300 IN A 192.0.2.30

	closed.test. 300 IN A 192.0.2.40
	_sip._udp.closed.test. 300 IN SRV 0 0 0 .
	half.test. 300 IN A 192.0.2.41
	_sip._udp.half.test. 300 IN SRV 0 0 5060 gone.test.
	_sip._tcp.half.test. 300 IN SRV 0 0 5060 host.test.
`

func TestResolverLookup(t *testing.T) {
	tests := []struct {
		uri, transport string
		want           []string
	}{
		{"sip:a@192.0.2.9", "", []string{"udp 192.0.2.9:5060"}},
		{"sip:a@192.0.2.9:5080", "tcp", []string{"tcp 192.0.2.9:5080"}},
		{"sips:a@192.0.2.9", "", []string{"tls 192.0.2.9:5061 for 192.0.2.9"}},
		{"sip:a@[2001:db8::9];transport=TCP", "", []string{"tcp [2001:db8::9]:5060"}},
		{"sip:a@full.test;maddr=192.0.2.8;transport=tls", "", []string{"tls 192.0.2.8:5061 for full.test"}},
		{"sip:a@full.test;maddr=[::1]", "", []string{"udp [::1]:5060"}},

		{"sip:a@full.test", "", []string{
			"tls 192.0.2.1:5082 for full.test", "tls 192.0.2.2:5081 for full.test", "tls [2001:db8::2]:5081 for full.test", "tls 192.0.2.3:5081 for full.test",
			"tcp 192.0.2.1:5071", "udp 192.0.2.1:5070",
		}},
		{"sip:a@FULL.test", "udp", []string{"udp 192.0.2.1:5070"}},
		{"sip:a@full.test;transport=tcp", "", []string{"tcp 192.0.2.1:5071"}},
		{"sip:a@full.test;transport=udp", "tcp", []string{"tcp 192.0.2.1:5071"}},
		{"sips:a@full.test", "", []string{
			"tls 192.0.2.1:5082 for full.test", "tls 192.0.2.2:5081 for full.test", "tls [2001:db8::2]:5081 for full.test", "tls 192.0.2.3:5081 for full.test",
		}},

		{"sip:a@srv.test", "", []string{"udp 192.0.2.1:5060", "tls 192.0.2.1:5061 for srv.test"}},
		{"sips:a@srv.test", "", []string{"tls 192.0.2.1:5061 for srv.test"}},
		{"sip:a@srv.test", "tcp", []string{"tcp 192.0.2.10:5060"}},
		{"sip:a@srv.test:5099", "", []string{"udp 192.0.2.10:5099"}},
		{"sip:a@host.test", "", []string{"udp 192.0.2.20:5060", "udp [2001:db8::20]:5060"}},
		{"sips:a@host.test", "", []string{"tls 192.0.2.20:5061 for host.test", "tls [2001:db8::20]:5061 for host.test"}},
		{"sip:a@alias.test:5062", "tls", []string{"tls 192.0.2.20:5062 for alias.test", "tls [2001:db8::20]:5062 for alias.test"}},
		{"sip:a@odd.test", "", []string{"udp 192.0.2.30:5060"}},
		{"sip:a@half.test", "", []string{"tcp 192.0.2.20:5060", "tcp [2001:db8::20]:5060"}},
		{"callto:a@host.test:5061", "tcp", []string{"tcp 192.0.2.20:5061", "tcp [2001:db8::20]:5061"}},
	}
	r := newZoneResolver(newZone(t, testZone))
	for _, tt := range tests {
		got, err := r.Lookup(t.Context(), mustURI(t, tt.uri), tt.transport)
		if err != nil {
			t.Errorf("Lookup(%s, %q): %v", tt.uri, tt.transport, err)
			continue
		}
		if diff := cmp.Diff(tt.want, routeTexts(got)); diff != "" {
			t.Errorf("Lookup(%s, %q) (-want +got):\n%s", tt.uri, tt.transport, diff)
		}
	}
}

func routeTexts(routes []Route) []string {
	var out []string
	for _, r := range routes {
		s := r.String()
		if r.ServerName != "" {
			s += " for " + r.ServerName
		}
		out = append(out, s)
	}
	return out
}

func TestResolverErrors(t *testing.T) {
	z := newZone(t, testZone)
	r := newZoneResolver(z)
	for _, uri := range []string{"sip:a@nowhere.test", "sip:a@nowhere.test:5060", "sip:a@closed.test", "sip:a@closed.test;transport=udp", "sips:a@gone.test"} {
		_, err := r.Lookup(t.Context(), mustURI(t, uri), "")
		var e *ResolveError
		if !errors.As(err, &e) || !e.IsNotFound() {
			t.Errorf("Lookup(%s) = %v, want a *ResolveError that is not found", uri, err)
		}
	}
	for _, uri := range []string{"sip:a@host.test;transport=sctp", "sips:a@host.test;transport=udp"} {
		if _, err := r.Lookup(t.Context(), mustURI(t, uri), ""); !errors.Is(err, ErrTransport) {
			t.Errorf("Lookup(%s) = %v, want %v", uri, err, ErrTransport)
		}
	}
	if _, err := r.Lookup(t.Context(), mustURI(t, "tel:+1"), ""); err == nil {
		t.Error("Lookup(tel:+1) = nil, want an error")
	}
	z.fail = func(string, string) error { return errors.New("refused") }
	_, err := r.Lookup(t.Context(), mustURI(t, "sip:a@late.test"), "")
	var e *ResolveError
	if !errors.As(err, &e) || e.IsNotFound() || e.Host != "late.test" {
		t.Errorf("Lookup with a failing server = %v, want a *ResolveError that is not not-found", err)
	}
}

func TestResolverFailedRoutesGoLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newZoneResolver(newZone(t, testZone))
		uri := mustURI(t, "sip:a@b.full.test:5060")
		lookup := func() []string {
			t.Helper()
			routes, err := r.Lookup(t.Context(), uri, "")
			if err != nil {
				t.Fatalf("Lookup: %v", err)
			}
			return routeTexts(routes)
		}
		usual := []string{"udp 192.0.2.2:5060", "udp [2001:db8::2]:5060", "udp 192.0.2.3:5060"}
		first := Route{Transport: "udp", Addr: netip.MustParseAddrPort("192.0.2.2:5060")}
		r.MarkFailed(first)
		time.Sleep(failedTime - time.Nanosecond)
		if diff := cmp.Diff([]string{usual[1], usual[2], usual[0]}, lookup()); diff != "" {
			t.Errorf("after MarkFailed (-want +got):\n%s", diff)
		}
		time.Sleep(time.Nanosecond)
		if diff := cmp.Diff(usual, lookup()); diff != "" {
			t.Errorf("five minutes later (-want +got):\n%s", diff)
		}
		r.MarkFailed(first)
		r.MarkOK(first)
		if diff := cmp.Diff(usual, lookup()); diff != "" {
			t.Errorf("after MarkOK (-want +got):\n%s", diff)
		}
		for port := range uint16(maxFailed + 100) {
			r.MarkFailed(Route{Addr: netip.AddrPortFrom(netip.IPv4Unspecified(), port)})
		}
		if len(r.failed) > maxFailed {
			t.Errorf("%d failed routes are remembered, want at most %d", len(r.failed), maxFailed)
		}
	})
}

func TestResolverCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, "short.test. 60 IN A 192.0.2.1\n")
		r := newZoneResolver(z)
		asks := func(uri string, want int) {
			t.Helper()
			before := z.questions()
			r.Lookup(t.Context(), mustURI(t, uri), "")
			if got := z.questions() - before; got != want {
				t.Errorf("at %v Lookup(%s) asked %d questions, want %d", time.Now().Format("05.000"), uri, got, want)
			}
		}
		asks("sip:a@short.test:5060", 2) // A and AAAA
		asks("sip:a@SHORT.test:5060", 0)
		time.Sleep(dnsNegativeTTL) // that there is no AAAA is forgotten sooner
		asks("sip:a@short.test:5060", 1)
		time.Sleep(60*time.Second - dnsNegativeTTL)
		asks("sip:a@short.test:5060", 2)
		asks("sip:a@none.test:5060", 2)
		asks("sip:a@none.test:5060", 0)
		r.Flush()
		asks("sip:a@short.test:5060", 2)
	})
}

func TestResolverTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, testZone)
		z.stall = func(server, question string) bool { return server == "one:53" || strings.HasSuffix(question, "NAPTR") }
		r := newZoneResolver(z, "one:53", "two:53")
		start := time.Now()
		routes, err := r.Lookup(t.Context(), mustURI(t, "sip:a@host.test:5060"), "")
		if err != nil || len(routes) != 2 || time.Since(start) != queryTime {
			t.Errorf("with a silent first server Lookup = %v, %v after %v, want two routes after %v", routes, err, time.Since(start), queryTime)
		}

		r = newZoneResolver(z, "two:53")
		start = time.Now()
		routes, err = r.Lookup(t.Context(), mustURI(t, "sip:a@srv.test"), "")
		if err != nil || len(routes) != 2 || time.Since(start) != queryTime {
			t.Errorf("where NAPTR is swallowed Lookup = %v, %v after %v, want two routes after %v", routes, err, time.Since(start), queryTime)
		}

		z.stall = func(string, string) bool { return true }
		start = time.Now()
		_, err = r.Lookup(t.Context(), mustURI(t, "sip:a@dead.test"), "")
		var e *ResolveError
		if !errors.As(err, &e) || e.IsNotFound() || time.Since(start) > lookupTime {
			t.Errorf("with silent servers Lookup = %v after %v, want a *ResolveError within %v", err, time.Since(start), lookupTime)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if _, err = r.Lookup(ctx, mustURI(t, "sip:a@dead.test"), ""); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("a cancelled Lookup = %v after %v, want %v after 1s", err, time.Since(start), context.DeadlineExceeded)
		}
	})
}

func TestResolverAsksTheSecondServer(t *testing.T) {
	z := newZone(t, testZone)
	wrong := map[string]func(reply *dns.Msg) error{
		"refuses the connection": func(*dns.Msg) error { return errors.New("connection refused") },
		"says SERVFAIL":          func(reply *dns.Msg) error { reply.Rcode = dns.RcodeServerFailure; return nil },
		"answers another name":   func(reply *dns.Msg) error { reply.Question[0].Name = "evil.test."; return nil },
		"answers another type":   func(reply *dns.Msg) error { reply.Question[0].Qtype = dns.TypeTXT; return nil },
	}
	for name, spoil := range wrong {
		r := NewResolver(ResolverConfig{
			Servers: []string{"one:53", "two:53"},
			Exchange: func(ctx context.Context, m *dns.Msg, server string) (*dns.Msg, error) {
				reply, err := z.exchange(ctx, m, server)
				if server == "one:53" && err == nil {
					err = spoil(reply)
				}
				return reply, err
			},
		})
		got, err := r.Lookup(t.Context(), mustURI(t, "sip:a@host.test"), "udp")
		if err != nil || len(got) != 2 {
			t.Errorf("where the first server %s Lookup = %v, %v, want two routes", name, got, err)
		}
	}
}

// The chance to be first must follow the weights (RFC 2782).
func TestResolverWeighs(t *testing.T) {
	records := []srvRecord{{10, 60, 1, "a"}, {10, 30, 2, "b"}, {10, 10, 3, "c"}, {10, 0, 4, "d"}, {5, 0, 5, "first"}}
	first := map[string]int{}
	for pick := range 101 {
		calls := 0
		r := NewResolver(ResolverConfig{Rand: func(n int) int {
			calls++
			if calls == 2 { // the first choice among priority 10
				if n != 101 {
					t.Fatalf("Rand(%d), want the sum of the weights and one", n)
				}
				return pick
			}
			return 0
		}})
		order := r.weigh(records)
		if len(order) != 5 || order[0].target != "first" {
			t.Fatalf("weigh = %v, want all, the lowest priority first", order)
		}
		first[order[1].target]++
	}
	if diff := cmp.Diff(map[string]int{"a": 60, "b": 30, "c": 10, "d": 1}, first); diff != "" {
		t.Errorf("how often each was first (-want +got):\n%s", diff)
	}
	if got := NewResolver(ResolverConfig{}).weigh(make([]srvRecord, 100)); len(got) != maxServices {
		t.Errorf("weigh of 100 records gave %d, want %d", len(got), maxServices)
	}
}

// A real server on the loopback: an answer that does not fit is asked for again
// over TCP.
func TestResolverTruncatedAnswer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	packets, err := net.ListenPacket("udp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	z := newZone(t, testZone)
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, m *dns.Msg) {
		reply, _ := z.exchange(t.Context(), m, w.LocalAddr().Network())
		if w.LocalAddr().Network() == "udp" {
			reply.Truncated, reply.Answer = true, nil
		}
		w.WriteMsg(reply)
	})
	for _, s := range []*dns.Server{{Listener: listener, Handler: handler}, {PacketConn: packets, Handler: handler}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go s.ActivateAndServe()
		<-started
		t.Cleanup(func() { s.Shutdown() })
	}
	r := NewResolver(ResolverConfig{Servers: []string{listener.Addr().String()}})
	got, err := r.Lookup(t.Context(), mustURI(t, "sip:a@srv.test;transport=udp"), "")
	if diff := cmp.Diff([]string{"udp 192.0.2.1:5060"}, routeTexts(got)); err != nil || diff != "" {
		t.Errorf("Lookup: %v (-want +got):\n%s", err, diff)
	}
}

func TestResolverUsesTheSystem(t *testing.T) {
	routes, err := NewResolver(ResolverConfig{}).Lookup(t.Context(), mustURI(t, "sip:a@localhost:5070"), "tcp")
	if err != nil || len(routes) == 0 || !routes[0].Addr.Addr().IsLoopback() || routes[0].Addr.Port() != 5070 {
		t.Errorf("Lookup(localhost) = %v, %v, want a loopback address", routes, err)
	}
	name := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(name, []byte("# x\nnameserver 192.0.2.53\nnameserver 2001:db8::53\nsearch x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"192.0.2.53:53", "[2001:db8::53]:53"}, dnsFileServers(name)); diff != "" {
		t.Errorf("servers of a file (-want +got):\n%s", diff)
	}
	if got := dnsFileServers(name + ".none"); got != nil {
		t.Errorf("servers of a missing file = %v, want none", got)
	}
}

// Answers come from the network too.
func TestDNSRecordsAreBounded(t *testing.T) {
	m := new(dns.Msg).SetQuestion("x.test.", dns.TypeSRV)
	m.Answer = append(m.Answer, &dns.CNAME{Hdr: dns.RR_Header{Name: "x.test.", Rrtype: dns.TypeCNAME}, Target: "x.test."})
	for range 1000 {
		m.Answer = append(m.Answer, &dns.SRV{Hdr: dns.RR_Header{Name: "X.test.", Rrtype: dns.TypeSRV, Ttl: 1 << 31}, Target: "."})
	}
	records, ttl := dnsRecords(m, dnsKey{"x.test.", dns.TypeSRV})
	if len(records) > 4*maxServices || ttl != 0 {
		t.Errorf("dnsRecords = %d records for %v, want few for 0s", len(records), ttl)
	}
	m.Answer = m.Answer[1:]
	if _, ttl := dnsRecords(m, dnsKey{"x.test.", dns.TypeSRV}); ttl != dnsMaxTTL {
		t.Errorf("a time to live of 68 years is taken as %v, want %v", ttl, dnsMaxTTL)
	}
	m.Answer = m.Answer[:1]
	m.Answer[0].Header().Name = "y.test."
	if records, _ := dnsRecords(m, dnsKey{"x.test.", dns.TypeSRV}); len(records) != 0 {
		t.Errorf("a record of another name is used: %v", records)
	}
}

func TestResolverOutageUsesTheLastRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, `
			_sip._udp.example.org. 60 IN SRV 1 1 5070 a.example.org.
			a.example.org. 60 IN A 192.0.2.1
			b.example.org. 60 IN A 192.0.2.2`)
		r := newZoneResolver(z, "ns")
		u := URI{Scheme: "sip", Host: "example.org"}
		want, err := r.Lookup(t.Context(), u, "")
		if err != nil {
			t.Fatal(err)
		}
		z.stall = func(string, string) bool { return true }
		for _, step := range []func(){func() { time.Sleep(time.Hour) }, r.Flush, func() { r.MarkFailed(want[0]) }} {
			step()
			got, err := r.Lookup(t.Context(), u, "")
			if err != nil || cmp.Diff(routeTexts(want), routeTexts(got)) != "" {
				t.Errorf("Lookup during the outage = %v, %v, want the routes of before: %v", got, err, want)
			}
		}
		if got, err := r.Lookup(t.Context(), URI{Scheme: "sip", Host: "b.example.org"}, ""); err == nil {
			t.Errorf("Lookup of a name never asked for = %v, want an error", got)
		}
		time.Sleep(lastTime)
		if got, err := r.Lookup(t.Context(), u, ""); err == nil {
			t.Errorf("Lookup after a day of outage = %v, want an error", got)
		}
	})
}

// A name that is gone is gone, whatever it was before.
func TestResolverDeniedNameIsNotRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, `b.example.org. 60 IN A 192.0.2.2`)
		r := newZoneResolver(z, "ns")
		u := URI{Scheme: "sip", Host: "b.example.org", Port: 5060}
		if _, err := r.Lookup(t.Context(), u, ""); err != nil {
			t.Fatal(err)
		}
		z.records = nil
		time.Sleep(time.Hour)
		var lookup *ResolveError
		if got, err := r.Lookup(t.Context(), u, ""); !errors.As(err, &lookup) || !lookup.IsNotFound() {
			t.Errorf("Lookup = %v, %v, want the host not found", got, err)
		}
	})
}
