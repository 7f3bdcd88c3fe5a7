package interop

import (
	"testing"
	"time"
)

// TestBonjourIdle has our engine and avahi publish as much, and follow as much of what
// others publish, as a phone does, and compares what they say in a minute when nothing
// happens.
func TestBonjourIdle(t *testing.T) {
	t.Parallel()
	kinds := []string{"_sipuri._udp", "_sipuri._tcp", "_sip._udp", "_sip._tcp"}
	l := newLAN(t)
	one, two := l.host(t, "one"), l.host(t, "two")
	theirs := two.avahi(t)
	ours := one.engine(t)
	text := []string{"txtvers=1", "name=Anna", "contact=<sip:abcdefgh@10.77.0.1:5060>", "instance_id=4d9f3b6e-0d3c-8c7b-9c1e-0123456789ab", "state=available", "note="}
	for _, kind := range kinds {
		ours.do(t, "browse", "", kind, 0)
		ours.do(t, "publish", "Anna", kind, 5060, text...)
	}
	theirs.follow(t, kinds...)
	for _, kind := range kinds {
		theirs.publish(t, "Ben", kind, 5060, text...)
		ours.finds(t, "Ben", kind)
	}
	talk(15 * time.Second)
	c := l.listen(t)
	before := processorTime(t, ours.cmd.Process.Pid)
	talk(time.Minute)
	used := processorTime(t, ours.cmd.Process.Pid) - before
	packets := c.packets(t)
	count := func(of *machine) (n, bytes int) {
		for _, v6 := range []bool{false, true} {
			for _, s := range sayings(t, packets, of, v6) {
				n++
				bytes += s.size
			}
		}
		return n, bytes
	}
	n, bytes := count(one)
	m, more := count(two)
	t.Logf("in an idle minute our engine sends %d packets (%d bytes), avahi %d (%d bytes)", n, bytes, m, more)
	t.Logf("and needs %v of processor time", used)
	if used > time.Minute/1000 {
		t.Errorf("in an idle minute our engine needs %v of processor time, want a thousandth of it at most", used)
	}
	if n > m || bytes > more {
		t.Errorf("our engine says more than avahi")
	}
	if n == 0 || m == 0 {
		t.Error("somebody says nothing at all: the capture is of no use")
	}
}
