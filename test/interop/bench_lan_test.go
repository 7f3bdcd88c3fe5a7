package interop

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"
)

// benchLAN measures how soon neighbours come and go, and what it takes to look
// for them, beside avahi on the same network.
func benchLAN(t *testing.T, plan benchPlan, report *benchReport) {
	need(t, "avahi-daemon", "avahi-publish", "avahi-browse", "tcpdump")
	s := report.section("Local network", "avahi")
	l := newLAN(t)
	home := l.host(t, "bench2")
	watcher := quietPhone(t, l.host(t, "bench1"), "watcher")
	responder := home.avahi(t)

	ours, oursGone := timePhone(t, watcher, quietPhone(t, l.host(t, "bench3"), "guest"), plan.windows)
	theirs, theirsGone := timePublished(t, watcher, responder, plan.windows)
	s.within("start until a neighbour lists it", time.Second, ours, theirs,
		"Parley: the whole program, from before its process is made; avahi-publish with the daemon at work")
	s.within("end until the neighbour does not", time.Second, oursGone, theirsGone, "from before SIGTERM is sent")
	t.Run("idle", func(t *testing.T) { benchIdleLAN(t, plan, s, l, watcher, responder) })
}

// quietPhone starts Parley without sound and traces.
func quietPhone(t testing.TB, h *machine, name string) *phone {
	t.Helper()
	p := newPhone(t, nil, phoneConfig{Host: h, Name: name})
	p.args = append(p.args, "--audio-in", "null", "--audio-out", "null", "--trace-sip", "", "--log-level", "warn")
	p.run(t)
	return p
}

// timePhone starts and ends a phone, n times, and takes the times until another
// has it on its list and off it again.
func timePhone(t *testing.T, watcher, guest *phone, n int) (there, gone samples) {
	t.Helper()
	id := watcher.seesNeighbour(t, guest)
	for range n {
		guest.end(t, watcher, id, &gone)
		have := len(watcher.notifications("NEIGHBOUR " + id + " ADDED"))
		begun := time.Now()
		guest.run(t)
		there = append(there, watcher.awaitNth(t, 10*time.Second, "NEIGHBOUR "+id+" ADDED", have+1).Sub(begun))
		talk(pause)
	}
	guest.end(t, watcher, id, &gone)
	return there, gone
}

// end ends the phone and takes the time until the watcher has noticed.
func (p *phone) end(t testing.TB, watcher *phone, id string, gone *samples) {
	t.Helper()
	have := len(watcher.notifications("NEIGHBOUR " + id + " REMOVED"))
	begun := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	*gone = append(*gone, watcher.awaitNth(t, 10*time.Second, "NEIGHBOUR "+id+" REMOVED", have+1).Sub(begun))
	if err := p.wait(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	talk(pause)
}

// timePublished does the same to a service that avahi announces.
func timePublished(t *testing.T, watcher *phone, a *avahi, n int) (there, gone samples) {
	t.Helper()
	for i := range n {
		name := fmt.Sprintf("service %d", i)
		begun := time.Now()
		p := a.publish(t, name, "_sipuri._udp", 5062, "txtvers=1", "name="+name, "contact=sip:x@"+a.on.ip+":5062")
		eventually(t, 10*time.Second, name+" is listed", func() bool { return len(watcher.neighbours(t)) > 0 })
		there = append(there, time.Since(begun))
		begun = time.Now()
		p.stop()
		eventually(t, 10*time.Second, name+" is not listed any more", func() bool { return len(watcher.neighbours(t)) == 0 })
		gone = append(gone, time.Since(begun))
		talk(pause)
	}
	return there, gone
}

// benchIdleLAN has Parley and avahi announce and look for the same, in the same
// minutes, and counts what either sends and needs.
func benchIdleLAN(t *testing.T, plan benchPlan, s *benchSection, l *lan, p *phone, a *avahi) {
	for _, kind := range []string{"_sipuri._udp", "_sipuri._tcp", "_sip._udp", "_sip._tcp"} {
		a.publish(t, "idle "+kind[1:4], kind, 5062, "txtvers=1", "name=idle", "contact=sip:x@"+a.on.ip+":5062", "instance_id=0d0e0f00-0000-4000-8000-000000000001")
		a.on.start(t, t.TempDir(), "env", "DBUS_SYSTEM_BUS_ADDRESS="+a.bus, "avahi-browse", "-pr", kind)
	}
	p.stop()
	p.run(t)
	talk(plan.idle)
	c := l.listen(t)
	first, second := watchLoad(t, p.cmd.Process.Pid), watchLoad(t, a.cmd.Process.Pid)
	talk(4 * plan.idle)
	ours, theirs := first.end(t), second.end(t)
	packets := c.packets(t)
	our, their := trafficOf(packets, p.config.Host, 4*plan.idle), trafficOf(packets, a.on, 4*plan.idle)
	note := fmt.Sprintf("four services announced and four types looked for by both; the %v after the first %v", 4*plan.idle, plan.idle)
	s.add(benchRow{What: "sent on an idle network", Aim: "≤ avahi's", Ours: our.String(), Theirs: their.String(), Note: note}, our.bytes, their.bytes)
	s.add(benchRow{What: "processor while idle", Aim: "≤ 0.1 % of a core", Ours: ours.String(), Theirs: theirs.String(), Note: "the whole phone; avahi-daemon alone"},
		ours.share, 0.001)
}

// A traffic is what a machine sends in a minute.
type traffic struct{ packets, bytes float64 }

func (n traffic) String() string {
	return fmt.Sprintf("%.1f packets, %.0f bytes a minute", n.packets, n.bytes)
}

// trafficOf counts the multicast DNS of a machine.
func trafficOf(all []packet, from *machine, length time.Duration) traffic {
	sent := slices.DeleteFunc(slices.Clone(all), func(p packet) bool { return !p.isMDNS() || p.mac != from.mac })
	n := traffic{packets: float64(len(sent)) / length.Minutes()}
	for _, p := range sent {
		n.bytes += float64(p.size) / length.Minutes()
	}
	return n
}
