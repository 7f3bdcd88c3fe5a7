// Package middlewaretest builds whole applications for tests: real accounts,
// sessions, SIP and media, over a network in memory and devices without
// hardware. Everything works inside a testing/synctest bubble.
package middlewaretest

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"parley/bonjour/bonjourtest"
	"parley/media"
	"parley/media/codec"
	"parley/media/mediatest"
	"parley/middleware"
	"parley/middleware/bus"
	"parley/sip"
	"parley/sip/siptest"
	"parley/storage"
)

// A Net joins phones.
type Net struct {
	SIP   siptest.Network
	Media *mediatest.Network
}

// NewNet returns a perfect network.
func NewNet() *Net { return &Net{Media: mediatest.NewNetwork()} }

// A Phone is an application under test.
type Phone struct {
	App     *middleware.SIPApplication
	Profile *storage.Profile
	Device  *mediatest.Device // microphone and speaker in one
	LAN     *bonjourtest.Host // nil without [OnLAN]
	Addr    string
	Net     *Net

	t       testing.TB
	mu      sync.Mutex
	names   []string
	notes   []bus.Notification
	ignored map[string]bool
	closed  atomic.Bool
	client  *bus.Client
	done    chan struct{}
}

// Option changes the configuration or the settings before the start.
type Option func(*middleware.Config, *storage.Settings)

// NewPhone starts a phone at addr, which takes direct calls. It is stopped when
// the test ends, or by Stop.
func NewPhone(t testing.TB, n *Net, addr string, options ...Option) *Phone {
	t.Helper()
	return newPhone(t, n, addr, t.TempDir(), options)
}

// Restart stops the phone, and starts one with the same profile.
func (p *Phone) Restart(options ...Option) *Phone {
	p.t.Helper()
	p.Stop()
	return newPhone(p.t, p.Net, p.Addr, p.Profile.Dir(), options)
}

func newPhone(t testing.TB, n *Net, addr, dir string, options []Option) *Phone {
	t.Helper()
	profile, err := storage.Open(dir, storage.Options{Secrets: storage.SecretsFile, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("middlewaretest: %v", err)
	}
	p := &Phone{Profile: profile, Addr: addr, Net: n, t: t, done: make(chan struct{})}
	p.Device = mediatest.NewDevice("headset", nil)
	local := netip.AddrPortFrom(netip.MustParseAddr(addr), 5060)
	c := middleware.Config{
		Log: slog.New(slog.DiscardHandler), UserAgent: "Parley/test", Profile: profile,
		Resolver: sip.NewResolver(sip.ResolverConfig{Servers: []string{"192.0.2.53:53"}, Exchange: noDNS}),
		Media: media.Config{
			Hardware: mediatest.NewDriver(p.Device), Network: n.Media,
			Codecs: []codec.Codec{codec.G722(), codec.PCMA(), codec.PCMU()},
		},
		Listen: []netip.AddrPort{local}, Direct: local, Network: n.SIP.Host(addr),
	}
	_, _, err = profile.Settings().Update(func(s *storage.Settings) {
		s.Calls.DirectCalls = true
		s.Audio.Codecs = []string{"G722", "PCMA", "PCMU"}
		for _, o := range options {
			o(&c, s)
		}
	})
	if err != nil {
		t.Fatalf("middlewaretest: settings: %v", err)
	}
	p.LAN, _ = c.Bonjour.(*bonjourtest.Host)
	p.App = middleware.NewSIPApplication(c)
	p.watch()
	if err := p.App.Start(t.Context()); err != nil {
		t.Fatalf("middlewaretest: start: %v", err)
	}
	t.Cleanup(p.Stop)
	return p
}

// OnLAN puts the phone on a local network, where it is found under that name on a
// host called by the name in lower case. Without addresses, which are as in
// [bonjourtest.Network.Host], the host has the phone's own in a network of 24 bits.
func OnLAN(lan *bonjourtest.Network, name string, addrs ...string) Option {
	return func(c *middleware.Config, s *storage.Settings) {
		if len(addrs) == 0 {
			for _, a := range c.Listen {
				addrs = append(addrs, a.Addr().String()+"/24")
			}
		}
		c.HostName, s.Bonjour.DisplayName = strings.ToLower(name), name
		c.Bonjour = lan.Host(c.HostName, addrs...)
	}
}

// LookupsFail makes every question to the DNS fail with err.
func LookupsFail(err error) Option {
	return func(c *middleware.Config, _ *storage.Settings) {
		c.Resolver = sip.NewResolver(sip.ResolverConfig{
			Servers:  []string{"192.0.2.53:53"},
			Exchange: func(context.Context, *dns.Msg, string) (*dns.Msg, error) { return nil, err },
		})
	}
}

// LookupsFailWhile is a name server to whom every name has those addresses, and
// that is silent while down holds.
func LookupsFailWhile(down *atomic.Bool, ips ...string) Option {
	answer := Addresses(ips...)
	return func(c *middleware.Config, _ *storage.Settings) {
		c.Resolver = sip.NewResolver(sip.ResolverConfig{
			Servers: []string{"192.0.2.53:53"},
			Exchange: func(ctx context.Context, m *dns.Msg, server string) (*dns.Msg, error) {
				if down.Load() {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return answer(ctx, m, server)
			},
		})
	}
}

// noDNS answers that no name exists.
func noDNS(_ context.Context, m *dns.Msg, _ string) (*dns.Msg, error) {
	r := new(dns.Msg)
	r.SetRcode(m, dns.RcodeNameError)
	return r, nil
}

// Addresses is a name server to whom every name has those IPv4 addresses, in
// that order, and nothing else.
func Addresses(ips ...string) func(context.Context, *dns.Msg, string) (*dns.Msg, error) {
	return func(_ context.Context, m *dns.Msg, _ string) (*dns.Msg, error) {
		r := new(dns.Msg)
		r.SetReply(m)
		if m.Question[0].Qtype != dns.TypeA {
			return r, nil
		}
		for _, ip := range ips {
			head := dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}
			r.Answer = append(r.Answer, &dns.A{Hdr: head, A: net.ParseIP(ip)})
		}
		return r, nil
	}
}

// Stop ends the phone and everything of it. Calling it again does nothing.
func (p *Phone) Stop() {
	p.App.Stop(context.Background())
	<-p.done
	if p.closed.Swap(true) {
		return
	}
	if err := p.Profile.Close(); err != nil {
		p.t.Errorf("middlewaretest: profile: %v", err)
	}
}

// watch records the notifications of sessions.
func (p *Phone) watch() {
	p.ignored = map[string]bool{
		"SIPSessionDidChange": true, "SIPSessionChangedState": true,
		"SIPSessionGotProvisionalResponse": true, "SIPSessionGotStreamUpdate": true,
	}
	p.client = bus.NewClient("test")
	bus.OnAny(p.client, func(n bus.Notification) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.notes = append(p.notes, n)
		if _, ok := middleware.SessionOf(n); ok && !p.ignored[bus.Name(n)] {
			p.names = append(p.names, bus.Name(n))
		}
		if _, last := n.(middleware.SIPApplicationDidEnd); last {
			p.App.Bus().Detach(p.client)
		}
	})
	p.App.Bus().Attach(p.client)
	go func() {
		defer close(p.done)
		p.client.Run(context.Background())
	}()
}

// Names returns the names of the sessions' notifications so far, but for those
// that come with every change, and forgets them. Like [Phone.Notes] and [Last] it
// lets what was published be delivered first, so it belongs into a bubble.
func (p *Phone) Names() []string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	names := p.names
	p.names = nil
	return names
}

// Notes returns all notifications so far.
func (p *Phone) Notes() []bus.Notification {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.notes)
}

// Last returns the newest notification of type T, and whether there was one.
func Last[T bus.Notification](p *Phone) (T, bool) {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.notes) - 1; i >= 0; i-- {
		if n, ok := p.notes[i].(T); ok {
			return n, true
		}
	}
	var none T
	return none, false
}

// URI returns the address that calls p.
func (p *Phone) URI() string { return "sip:bob@" + p.Addr + ":5060" }

// Session returns the newest session that is going on, or fails the test.
func (p *Phone) Session() *middleware.Session {
	p.t.Helper()
	list := p.App.SessionManager().Sessions()
	if len(list) == 0 {
		p.t.Fatal("middlewaretest: there is no session")
	}
	return list[len(list)-1]
}

// Dial calls target, or fails the test.
func (p *Phone) Dial(target string) *middleware.Session {
	p.t.Helper()
	s, err := p.App.SessionManager().Dial(middleware.DialRequest{Target: target})
	if err != nil {
		p.t.Fatalf("middlewaretest: dial %s: %v", target, err)
	}
	return s
}
