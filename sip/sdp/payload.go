package sdp

import (
	"slices"
	"strings"
)

// A payloadBook remembers which payload type stands for which codec in our own
// descriptions. A dynamic number never changes its meaning within a session (RFC
// 3264 section 8.3.2).
type payloadBook struct {
	entries []Codec // name, clock rate, channels and payload type
}

// note records the payload types of codecs that we have announced.
func (b *payloadBook) note(codecs []Codec) {
	for _, c := range codecs {
		b.entries = slices.DeleteFunc(b.entries, func(e Codec) bool {
			return e.PayloadType == c.PayloadType || e.same(c)
		})
		b.entries = append(b.entries, c)
	}
}

// assign returns codecs with the payload types to announce in an offer: the one
// already in use, else the static one, else the wished one, else a free one. A
// codec for which none is left is dropped, and so is one that is listed twice.
func (b *payloadBook) assign(codecs []Codec) []Codec {
	var list []Codec
	for _, c := range codecs {
		if slices.ContainsFunc(list, c.same) {
			continue
		}
		pt, ok := b.number(c)
		if !ok {
			continue
		}
		c.PayloadType = pt
		b.note([]Codec{c})
		list = append(list, c)
	}
	return list
}

func (b *payloadBook) number(c Codec) (uint8, bool) {
	if i := slices.IndexFunc(b.entries, c.same); i >= 0 {
		return b.entries[i].PayloadType, true
	}
	if pt, ok := staticType(c); ok && b.isFree(pt) {
		return pt, true
	}
	if isDynamic(c.PayloadType) && b.isFree(c.PayloadType) {
		return c.PayloadType, true
	}
	for pt := uint8(96); isDynamic(pt); pt++ {
		if b.isFree(pt) {
			return pt, true
		}
	}
	return 0, false
}

// isDynamic reports whether RFC 3551 section 6 leaves pt to the two sides.
func isDynamic(pt uint8) bool { return pt >= 96 && pt <= 127 }

func (b *payloadBook) isFree(pt uint8) bool {
	return !slices.ContainsFunc(b.entries, func(e Codec) bool { return e.PayloadType == pt })
}

// writeCodecs adds the formats of list to m, with rtpmap and fmtp.
func (m *Media) writeCodecs(list []Codec) {
	for _, c := range list {
		value := c.rtpmap()
		number, _, _ := strings.Cut(value, " ")
		m.Formats = append(m.Formats, number)
		m.Attributes = append(m.Attributes, Attribute{"rtpmap", value})
		if p := c.parameters(); p != "" {
			m.Attributes = append(m.Attributes, Attribute{"fmtp", number + " " + p})
		}
	}
}
