package bonjour_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/bonjour"
	"parley/bonjour/bonjourtest"
)

// A peer is an engine on a host of a network in memory, and what it told of.
type peer struct {
	*bonjour.Engine
	t     *testing.T
	net   *bonjourtest.Network
	host  *bonjourtest.Host
	start time.Time

	mu  sync.Mutex // guards what follows
	got []string   // with the time since the start
}

// join starts an engine. Half is what chance gives, unless a random is given.
func join(t *testing.T, n *bonjourtest.Network, h *bonjourtest.Host, random ...func() float64) *peer {
	t.Helper()
	p := &peer{t: t, net: n, host: h, start: time.Now()}
	c := bonjour.Config{
		Host: h.Name(), Network: h, Random: func() float64 { return 0.4 },
		OnStatus: func(s bonjour.Status) {
			var names []string
			for _, l := range s.Links {
				names = append(names, l.Name)
			}
			p.note("status %v %v", names, s.Err)
		},
	}
	for _, r := range random {
		c.Random = r
	}
	p.Engine = bonjour.New(c)
	t.Cleanup(func() { p.Close(context.Background()) })
	return p
}

func (p *peer) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, fmt.Sprintf("%v ", time.Since(p.start))+fmt.Sprintf(format, args...))
}

// publish publishes and notes the events.
func (p *peer) publish(s bonjour.Service) *bonjour.Publication {
	p.t.Helper()
	pub, err := p.Publish(s, func(v bonjour.PublicationEvent) {
		p.note("%s %s%s", v.Name, map[bonjour.State]string{bonjour.Probing: "probing", bonjour.Announced: "announced"}[v.State], because(v.Err))
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return pub
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

// browse looks for a type and notes the events.
func (p *peer) browse(serviceType string) *bonjour.Browser {
	p.t.Helper()
	b, err := p.Browse(serviceType, func(v bonjour.Event) {
		i := v.Instance
		p.note("%s %s %s:%d %v %q", []string{"found", "changed", "lost"}[v.Kind], i.Name, i.Host, i.Port, i.Addrs, i.Text)
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// wants compares what was told since the last time.
func (p *peer) wants(when string, want ...string) {
	p.t.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if diff := cmp.Diff(want, p.got); diff != "" {
		p.t.Errorf("%s: %s was told (-want +got):\n%s", when, p.host.Name(), diff)
	}
	p.got = nil
}

// sent lists what a host sent since the last time, each packet with the time since the
// start of the bubble: questions, and records.
func sent(n *bonjourtest.Network, start time.Time, host string) []string {
	synctest.Wait()
	var list []string
	for _, p := range n.Packets() {
		if p.Host != host {
			continue
		}
		text := p.String()
		_, text, _ = strings.Cut(text, ": ")
		list = append(list, fmt.Sprintf("%v %s", p.Time.Sub(start), text))
	}
	n.Forget()
	return list
}

func text(strings ...string) func(bonjour.Link) []string {
	return func(bonjour.Link) []string { return strings }
}

func TestPublishedServicesAreProbedForAndAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		start := time.Now()
		a := join(t, n, n.Host("a", "10.0.0.1/24"))
		a.publish(bonjour.Service{Name: "Anna B.", Type: "_sip._udp", Port: 5060, Text: text("txtvers=1")})
		time.Sleep(10 * time.Second)
		a.wants("published",
			"0s status [eth0] <nil>",
			"0s Anna B. probing",
			"758ms Anna B. announced",
		)
		probe := `query a.local. ANY, Anna\ B\.._sip._udp.local. ANY; authorities a.local. 120 A 10.0.0.1, ` +
			`Anna\ B\.._sip._udp.local. 120 SRV 0 0 5060 a.local., Anna\ B\.._sip._udp.local. 4500 TXT "txtvers=1"`
		all := `response answers a.local. 120 A 10.0.0.1 flush, _sip._udp.local. 4500 PTR Anna\ B\.._sip._udp.local., ` +
			`Anna\ B\.._sip._udp.local. 120 SRV 0 0 5060 a.local. flush, Anna\ B\.._sip._udp.local. 4500 TXT "txtvers=1" flush, ` +
			`_services._dns-sd._udp.local. 4500 PTR _sip._udp.local.`
		want := []string{"8ms " + probe, "258ms " + probe, "508ms " + probe, "758ms " + all, "1.758s " + all, "3.758s " + all}
		if diff := cmp.Diff(want, sent(n, start, "a")); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
		a.Close(context.Background())
		bye := []string{
			`10s response answers a.local. 0 A 10.0.0.1 flush, _sip._udp.local. 0 PTR Anna\ B\.._sip._udp.local., ` +
				`Anna\ B\.._sip._udp.local. 0 SRV 0 0 5060 a.local. flush, Anna\ B\.._sip._udp.local. 0 TXT "txtvers=1" flush`,
		}
		if diff := cmp.Diff(bye, sent(n, start, "a")); diff != "" {
			t.Errorf("sent at the end (-want +got):\n%s", diff)
		}
		if got := a.host.OpenConns(); got != 0 {
			t.Errorf("%d sockets are open after Close, want 0", got)
		}
	})
}

func TestTwoFindEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a := join(t, n, n.Host("a", "10.0.0.1/24", "fe80::1/64"))
		b := join(t, n, n.Host("b", "10.0.0.2/24", "fe80::2/64"))
		a.browse("_sip._udp")
		pub := a.publish(bonjour.Service{Name: "Anna", Type: "_sip._udp", Port: 5060, Text: text("name=Anna")})
		b.browse("_sip._udp")
		time.Sleep(5 * time.Second)
		a.wants("alone", "0s status [eth0] <nil>", "0s Anna probing", "758ms Anna announced")
		b.wants("with Anna", "0s status [eth0] <nil>", `758ms found Anna a.local:5060 [10.0.0.1 fe80::1%eth0] ["name=Anna"]`)
		b.publish(bonjour.Service{Name: "Bert", Type: "_sip._udp", Port: 5061})
		time.Sleep(5 * time.Second)
		a.wants("with Bert", `5.758s found Bert b.local:5061 [10.0.0.2 fe80::2%eth0] []`)
		pub.Withdraw()
		time.Sleep(5 * time.Second)
		b.wants("without Anna", "5s Bert probing", "5.758s Bert announced", `10s lost Anna a.local:5060 [10.0.0.1 fe80::1%eth0] ["name=Anna"]`)
	})
}
