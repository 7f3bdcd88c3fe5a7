package sdp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Codec is one payload format of a media line.
type Codec struct {
	Name        string // encoding name, compared without regard to case: "PCMA", "opus", "telephone-event"
	PayloadType uint8  // 0 to 127; for a dynamic one of [Local] only a wish, 0 for none
	ClockRate   int    // RTP clock in Hz; 8000 for G722, though it carries 16 kHz (RFC 3551 section 4.5.2)
	Channels    int    // as in rtpmap: 2 for opus (RFC 7587 section 7); 0 and 1 mean the same
	Fmtp        string // format parameters without the payload type
}

// Names that this package treats in a way of their own.
const (
	eventName   = "telephone-event"
	noiseName   = "CN"
	opusName    = "opus"
	defaultTone = "0-15" // telephone-events meant where no fmtp says which (RFC 4733 section 2.4.1)
)

func (c Codec) is(name string) bool { return strings.EqualFold(c.Name, name) }

// isAudio reports whether c carries voice by itself: telephone-event and comfort
// noise only go along with another codec.
func (c Codec) isAudio() bool { return !c.is(eventName) && !c.is(noiseName) }

// same reports whether c and o are the same format, whatever their payload types
// and parameters are.
func (c Codec) same(o Codec) bool {
	return c.is(o.Name) && c.ClockRate == o.ClockRate && max(c.Channels, 1) == max(o.Channels, 1)
}

// rtpmap returns the value of the rtpmap attribute of c.
func (c Codec) rtpmap() string {
	s := fmt.Sprintf("%d %s/%d", c.PayloadType, c.Name, c.ClockRate)
	if c.Channels > 1 {
		s += "/" + strconv.Itoa(c.Channels)
	}
	return s
}

// parameters returns the format parameters that we announce for c, "" for none.
func (c Codec) parameters() string {
	switch {
	case c.is(eventName) && c.Fmtp == "":
		return defaultTone
	case c.is(opusName) && !strings.Contains(c.Fmtp, "useinbandfec="):
		return strings.TrimPrefix(c.Fmtp+";useinbandfec=1", ";")
	}
	return c.Fmtp
}

// static lists the audio payload types that RFC 3551 section 6 assigns, with
// which a description needs no rtpmap.
var static = map[uint8]Codec{
	0:  {Name: "PCMU", ClockRate: 8000},
	3:  {Name: "GSM", ClockRate: 8000},
	4:  {Name: "G723", ClockRate: 8000},
	5:  {Name: "DVI4", ClockRate: 8000},
	6:  {Name: "DVI4", ClockRate: 16000},
	7:  {Name: "LPC", ClockRate: 8000},
	8:  {Name: "PCMA", ClockRate: 8000},
	9:  {Name: "G722", ClockRate: 8000},
	10: {Name: "L16", ClockRate: 44100, Channels: 2},
	11: {Name: "L16", ClockRate: 44100},
	12: {Name: "QCELP", ClockRate: 8000},
	13: {Name: noiseName, ClockRate: 8000},
	14: {Name: "MPA", ClockRate: 90000},
	15: {Name: "G728", ClockRate: 8000},
	16: {Name: "DVI4", ClockRate: 11025},
	17: {Name: "DVI4", ClockRate: 22050},
	18: {Name: "G729", ClockRate: 8000},
}

// staticType returns the payload type that RFC 3551 assigns to c.
func staticType(c Codec) (uint8, bool) {
	for pt, s := range static {
		if s.same(c) {
			return pt, true
		}
	}
	return 0, false
}

// codecs returns the formats of m in its order, each payload type once. A format
// without a usable rtpmap that is not static is left out.
func (m *Media) codecs() []Codec {
	var maps, params [128]string
	for _, a := range m.Attributes {
		table := &maps
		switch {
		case strings.EqualFold(a.Name, "rtpmap"):
		case strings.EqualFold(a.Name, "fmtp"):
			table = &params
		default:
			continue
		}
		number, value, _ := strings.Cut(a.Value, " ")
		if pt, err := strconv.ParseUint(number, 10, 7); err == nil && table[pt] == "" {
			table[pt] = strings.TrimSpace(value)
		}
	}
	var list []Codec
	var seen [128]bool
	for _, f := range m.Formats {
		pt, err := strconv.ParseUint(f, 10, 7)
		if err != nil || seen[pt] {
			continue
		}
		seen[pt] = true
		c, ok := parseRTPMap(maps[pt])
		if !ok {
			if c, ok = static[uint8(pt)]; !ok {
				continue
			}
		}
		c.PayloadType, c.Fmtp = uint8(pt), params[pt]
		list = append(list, c)
	}
	return list
}

// parseRTPMap reads "opus/48000/2". G722/16000, which some phones write, is read
// as the G722/8000 that it means.
func parseRTPMap(s string) (Codec, bool) {
	part := strings.Split(strings.ReplaceAll(s, " ", ""), "/")
	if len(part) < 2 || part[0] == "" {
		return Codec{}, false
	}
	rate, err := strconv.ParseUint(part[1], 10, 31)
	if err != nil || rate == 0 {
		return Codec{}, false
	}
	c := Codec{Name: part[0], ClockRate: int(rate)}
	if len(part) > 2 {
		if n, err := strconv.ParseUint(part[2], 10, 8); err == nil {
			c.Channels = int(n)
		}
	}
	if c.is("G722") && c.ClockRate == 16000 {
		c.ClockRate = 8000
	}
	return c, true
}

// A pair is one codec that both sides know.
type pair struct {
	ours   Codec // our name and parameters, with the payload type we receive
	theirs Codec // their parameters, with the payload type they receive
}

// send returns the codec to send with: our name, their number and parameters.
func (p pair) send() Codec {
	c := p.ours
	c.PayloadType, c.Fmtp = p.theirs.PayloadType, p.theirs.Fmtp
	return c
}

// common returns the codecs of theirs that are also in ours, in their order. A
// codec they list twice counts once.
func common(ours, theirs []Codec) []pair {
	var list []pair
	used := make([]bool, len(ours))
	for _, t := range theirs {
		i := slices.IndexFunc(ours, t.same)
		if i < 0 || used[i] {
			continue
		}
		used[i] = true
		list = append(list, pair{ours[i], t})
	}
	return list
}

// inOrderOf sorts list as its codecs stand in ours.
func inOrderOf(ours []Codec, list []pair) {
	place := func(p pair) int { return slices.IndexFunc(ours, p.ours.same) }
	slices.SortStableFunc(list, func(a, b pair) int { return place(a) - place(b) })
}

// firstAudio returns the first pair of list that carries voice.
func firstAudio(list []pair) (pair, bool) {
	for _, p := range list {
		if p.ours.isAudio() {
			return p, true
		}
	}
	return pair{}, false
}

// withoutIdle drops telephone-event and comfort noise of clock rates that no
// voice codec of list has, as RFC 4733 section 2.1 wants events on the clock of
// the audio. Events at 8000 Hz stay where there are no fitting ones at all,
// since many phones know no others.
func withoutIdle(list []pair) []pair {
	rates := map[int]bool{}
	for _, p := range list {
		if p.ours.isAudio() {
			rates[p.ours.ClockRate] = true
		}
	}
	fits := func(p pair) bool { return p.ours.isAudio() || rates[p.ours.ClockRate] }
	events := slices.ContainsFunc(list, func(p pair) bool { return p.ours.is(eventName) && fits(p) })
	return slices.DeleteFunc(slices.Clone(list), func(p pair) bool {
		fallback := !events && p.ours.is(eventName) && p.ours.ClockRate == 8000
		return !fits(p) && !fallback
	})
}

// eventsFor returns the telephone-event format to send beside a codec of the
// given clock rate: that of the same rate, else that of 8000 Hz, else any.
func eventsFor(rate int, list []pair) (Codec, bool) {
	best, found := Codec{}, false
	score := func(c Codec) int {
		switch c.ClockRate {
		case rate:
			return 2
		case 8000:
			return 1
		}
		return 0
	}
	for _, p := range list {
		if p.ours.is(eventName) && (!found || score(p.ours) > score(best)) {
			best, found = p.send(), true
		}
	}
	return best, found
}
