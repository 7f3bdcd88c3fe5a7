package sip

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/google/go-cmp/cmp"
)

var (
	filterLocal  = &net.UDPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 5060}
	filterRemote = &net.UDPAddr{IP: net.IPv4(192, 0, 2, 99), Port: 4000}
)

// filterRow is one message of testdata/filter: comment lines, the last of which
// says what is expected, then the message with LF line ends.
func filterRow(t testing.TB, name string) (expect string, message []byte) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for bytes.HasPrefix(data, []byte("# ")) {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		expect, data = strings.TrimPrefix(string(line), "# expect: "), rest
	}
	return expect, bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
}

func filterRows(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/filter/*.msg")
	if err != nil || len(names) < 30 {
		t.Fatalf("%d rows in testdata/filter, %v", len(names), err)
	}
	return names
}

// filterUDP sends one datagram through a new filter.
func filterUDP(t testing.TB, data []byte) (passed, answer []byte) {
	t.Helper()
	f := NewFilter(FilterConfig{Reply: func(_, _ net.Addr, response []byte) { answer = response }})
	passed, err := f.Read(sip.TransportReadProps{Transport: "UDP", LocalAddr: filterLocal, RemoteAddr: filterRemote}, data)
	if err != nil {
		t.Errorf("Read over UDP = %v, which ends the listener", err)
	}
	return passed, answer
}

func TestFilterRows(t *testing.T) {
	for _, name := range filterRows(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".msg"), func(t *testing.T) {
			expect, message := filterRow(t, name)
			passed, answer := filterUDP(t, message)
			got := "drop"
			switch {
			case passed != nil && answer != nil:
				got = "both"
			case passed != nil:
				got = "pass"
			case answer != nil:
				got = string(bytes.Fields(answer)[1])
			}
			if got != expect {
				t.Fatalf("got %s, want %s\n%s%s", got, expect, passed, answer)
			}
			if answer != nil {
				checkFilterAnswer(t, answer)
			}
			if passed == nil {
				return
			}
			golden := strings.TrimSuffix(name, ".msg") + ".want"
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), strings.ReplaceAll(string(passed), "\r\n", "\n")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", golden, diff)
			}
			lf, _ := filterUDP(t, bytes.ReplaceAll(message, []byte("\r\n"), []byte("\n")))
			if diff := cmp.Diff(string(passed), string(lf)); diff != "" {
				t.Errorf("with LF line ends (-want +got):\n%s", diff)
			}
		})
	}
}

// checkFilterAnswer reads an answer with the library, and looks for what a
// client needs to match it.
func checkFilterAnswer(t *testing.T, answer []byte) {
	t.Helper()
	answer = bytes.Replace(answer, []byte("36893488147419103232"), []byte("1"), 1) // ours to repeat, not to read
	msg, err := sip.ParseMessage(answer)
	if err != nil {
		t.Fatalf("answer %q: %v", answer, err)
	}
	branch, _ := msg.Via().Params.Get("branch")
	received, _ := msg.Via().Params.Get("received")
	tag, _ := msg.To().Params.Get("tag")
	if branch != "z9hG4bK1" || received != "192.0.2.99" || tag == "" || msg.CallID().Value() != "c1" || msg.CSeq() == nil {
		t.Errorf("answer cannot be matched:\n%s", answer)
	}
}

// What the library reads wrongly in the raw form, it reads rightly afterwards.
func TestFilterMakesTheLibraryRead(t *testing.T) {
	_, message := filterRow(t, "testdata/filter/blanks.msg")
	if raw, err := sip.ParseMessage(message); err == nil {
		if branch, ok := raw.Via().Params.Get("branch"); ok {
			t.Fatalf("the library reads branch %q without help: this test proves nothing", branch)
		}
	}
	passed, _ := filterUDP(t, message)
	msg, err := sip.ParseMessage(passed)
	if err != nil {
		t.Fatal(err)
	}
	branch, _ := msg.Via().Params.Get("branch")
	tag, _ := msg.From().Params.Get("tag")
	if branch != "z9hG4bK1" || tag != "1" || msg.Via().Port != 5060 || msg.Via().Host != "192.0.2.1" || msg.CSeq().MethodName != sip.OPTIONS {
		t.Errorf("branch %q, tag %q, sent by %s:%d, CSeq %s", branch, tag, msg.Via().Host, msg.Via().Port, msg.CSeq())
	}
}

func TestFilterReplyFillsRport(t *testing.T) {
	_, message := filterRow(t, "testdata/filter/badvers.msg")
	_, answer := filterUDP(t, bytes.Replace(message, []byte(";branch"), []byte(";rport;received=1.2.3.4;branch"), 1))
	if want := "Via: SIP/2.0/UDP 192.0.2.1:5060;rport=4000;branch=z9hG4bK1;received=192.0.2.99\r\n"; !bytes.Contains(answer, []byte(want)) {
		t.Errorf("answer lacks %q:\n%s", want, answer)
	}
	again := func() string { _, a := filterUDP(t, message); return string(a) }
	if a, b := again(), again(); a != b {
		t.Errorf("two answers to one request differ:\n%s\n%s", a, b)
	}
}

func TestFilterBounds(t *testing.T) {
	_, plain := filterRow(t, "testdata/filter/plain.msg")
	add := func(s string) []byte { return bytes.Replace(plain, []byte("\r\n\r\n"), []byte("\r\n"+s+"\r\n\r\n"), 1) }
	for name, data := range map[string][]byte{
		"long header block": add("X: " + strings.Repeat("x", filterMaxHead)),
		"many fields":       add(strings.Repeat("X: y\r\n", filterMaxFields) + "X: y"),
		"many vias":         bytes.Replace(plain, []byte("Via: "), []byte("Via: "+strings.Repeat("SIP/2.0/UDP h;branch=z9,", filterMaxFields)), 1),
		"large":             add("Content-Length: 70000\r\n\r\n" + strings.Repeat("x", 70000)),
	} {
		f := NewFilter(FilterConfig{})
		out, err := f.Read(sip.TransportReadProps{Transport: "UDP", LocalAddr: filterLocal, RemoteAddr: filterRemote}, data)
		if out != nil || err != nil || f.Counters().TooLarge != 1 {
			t.Errorf("%s: passed %d bytes, %v, counters %+v, want it dropped as too large", name, len(out), err, f.Counters())
		}
	}
}

func TestFilterKeepAlives(t *testing.T) {
	stun := append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...)
	var told int
	f := NewFilter(FilterConfig{KeepAlive: func(_, _ net.Addr, data []byte) { told += len(data) }})
	for _, data := range [][]byte{[]byte("\r\n"), []byte("\r\n\r\n"), stun} {
		if out, err := f.Read(sip.TransportReadProps{Transport: "udp", LocalAddr: filterLocal, RemoteAddr: filterRemote}, data); out != nil || err != nil {
			t.Errorf("Read(%q) = %q, %v, want nothing", data, out, err)
		}
	}
	if c := f.Counters(); c.KeepAlives != 3 || c.Garbage != 0 || told != 2+4+20 {
		t.Errorf("counters %+v, told of %d bytes, want 3 keep-alives of 26 bytes", c, told)
	}
}

func TestFilterFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, plain := filterRow(t, "testdata/filter/plain.msg")
		answers := 0
		trusted := netip.MustParseAddrPort("192.0.2.200:5060")
		f := NewFilter(FilterConfig{
			Reply:   func(net.Addr, net.Addr, []byte) { answers++ },
			Trusted: func(p netip.AddrPort) bool { return p == trusted },
		})
		read := func(remote netip.AddrPort, data []byte) bool {
			out, err := f.Read(sip.TransportReadProps{Transport: "UDP", LocalAddr: filterLocal, RemoteAddr: net.UDPAddrFromAddrPort(remote)}, data)
			if err != nil {
				t.Fatal(err)
			}
			return out != nil
		}
		one := netip.MustParseAddrPort("192.0.2.1:5060")
		count := func(n int, remote func(i int) netip.AddrPort, data []byte) (passed int) {
			for i := range n {
				if read(remote(i), data) {
					passed++
				}
			}
			return passed
		}
		if got := count(5000, func(int) netip.AddrPort { return one }, plain); got != floodBurst {
			t.Errorf("one source got %d of 5000 messages through at once, want %d", got, floodBurst)
		}
		time.Sleep(time.Second)
		if got := count(5000, func(int) netip.AddrPort { return one }, plain); got != floodRate {
			t.Errorf("a second later it got %d through, want %d", got, floodRate)
		}
		spoofed := func(i int) netip.AddrPort {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 5060)
		}
		time.Sleep(time.Hour)
		if got := count(20000, spoofed, plain); got > floodNewBurst+1 || got < floodNewBurst/2 {
			t.Errorf("20000 spoofed sources got %d messages through, want about %d", got, floodNewBurst)
		}
		if len(f.flood.messages.hosts) > floodMaxSources || len(f.flood.sources) > 4*floodMaxSources {
			t.Errorf("%d hosts and %d sources are remembered", len(f.flood.messages.hosts), len(f.flood.sources))
		}
		if got := count(3000, func(int) netip.AddrPort { return trusted }, plain); got != 3000 {
			t.Errorf("a trusted peer got %d of 3000 messages through", got)
		}
		_, bad := filterRow(t, "testdata/filter/badvers.msg")
		time.Sleep(time.Hour)
		count(5000, spoofed, bad)
		if answers != floodReplyBurst {
			t.Errorf("%d malformed requests were answered at once, want %d", answers, floodReplyBurst)
		}
		if c := f.Counters(); c.Malformed == 0 || c.Flooded == 0 || c.Answered != uint64(answers) {
			t.Errorf("counters %+v", c)
		}
	})
}

func FuzzFilter(f *testing.F) {
	for _, name := range filterRows(f) {
		_, message := filterRow(f, name)
		f.Add(message, uint8(7))
	}
	f.Add([]byte("\r\n\r\nOPTIONS sip:a SIP/2.0\nVia:SIP/2.0/UDP h;a=\"\\\nTo:<"), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, chunk uint8) {
		m, problem := filterRead(data)
		var out []byte
		if problem == nil {
			out, problem = m.finish()
		}
		if problem == nil {
			if len(out) > filterMaxMessage {
				t.Fatalf("%d bytes come out of %d", len(out), len(data))
			}
			again, problem := filterRead(out)
			if problem != nil {
				t.Fatalf("what came out is refused: %+v\n%q", problem, out)
			}
			twice, problem := again.finish()
			if problem != nil || !bytes.Equal(out, twice) {
				t.Fatalf("filtered twice (%+v) gives\n%q\nwant\n%q", problem, twice, out)
			}
		} else if answer := m.reply(problem, netip.MustParseAddrPort("192.0.2.1:1")); answer != nil {
			if bytes.Count(answer, []byte("\r\n\r\n")) != 1 || len(answer) > len(data)+filterMaxFields*64+1000 {
				t.Fatalf("answer %q", answer)
			}
		}
		// A stream gives the same messages however it is cut up.
		whole, wholeErr := filterFeed(data, len(data)+1)
		cut, cutErr := filterFeed(data, int(chunk)+1)
		if (wholeErr == nil) == (cutErr == nil) && fmt.Sprintf("%q", whole) != fmt.Sprintf("%q", cut) {
			t.Fatalf("a stream in one piece gives\n%q, %v\nin pieces of %d\n%q, %v", whole, wholeErr, int(chunk)+1, cut, cutErr)
		}
	})
}

// filterFeed gives data to a stream in pieces and returns its messages.
func filterFeed(data []byte, size int) (messages []string, err error) {
	s := filterStream{f: NewFilter(FilterConfig{})}
	for len(data) > 0 && err == nil {
		n := min(size, len(data))
		err = s.feed(data[:n], func(unit []byte) {
			if strings.Trim(string(unit), "\r\n") != "" {
				messages = append(messages, string(unit))
			}
		}, func([]byte) {})
		data = data[n:]
	}
	return messages, err
}
