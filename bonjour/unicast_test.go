package bonjour_test

import (
	"testing"
	"testing/synctest"
	"time"

	"parley/bonjour"
	"parley/bonjour/bonjourtest"
)

// tells sends an answer of the other host to a alone.
func (r *rig) tells(answers ...string) {
	r.net.InjectUnicast(bonjourtest.LAN, other, "10.0.0.1:5353", bonjourtest.Pack(response(answers...)))
}

// Nobody but us hears an answer that nobody asked for: neither could its owner object,
// nor do others know it.
func TestAnswersToUsThatWereNotAskedFor(t *testing.T) {
	announced(t, func(r *rig) {
		r.browse("_sip._udp")
		r.offering("Bert", 7, "b", "10.0.0.2/24")
		time.Sleep(10 * time.Second)
		r.wants("at first", "758ms found Bert b.local:7 [10.0.0.2] []")
		r.net.Forget()

		r.tells("Bert._sip._udp.local. 120 SRV 0 0 666 evil.local. flush", "evil.local. 120 A 10.0.0.9 flush", "b.local. 120 A 10.0.0.9 flush")
		r.tells("_sip._udp.local. 0 PTR Bert._sip._udp.local.", "Bert._sip._udp.local. 0 SRV 0 0 7 b.local. flush")
		r.tells("_sip._udp.local. 4500 PTR x._sip._udp.local.", "x._sip._udp.local. 120 SRV 0 0 666 evil.local. flush")
		r.tells("Anna._sip._udp.local. 120 SRV 0 0 666 evil.local. flush") // no conflict, either
		r.says(5 * time.Second)
		r.wants("not asked for")

		r.hears(query([]string{"_sip._udp.local. PTR"})) // what everybody is to hear is not spared
		time.Sleep(10 * time.Millisecond)
		r.tells(ptrRec)
		r.says(time.Second, "15.06s response answers "+ptrRec+"; additionals "+srvRec+", "+txtRec+", "+aRec+", "+nsec)
	})
}

// To the port that questions are asked from alone, answers come soon or not at all.
func TestAnswersToQuestionsLongAgo(t *testing.T) {
	for _, row := range []struct {
		at   time.Duration
		want []string
	}{
		{1500 * time.Millisecond, []string{"1.5s found x x.local:7 [10.0.0.9] []"}},
		{3900 * time.Millisecond, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := bonjourtest.NewNetwork()
			a := join(t, n, n.Host("a", "10.0.0.1/24"))
			a.browse("_sip._udp")
			time.Sleep(row.at)
			synctest.Wait()
			port := ""
			for _, p := range n.Sent("a") {
				if p.From.Port() != bonjour.Port {
					port = p.From.String()
				}
			}
			if port == "" {
				t.Fatal("nothing was asked alone")
			}
			a.wants("at first", "0s status [eth0] <nil>")
			n.InjectUnicast(bonjourtest.LAN, other, port, bonjourtest.Pack(response(
				"_sip._udp.local. 120 PTR x._sip._udp.local.", "x._sip._udp.local. 120 SRV 0 0 7 x.local.", "x._sip._udp.local. 120 TXT \"\"", "x.local. 120 A 10.0.0.9")))
			time.Sleep(5 * time.Second)
			a.wants("told alone", row.want...)
		})
	}
}
