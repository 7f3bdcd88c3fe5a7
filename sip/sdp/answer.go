package sdp

import (
	"slices"
	"strings"
)

// choice is the line of an offer that we accept, and how.
type choice struct {
	index    int // of the audio line; -1: there is none, and rejected is set
	pairs    []pair
	crypto   *cryptoLine // nil: plain RTP
	rejected bool        // no line is accepted
}

// GotOffer reads an offer of the far end and remembers it for
// [Negotiation.Answer], if it can be answered. An unanswered offer of ours is
// dropped by that; whether there may be one is a matter of the dialog (491).
//
// The error is a [*SyntaxError], [ErrNoAudio], [ErrNoCommonCodec] or
// [ErrSecurityRequired], and calls for a 488; the session goes on as it was. In a
// running session an offer without audio can be answered, whatever else it has:
// see [Negotiation.Proposal].
func (n *Negotiation) GotOffer(body []byte) error {
	n.remote = nil
	d, err := Parse(body)
	if err != nil {
		return err
	}
	if _, err := n.choose(d); err != nil {
		return err
	}
	n.remote, n.offer = d, nil
	return nil
}

// Answer returns the answer to the remembered offer, and the new agreement. Each
// line of the offer is answered in its place, those that are not used with port 0
// (RFC 3264 section 6). It may be called again, as for a 200 after a 183, and
// returns the same body unless [Negotiation.SetLocal] came between.
//
// The error is [ErrNoOffer], one of those of GotOffer if SetLocal made the offer
// unacceptable, or that of rand; then nothing has changed.
func (n *Negotiation) Answer() ([]byte, *Agreed, error) {
	if n.remote == nil {
		return nil, nil, ErrNoOffer
	}
	d := n.remote
	c, err := n.choose(d)
	if err != nil {
		return nil, nil, err
	}
	n.renewKeys()
	next := &agreement{
		media: refused(d.Media), audio: c.index, timing: d.Timing,
		agreed: &Agreed{Rejected: true},
	}
	if !c.rejected {
		m, a, err := n.accept(d, c)
		if err != nil {
			return nil, nil, err
		}
		next.media[c.index], next.agreed = m, a
		n.order = codecsOf(c.pairs)
		n.book.note(n.order)
	}
	n.now = next
	return n.print(next.media, next.timing), next.agreed, nil
}

// accept returns our side of the chosen line and what it comes to.
func (n *Negotiation) accept(d *Description, c *choice) (Media, *Agreed, error) {
	offered, r, theirs := &d.Media[c.index], d.remote(c.index), d.direction(c.index)
	voice, _ := firstAudio(c.pairs)
	codecs := codecsOf(c.pairs)
	direction := n.local.Direction.answer(theirs)
	a := &Agreed{
		Remote: r.rtp, RemoteRTCP: r.rtcp, RTCPMux: r.mux && muxable(codecs),
		Codec:      voice.send(),
		Receive:    codecs,
		PacketTime: d.packetTime(c.index, n.local.packetTime()),
		CanSend:    direction.sends() && !r.held,
		CanReceive: direction.receives(),
		RemoteHold: r.held || !theirs.receives(),
	}
	a.setEvents(c.pairs)
	a.setMux()
	var crypto []Attribute
	if c.crypto != nil {
		k, err := n.answerKey(&c.crypto.key)
		if err != nil {
			return Media{}, nil, err
		}
		a.LocalKey, a.RemoteKey = &k, &c.crypto.key
		crypto = []Attribute{k.attribute(c.crypto.name)}
	}
	m := Media{Kind: offered.Kind, Port: n.local.Port, Protocol: offered.Protocol}
	m.writeCodecs(a.Receive)
	local := n.local
	if a.RTCPMux {
		local.RTCPPort = 0
	}
	local.transport(&m, a.PacketTime, crypto, a.RTCPMux, direction)
	return m, a, nil
}

// codecsOf returns our codecs under the payload types of the offer, which the
// answer keeps (RFC 3264 section 6.1).
func codecsOf(pairs []pair) []Codec {
	list := make([]Codec, len(pairs))
	for i, p := range pairs {
		list[i] = p.ours
		list[i].PayloadType = p.theirs.PayloadType
	}
	return list
}

// answerKey returns our key for an answer to theirs. It is the one of before
// unless they changed theirs: a far end with a new key may be another device,
// which cannot know how far our old key's packet counter has come.
func (n *Negotiation) answerKey(theirs *Key) (Key, error) {
	if a := n.Agreed(); a != nil && a.RemoteKey != nil && !a.RemoteKey.Equal(theirs) {
		n.keys.forget(theirs.Suite)
	}
	s, _ := suiteOf(theirs.Suite)
	return n.keys.key(s, theirs.Tag)
}

// choose returns the line of d to accept, or a choice that accepts none: because
// we want no audio, or because a running session is offered none.
func (n *Negotiation) choose(d *Description) (*choice, error) {
	if n.local.NoAudio && n.now != nil {
		return n.without(d), nil
	}
	c, err := n.best(d)
	switch {
	case err != nil:
		return nil, err
	case n.local.NoAudio:
		return nil, ErrNoAudio
	case c != nil:
		return c, nil
	case n.now == nil || n.mustKeep(d):
		return nil, ErrNoAudio
	}
	return n.without(d), nil
}

// best returns the line of d that can be accepted: that of before, if there was
// one, else the first that can be used, but one with keys rather than one
// without. The error is that of the first line tried; nil, nil means that d has
// no audio line in use.
func (n *Negotiation) best(d *Description) (*choice, error) {
	var best *choice
	var failed error
	for _, i := range n.audioLines(d) {
		c, err := n.examine(d, i)
		if err != nil {
			if failed == nil {
				failed = err
			}
			continue
		}
		if best == nil || best.crypto == nil && c.crypto != nil {
			best = c
		}
	}
	if best != nil {
		return best, nil
	}
	return nil, failed
}

// mustKeep reports whether d, which has no audio in use, must not end our audio.
// A fax in its place is refused as a whole: the far end then goes on with audio.
// A line that could not be read says nothing, and neither do missing lines.
func (n *Negotiation) mustKeep(d *Description) bool {
	return n.hasAudio() && (len(d.Media) == 0 || slices.ContainsFunc(d.Media, func(m Media) bool {
		return m.isAudio() && m.Malformed || m.Port != 0 && strings.EqualFold(m.Kind, "image")
	}))
}

// without returns the choice that accepts no line of d. It remembers the place
// of the audio.
func (n *Negotiation) without(d *Description) *choice {
	i := n.now.audio
	if i < 0 || i >= len(d.Media) || !d.Media[i].isAudio() {
		i = slices.IndexFunc(d.Media, func(m Media) bool { return m.isAudio() })
	}
	return &choice{index: i, rejected: true}
}

// audioLines returns the indices of the audio lines of d that are in use, that of
// the session so far first.
func (n *Negotiation) audioLines(d *Description) []int {
	var list []int
	for i := range d.Media {
		if m := &d.Media[i]; m.isAudio() && m.Port != 0 {
			list = append(list, i)
		}
	}
	if n.now != nil {
		if at := slices.Index(list, n.now.audio); at > 0 {
			list = slices.Insert(slices.Delete(list, at, at+1), 0, n.now.audio)
		}
	}
	return list
}

// examine returns how line i of d can be accepted, or why it cannot.
func (n *Negotiation) examine(d *Description, i int) (*choice, error) {
	l, m := &n.local, &d.Media[i]
	p, ok := parseProfile(m.Protocol)
	switch {
	case strings.Contains(strings.ToUpper(m.Protocol), "TLS/RTP/"):
		return nil, ErrSecurityRequired // DTLS-SRTP, which has no keys for us
	case !ok || !isUnicast(d.connection(i).Addr()):
		return nil, ErrNoAudio
	}
	c := &choice{index: i, pairs: common(l.Codecs, m.codecs())}
	if l.OwnOrder {
		inOrderOf(l.Codecs, c.pairs)
	}
	c.pairs = withoutIdle(c.pairs)
	if _, ok := firstAudio(c.pairs); !ok {
		return nil, ErrNoCommonCodec
	}
	if l.Security != SecurityOff {
		c.crypto = l.pickCrypto(m)
	}
	if c.crypto == nil && (p.secure || l.Security == SecurityRequire) {
		return nil, ErrSecurityRequired
	}
	return c, nil
}

// pickCrypto returns the first crypto line of m whose suite we allow (RFC 4568
// section 5.1.2), or nil.
func (l *Local) pickCrypto(m *Media) *cryptoLine {
	lines, _ := m.cryptoLines()
	allowed := l.suites()
	for i := range lines {
		if slices.ContainsFunc(allowed, func(s suite) bool { return s.name == lines[i].key.Suite }) {
			return &lines[i]
		}
	}
	return nil
}
