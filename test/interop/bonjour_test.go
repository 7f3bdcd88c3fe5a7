package interop

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// strangeNames are what people call their things. The last is the longest that avahi
// is asked for: see TestBonjourLongNames.
var strangeNames = []string{
	"Anna", "Anna Meyer", "Dr. A. Meyer, 2nd floor", "Zoë", "Бен", "電話", "☎ 📞 desk", `back\slash "quote"`, "two  blanks",
	"sip:83749211@192.168.1.5:51234;transport=tcp", "UPPER and lower", "ends with a dot.", strings.Repeat("ü", 28),
}

// names returns so many that differ, and differ from those of others.
func names(of string, count int) []string {
	var list []string
	for i := range count {
		// A name has room for 63 bytes.
		mark := fmt.Sprintf(" %s%d", of, i)
		list = append(list, cut(strangeNames[i%len(strangeNames)], 63-len(mark))+mark)
	}
	return list
}

func cut(s string, length int) string {
	for len(s) > length {
		r := []rune(s)
		s = string(r[:len(r)-1])
	}
	return s
}

// TestBonjourFindsAndIsFound has one machine with avahi and our engine side by side,
// one with our engine alone, and one with avahi alone: everybody finds everything of
// everybody else, be it one, three or fifty services each, whatever they are called,
// and so does whoever comes later. Avahi is not disturbed.
func TestBonjourFindsAndIsFound(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	one, two, three := l.host(t, "one"), l.host(t, "two"), l.host(t, "three")
	beside, alone := one.avahi(t), three.avahi(t)
	a, b := one.engine(t), two.engine(t)
	for _, count := range []int{1, 3, 50} {
		kind := fmt.Sprintf("_find%d._udp", count)
		a.do(t, "browse", "", kind, 0)
		b.do(t, "browse", "", kind, 0)
		atOne, atThree := beside.browsing(t, kind), alone.browsing(t, kind)
		var all []string
		begun := time.Now()
		for i, e := range []*engine{a, b} {
			for j, name := range names([]string{"a", "b"}[i], count) {
				e.do(t, "publish", name, kind, 5000+j, "txtvers=1", "name="+name)
				all = append(all, name)
			}
		}
		for i, v := range []*avahi{beside, alone} {
			mine := names([]string{"v", "w"}[i], count)
			v.publishAll(t, kind, mine)
			all = append(all, mine...)
		}
		slices.Sort(all)
		for i, e := range []*engine{a, b} {
			own := names([]string{"a", "b"}[i], count)
			others := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(own, name) })
			e.knows(t, kind, others)
			t.Logf("%d services: the engine on %s had the last after %v", len(all), e.on.name, e.last(kind).Sub(begun).Round(time.Millisecond))
		}
		for _, v := range []*browsing{atOne, atThree} {
			var resolved []string
			if !poll(20*time.Second, func() bool { _, resolved = v.found(); return slices.Equal(all, resolved) }) {
				t.Errorf("avahi on %s (-want +got):\n%s", v.on.name, cmp.Diff(all, resolved))
			}
			t.Logf("%d services: avahi on %s had the last after %v", len(all), v.on.name, time.Since(begun).Round(time.Millisecond))
		}
		begun = time.Now()
		late := two.engine(t)
		late.do(t, "browse", "", kind, 0)
		late.knows(t, kind, all)
		t.Logf("%d services: whoever came later had the last after %v", len(all), late.last(kind).Sub(begun).Round(time.Millisecond))
		late.stop()
	}
	beside.undisturbed(t)
	alone.undisturbed(t)
}

// TestBonjourLongNames has avahi offer services whose names it does not understand in
// questions, as they have more than 256 characters when it escapes them: our engine
// finds them all the same, whenever it comes, and avahi finds ours.
func TestBonjourLongNames(t *testing.T) {
	t.Parallel()
	const kind = "_long._udp"
	l := newLAN(t)
	one, two := l.host(t, "one"), l.host(t, "two")
	theirs := one.avahi(t)
	long := strings.Repeat("ü", 30)
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprintf("%s %02d", long, i))
	}
	theirs.publishAll(t, kind, want)
	c := l.listen(t)
	c.fallsSilent(t, 3*time.Second) // all is announced, also again
	late := two.engine(t)
	late.do(t, "browse", "", kind, 0)
	late.knows(t, kind, want)
	late.publish(t, long+" ex", kind, 5060, "txtvers=1")
	theirs.browsing(t, kind).finds(t, long+" ex")
}

// knows waits until the engine has found all there is, and compares it.
func (e *engine) knows(t testing.TB, kind string, want []string) {
	t.Helper()
	var got []string
	wrong := ""
	poll(20*time.Second, func() bool {
		e.poll(t)
		got, wrong = nil, ""
		for name, i := range e.found(kind) {
			got = append(got, name)
			if want := []string{"txtvers=1", "name=" + name}; !slices.Equal(i.Text, want) || i.Port == 0 || len(i.Addrs) < 2 || !strings.HasSuffix(i.Host, ".local") {
				wrong = fmt.Sprintf("%+v", i)
			}
		}
		slices.Sort(got)
		return wrong == "" && slices.Equal(got, want)
	})
	if diff := cmp.Diff(want, got); diff != "" || wrong != "" {
		t.Errorf("the engine on %s, %s (-want +got):\n%s", e.on.name, wrong, diff)
	}
}
