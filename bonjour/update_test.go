package bonjour_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"parley/bonjour"
	"parley/bonjour/bonjourtest"
)

// Texts that change all the time are told ten times a minute (RFC 6762 section 8.4).
func TestTextsChangeOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a := join(t, n, n.Host("a", "10.0.0.1/24"))
		var count atomic.Int32
		p := a.publish(bonjour.Service{Name: "Anna", Type: "_sip._udp", Port: 5060, Text: func(bonjour.Link) []string {
			return []string{fmt.Sprint("n=", count.Load())}
		}})
		time.Sleep(time.Minute)
		n.Forget()
		for range 600 {
			count.Add(1)
			p.Update()
			time.Sleep(500 * time.Millisecond)
		}
		synctest.Wait()
		texts := map[string]bool{}
		for _, p := range n.Sent("a") {
			for _, rr := range p.Message().Answer {
				if txt, ok := rr.(*dns.TXT); ok {
					texts[txt.Txt[0]] = true
				}
			}
		}
		if got := len(texts); got < 55 || got > 61 { // with the one before
			t.Errorf("%d texts were told in five minutes, want about 60", got)
		}
		time.Sleep(10 * time.Second)
		count.Add(1)
		p.Update()
		synctest.Wait()
		if got := n.Sent("a"); !strings.Contains(got[len(got)-1].String(), fmt.Sprint("n=", count.Load())) {
			t.Errorf("sent last: %v, want n=%d", got[len(got)-1], count.Load())
		}
	})
}

// What is told of a text is no longer than what others take of one.
func TestLongTextsAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a, b := join(t, n, n.Host("a", "10.0.0.1/24")), join(t, n, n.Host("b", "10.0.0.2/24"))
		roster := b.watch("_sip._udp")
		part := strings.Repeat("x", 250)
		a.publish(bonjour.Service{Name: "Anna", Type: "_sip._udp", Port: 7, Text: text(part, part, part, part, part, part, part, part, "end")})
		time.Sleep(5 * time.Second)
		want := fmt.Sprintf("a.local:7 [10.0.0.1] %q", []string{part, part, part, part, part, "end"})
		roster.wants("a long text", map[string]string{"Anna": want})
	})
}
