package bonjour_test

import (
	"context"
	"testing"
	"time"

	"parley/bonjour"
	"parley/bonjour/bonjourtest"
)

// Who sleeps hears neither goodbyes nor announcements, and is forgotten.
func TestWoke(t *testing.T) {
	announced(t, func(r *rig) {
		r.browse("_sip._udp")
		b := r.offering("Bert", 7, "b", "10.0.0.2/24")
		time.Sleep(time.Second)
		r.offering("Dora", 9, "d", "10.0.0.4/24")
		time.Sleep(time.Minute)
		r.wants("awake", "758ms found Bert b.local:7 [10.0.0.2] []", "1.758s found Dora d.local:9 [10.0.0.4] []")
		r.net.SetHook(func(p bonjourtest.Packet, to string) bonjourtest.Verdict {
			return bonjourtest.Verdict{Lost: to == "a" || p.Host == "a"}
		})
		b.Close(context.Background())
		c := r.offering("Carl", 8, "c", "10.0.0.3/24")
		time.Sleep(10 * time.Second)
		r.net.SetHook(nil)
		r.wants("asleep")
		c.browse("_sip._udp")
		r.net.Forget()
		time.Sleep(5 * time.Second)
		r.wants("not told that it slept")
		r.Woke()
		time.Sleep(10 * time.Second)
		r.wants("woke", "1m16s Anna probing", "1m16.12s found Carl c.local:8 [10.0.0.3] []", "1m16.85s Anna announced", "1m22s lost Bert b.local:7 [10.0.0.2] []")
	})
}

// Who is not where it says is soon lost; who is answers.
func TestReconfirm(t *testing.T) {
	announced(t, func(r *rig) {
		r.browse("_sip._udp")
		r.offering("Bert. B", 7, "b", "10.0.0.2/24")
		time.Sleep(time.Second)
		r.offering("Dora", 9, "d", "10.0.0.4/24")
		time.Sleep(20 * time.Second)
		r.wants("at first", "758ms found Bert. B b.local:7 [10.0.0.2] []", "1.758s found Dora d.local:9 [10.0.0.4] []")
		r.net.SetHook(func(p bonjourtest.Packet, _ string) bonjourtest.Verdict {
			return bonjourtest.Verdict{Lost: p.Host == "b"}
		})
		link := r.Status().Links[0].Index
		for _, i := range []bonjour.Instance{
			{Name: "Dora", Type: "_sip._udp", Link: link},
			{Name: "Bert. B", Type: "_sip._udp", Link: link + 1},
			{Name: "Bert. B", Type: "_sipuri._udp", Link: link},
			{Name: "Carl", Type: "_sip._udp", Link: link},
		} {
			r.Reconfirm(i)
		}
		time.Sleep(10 * time.Second)
		r.wants("nobody is gone")
		r.Reconfirm(bonjour.Instance{Name: "Bert. B", Type: "_sip._udp", Link: link})
		time.Sleep(10 * time.Second)
		r.wants("one is gone", "37s lost Bert. B b.local:7 [10.0.0.2] []")
	})
}
