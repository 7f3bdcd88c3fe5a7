package sdp

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	pion "github.com/pion/sdp/v3"
)

var update = flag.Bool("update", false, "rewrite what the golden files expect")

// counter is a source of "randomness" whose bytes count up, so that keys differ
// from each other and are the same in each run.
type counter struct{ next byte }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = c.next
		c.next++
	}
	return len(p), nil
}

const stepMark = "---------- "

// A goldenRow is one row of the table, a dialog in a file of its own below
// testdata/table: the rule that it tests, where that is written, and steps, each
// with a text. The steps are
//
//	local KEY=VALUE…  New at first, then SetLocal; see goldenLocal
//	their offer       GotOffer(text)
//	our answer        Answer() returns text
//	our offer         Offer() returns text
//	their answer      GotAnswer(text)
//	rollback          Rollback()
//	agreed            Agreed() is what text says
//	proposal          Proposal() is what text says
//	error             the step before returned the error that text says
//
// A body of the far end has CR LF line ends, unless the step says "with LF",
// "with CR" or "without final line end".
type goldenRow struct {
	file, rule, from string
	steps            []goldenStep
}

type goldenStep struct{ kind, text string }

func readGolden(t testing.TB, file string) *goldenRow {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	row := &goldenRow{file: file}
	for line := range strings.Lines(string(b)) {
		text := strings.TrimSuffix(line, "\n")
		rule, isRule := strings.CutPrefix(text, "Rule: ")
		from, isFrom := strings.CutPrefix(text, "From: ")
		kind, isStep := strings.CutPrefix(text, stepMark)
		switch {
		case isStep:
			row.steps = append(row.steps, goldenStep{kind: kind})
		case len(row.steps) > 0:
			row.steps[len(row.steps)-1].text += line
		case isRule:
			row.rule = rule
		case isFrom:
			row.from = from
		default:
			t.Fatalf("%s: text before the first step: %q", file, text)
		}
	}
	return row
}

func (r *goldenRow) write(t *testing.T) {
	t.Helper()
	var w strings.Builder
	fmt.Fprintf(&w, "Rule: %s\nFrom: %s\n", r.rule, r.from)
	for _, s := range r.steps {
		w.WriteString(stepMark + s.kind + "\n" + s.text)
	}
	if err := os.WriteFile(r.file, []byte(w.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// has reports whether r has a step of one of the kinds.
func (r *goldenRow) has(kinds ...string) bool {
	return slices.ContainsFunc(r.steps, func(s goldenStep) bool {
		return slices.ContainsFunc(kinds, func(kind string) bool { return strings.HasPrefix(s.kind, kind) })
	})
}

func goldenTable(t testing.TB) []*goldenRow {
	t.Helper()
	files, err := filepath.Glob("testdata/table/*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files found: %v", err)
	}
	var rows []*goldenRow
	for _, file := range files {
		rows = append(rows, readGolden(t, file))
	}
	return rows
}

// TestTable plays every row.
func TestTable(t *testing.T) {
	for _, row := range goldenTable(t) {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(row.file), "testdata/table/"), ".txt")
		t.Run(name, func(t *testing.T) {
			runGolden(t, row)
			if *update {
				row.write(t)
			}
		})
	}
}

// minRows is how many rows the table has at least.
const minRows = 200

var section = regexp.MustCompile(`^RFC \d{4} sections? \d+(\.\d+)*( and \d+(\.\d+)*)?$`)

// Every row names a rule, no two the same, and the section of an RFC it comes
// from, and has our settings, an offer and something that is expected.
func TestTableIsComplete(t *testing.T) {
	rows := goldenTable(t)
	if len(rows) < minRows {
		t.Errorf("%d rows, want %d or more", len(rows), minRows)
	}
	seen := map[string]string{}
	for _, r := range rows {
		if seen[r.rule] != "" || r.rule == "" {
			t.Errorf("%s: rule %q is missing or also that of %q", r.file, r.rule, seen[r.rule])
		}
		seen[r.rule] = r.file
		if !section.MatchString(r.from) {
			t.Errorf("%s: %q is no section of an RFC", r.file, r.from)
		}
		if len(r.steps) == 0 || !strings.HasPrefix(r.steps[0].kind, "local") ||
			!r.has("their offer", "our offer", "their answer") || !r.has("our answer", "agreed", "error", "proposal", "our offer") {
			t.Errorf("%s: settings, an offer or an expectation are missing", r.file)
		}
	}
}

// runGolden plays c. With -update it writes what came out into c.
func runGolden(t *testing.T, c *goldenRow) {
	t.Helper()
	var n *Negotiation
	var failed error
	keys := &counter{}
	for i := range c.steps {
		s := &c.steps[i]
		if s.kind != "error" && failed != nil {
			t.Fatalf("step %d: unexpected error: %v", i, failed)
		}
		var got string
		switch kind, settings, _ := strings.Cut(s.kind, " "); {
		case kind == "local" && n == nil:
			n = New(1000, keys, goldenLocal(t, settings))
		case kind == "local":
			n.SetLocal(goldenLocal(t, settings))
		case strings.HasPrefix(s.kind, "their offer"):
			failed = n.GotOffer(s.wire())
		case strings.HasPrefix(s.kind, "their answer"):
			_, failed = n.GotAnswer(s.wire())
		case s.kind == "our offer":
			got = unwire(t, n.Offer())
		case s.kind == "our answer":
			var b []byte
			if b, _, failed = n.Answer(); failed == nil {
				got = unwire(t, b)
			}
		case s.kind == "rollback":
			n.Rollback()
		case s.kind == "agreed":
			got = agreedText(n.Agreed())
		case s.kind == "proposal":
			got = proposalText(n.Proposal())
		case s.kind == "error":
			got, failed = fmt.Sprintln(failed), nil
		default:
			t.Fatalf("unknown step %q", s.kind)
		}
		if got == "" {
			continue
		}
		if *update {
			s.text = got
		} else if diff := cmp.Diff(s.text, got); diff != "" {
			t.Errorf("step %d, %s (-want +got):\n%s", i, s.kind, diff)
		}
	}
	if failed != nil {
		t.Errorf("last step: unexpected error: %v", failed)
	}
}

// wire returns the body of a step of the far end with the line ends that it has
// on the wire.
func (s *goldenStep) wire() []byte {
	text, end := s.text, "\r\n"
	switch {
	case strings.HasSuffix(s.kind, " with LF"):
		end = "\n"
	case strings.HasSuffix(s.kind, " with CR"):
		end = "\r"
	case strings.HasSuffix(s.kind, " without final line end"):
		text = strings.TrimSuffix(text, "\n")
	}
	return []byte(strings.ReplaceAll(text, "\n", end))
}

// unwire is the reverse for a body of ours, and hands everything that we print to another parser.
func unwire(t testing.TB, b []byte) string {
	t.Helper()
	checkWithPion(t, b)
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

// checkWithPion fails the test unless pion's parser, which is a strict one, reads
// b as we do. It knows few media types, and those in one case only, so rejected
// lines are shown to it as audio and the rest as it likes them.
func checkWithPion(t testing.TB, b []byte) {
	t.Helper()
	ours, err := Parse(b)
	if err != nil {
		t.Fatalf("Parse(%q) of our own: %v", b, err)
	}
	for i := range ours.Media {
		if m := &ours.Media[i]; m.Port == 0 {
			m.Kind, m.Protocol = "audio", "RTP/AVP"
		} else {
			m.Kind, m.Protocol = strings.ToLower(m.Kind), strings.ToUpper(m.Protocol)
		}
	}
	var theirs pion.SessionDescription
	if err := theirs.Unmarshal(ours.Bytes()); err != nil {
		t.Fatalf("pion cannot read\n%s: %v", b, err)
	}
	if got, want := len(theirs.MediaDescriptions), len(ours.Media); got != want {
		t.Fatalf("pion sees %d media lines, want %d", got, want)
	}
	for i, m := range theirs.MediaDescriptions {
		if got, want := m.MediaName.Port.Value, ours.Media[i].Port; got != want {
			t.Errorf("pion sees port %d, want %d", got, want)
		}
		if diff := cmp.Diff(ours.Media[i].Formats, m.MediaName.Formats); diff != "" {
			t.Errorf("formats (-ours +pion):\n%s", diff)
		}
		if got, want := len(m.Attributes), len(ours.Media[i].Attributes); got != want {
			t.Errorf("pion sees %d attributes, want %d", got, want)
		}
	}
}

// Codecs as the tests wish them.
var (
	opus       = Codec{Name: "opus", PayloadType: 96, ClockRate: 48000, Channels: 2}
	g722       = Codec{Name: "G722", PayloadType: 9, ClockRate: 8000}
	pcma       = Codec{Name: "PCMA", PayloadType: 8, ClockRate: 8000}
	pcmu       = Codec{Name: "PCMU", PayloadType: 0, ClockRate: 8000}
	events     = Codec{Name: "telephone-event", PayloadType: 101, ClockRate: 8000}
	events48   = Codec{Name: "telephone-event", PayloadType: 102, ClockRate: 48000}
	noise      = Codec{Name: "CN", PayloadType: 13, ClockRate: 8000}
	allCodecs  = []Codec{opus, g722, pcma, pcmu, events, events48}
	testCodecs = map[string]Codec{
		"opus": opus, "G722": g722, "PCMA": pcma, "PCMU": pcmu, "te": events, "te48": events48, "CN": noise,
	}
)

// goldenLocal reads the settings of a local step. What is not given is as in the
// literal at its beginning.
func goldenLocal(t testing.TB, settings string) Local {
	t.Helper()
	l := Local{Addr: netip.MustParseAddr("192.0.2.1"), Port: 4000, Codecs: allCodecs}
	for setting := range strings.FieldsSeq(settings) {
		key, value, _ := strings.Cut(setting, "=")
		var err error
		switch key {
		case "addr":
			l.Addr, err = netip.ParseAddr(value)
		case "port":
			l.Port, err = strconv.Atoi(value)
		case "rtcp":
			l.RTCPPort, err = strconv.Atoi(value)
		case "mux":
			l.RTCPMux = true
		case "no-audio":
			l.NoAudio = true
		case "own-order":
			l.OwnOrder = true
		case "codecs":
			l.Codecs = nil
			for name := range strings.SplitSeq(value, ",") {
				c, ok := testCodecs[name]
				if !ok {
					err = errors.New("unknown codec")
				}
				l.Codecs = append(l.Codecs, c)
			}
		case "ptime":
			l.PacketTime, err = time.ParseDuration(value)
		case "maxptime":
			l.MaxPacketTime, err = time.ParseDuration(value)
		case "direction":
			l.Direction = map[string]Direction{"sendonly": SendOnly, "recvonly": RecvOnly, "inactive": Inactive}[value]
		case "security":
			l.Security = map[string]Security{"prefer": SecurityPrefer, "require": SecurityRequire}[value]
		case "suites":
			l.Suites = strings.Split(value, ",")
		default:
			err = errors.New("unknown setting")
		}
		if err != nil {
			t.Fatalf("setting %q: %v", setting, err)
		}
	}
	return l
}

// agreedText shows a for people, and without leaving anything out.
func agreedText(a *Agreed) string {
	switch {
	case a == nil:
		return "nothing\n"
	case a.Rejected:
		return "rejected\n"
	}
	var w strings.Builder
	fmt.Fprintf(&w, "codec %s, %v\n", codecText(a.Codec), a.PacketTime)
	for _, c := range a.Receive {
		fmt.Fprintf(&w, "receive %s\n", codecText(c))
	}
	if a.HasEvents {
		fmt.Fprintf(&w, "events %d/%d\n", a.EventPT, a.EventRate)
	}
	fmt.Fprintf(&w, "remote %v rtcp %v mux %t\n", a.Remote, a.RemoteRTCP, a.RTCPMux)
	fmt.Fprintf(&w, "send %t receive %t held %t\n", a.CanSend, a.CanReceive, a.RemoteHold)
	if a.LocalKey != nil {
		fmt.Fprintf(&w, "local %s\nremote %s\n", keyText(a.LocalKey), keyText(a.RemoteKey))
	}
	return w.String()
}

// proposalText shows p on one line.
func proposalText(p Proposal) string {
	var words []string
	for word, is := range map[string]bool{"adds-audio": p.AddsAudio, "removes-audio": p.RemovesAudio, "adds-chat": p.AddsChat} {
		if is {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	for _, kind := range p.Others {
		words = append(words, "other:"+kind)
	}
	if len(words) == 0 {
		return "none\n"
	}
	return strings.Join(words, " ") + "\n"
}

func codecText(c Codec) string {
	return strings.TrimSpace(c.rtpmap() + " " + c.Fmtp)
}

func keyText(k *Key) string {
	s := fmt.Sprintf("%d %s %s %s", k.Tag, k.Suite, hex.EncodeToString(k.MasterKey), hex.EncodeToString(k.MasterSalt))
	if len(k.MKI) > 0 {
		s += " mki " + hex.EncodeToString(k.MKI)
	}
	return s
}
