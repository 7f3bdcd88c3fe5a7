package sdp

import (
	"slices"
)

// offer is an offer of ours and what is needed to read its answer.
type offer struct {
	media     []Media
	audio     int  // index of the audio line in media; -1: there is none
	disabled  bool // the line is there, but with port 0
	direction Direction
	codecs    []Codec // with the payload types announced
	keys      []Key
	must      bool // no answer without keys is good enough
	mux       bool
	wasHeld   bool // the far end held the call when the offer was made
	answered  bool
}

// Offer returns a complete offer, and drops an offer of the far end that is still
// unanswered. All media lines of the session so far are in it, in their places,
// those other than our audio with port 0 (RFC 3264 section 8), and the audio too
// under [Local.NoAudio]. Audio that is added takes the place that audio had
// before, or else a new line at the end (section 8.1). The version differs from
// that of the last body only if the body does.
//
// If keys are wanted but rand fails, none are offered: under SecurityRequire the
// far end will refuse that.
func (n *Negotiation) Offer() []byte {
	l := &n.local
	o := &offer{audio: -1, direction: l.Direction, mux: l.RTCPMux, disabled: l.NoAudio}
	timing := ""
	if n.now != nil {
		o.media, o.audio, timing = refused(n.now.media), n.now.audio, n.now.timing
		o.mux = o.mux || n.now.agreed.RTCPMux
		o.wasHeld = n.now.agreed.RemoteHold
	}
	if !o.disabled {
		n.renewKeys()
		n.offerAudio(o)
	}
	n.offer, n.remote = o, nil
	return n.print(o.media, timing)
}

// offerAudio puts our audio into o.
func (n *Negotiation) offerAudio(o *offer) {
	l := &n.local
	switch {
	case o.audio >= 0:
	case len(o.media) < MaxMedia:
		o.media = append(o.media, Media{})
		fallthrough
	default: // no place is left for a new line, and all but ours are unused
		o.audio = len(o.media) - 1
		o.media[o.audio] = Media{Kind: "audio"}
	}
	old := o.media[o.audio]
	p := l.profile(old.Protocol)
	o.must = p.secure
	o.codecs = n.book.assign(n.inLastOrder(l.Codecs))
	o.mux = o.mux && muxable(o.codecs)

	m := Media{Kind: old.Kind, Port: l.Port, Protocol: p.String()}
	m.writeCodecs(o.codecs)
	var crypto []Attribute
	crypto, o.keys = n.offerKeys()
	l.transport(&m, l.packetTime(), crypto, o.mux, o.direction)
	o.media[o.audio] = m
}

// profile returns what to offer on a line that had the given protocol: encrypted
// if that is required, or if it was so and encryption is still wanted.
func (l *Local) profile(old string) profile {
	p, _ := parseProfile(old)
	p.secure = l.Security == SecurityRequire || p.secure && l.Security == SecurityPrefer
	return p
}

// inLastOrder returns codecs with those of our last answer in front, so that a
// hold does not change the codec of a call whose codec the far end chose.
func (n *Negotiation) inLastOrder(codecs []Codec) []Codec {
	place := func(c Codec) int {
		if i := slices.IndexFunc(n.order, c.same); i >= 0 {
			return i
		}
		return len(n.order)
	}
	list := slices.Clone(codecs)
	slices.SortStableFunc(list, func(a, b Codec) int { return place(a) - place(b) })
	return list
}

// offerKeys returns a crypto attribute for each suite, tagged from 1.
func (n *Negotiation) offerKeys() ([]Attribute, []Key) {
	if n.local.Security == SecurityOff {
		return nil, nil
	}
	var attributes []Attribute
	var keys []Key
	for i, s := range n.local.suites() {
		k, err := n.keys.key(s, i+1)
		if err != nil {
			return nil, nil
		}
		attributes = append(attributes, k.attribute(s.name))
		keys = append(keys, k)
	}
	return attributes, keys
}

// GotAnswer reads the answer to our offer. It may be called again for another
// answer to the same offer, as when a 200 follows a 183 or comes from another
// branch; the last one counts.
//
// An answer that rejects the audio line is no error: the result is Rejected, as
// it is for any answer to an offer without audio.
// The error is a [*SyntaxError], [ErrNoCommonCodec], [ErrSecurityRequired] where
// keys had to be in the answer or cannot be used, or [ErrNoOffer]; then nothing
// has changed.
func (n *Negotiation) GotAnswer(body []byte) (*Agreed, error) {
	o := n.offer
	if o == nil {
		return nil, ErrNoOffer
	}
	d, err := Parse(body)
	if err != nil {
		return nil, err
	}
	a := &Agreed{Rejected: true}
	if i := d.answerTo(o); i >= 0 {
		if a, err = n.readAnswer(d, i); err != nil {
			return nil, err
		}
	}
	timing := ""
	if n.now != nil {
		timing = n.now.timing
	}
	n.now = &agreement{media: o.media, audio: o.audio, timing: timing, agreed: a}
	o.answered = true
	return a, nil
}

// answerTo returns the index of the line that answers the audio line of o, or -1
// if it is rejected. It should be at the same place; some peers leave out lines.
func (d *Description) answerTo(o *offer) int {
	i := o.audio
	if i < 0 || o.disabled {
		return -1
	}
	if i >= len(d.Media) || !d.Media[i].isAudio() {
		i = slices.IndexFunc(d.Media, func(m Media) bool { return m.isAudio() })
	}
	if i < 0 || d.Media[i].Port == 0 || !isUnicast(d.connection(i).Addr()) {
		return -1
	}
	return i
}

// readAnswer returns what line i of d makes of our offer.
func (n *Negotiation) readAnswer(d *Description, i int) (*Agreed, error) {
	o, m, r := n.offer, &d.Media[i], d.remote(i)
	pairs := common(o.codecs, m.codecs())
	voice, ok := firstAudio(pairs)
	if !ok {
		return nil, ErrNoCommonCodec
	}
	theirs := d.direction(i)
	a := &Agreed{
		Remote: r.rtp, RemoteRTCP: r.rtcp, RTCPMux: o.mux && r.mux,
		Codec:      voice.send(),
		Receive:    receivable(o.codecs, pairs),
		PacketTime: d.packetTime(i, n.local.packetTime()),
		CanSend:    o.direction.sends() && theirs.receives() && !r.held,
		CanReceive: o.direction.receives() && theirs.sends(),
		RemoteHold: r.held || o.wasHeld,
	}
	if o.direction.sends() { // else the answer cannot tell
		a.RemoteHold = r.held || !theirs.receives()
	}
	a.setEvents(pairs)
	a.setMux()
	var err error
	a.LocalKey, a.RemoteKey, err = o.readKeys(m)
	return a, err
}

// receivable returns the codecs that may arrive after an answer: what we offered,
// and under the numbers of the answer too, since some peers send with their own.
func receivable(offered []Codec, pairs []pair) []Codec {
	list := slices.Clone(offered)
	for _, p := range pairs {
		c := p.ours
		c.PayloadType = p.theirs.PayloadType
		if !slices.ContainsFunc(list, func(o Codec) bool { return o.PayloadType == c.PayloadType }) {
			list = append(list, c)
		}
	}
	return list
}

// setEvents notes the telephone-event format to send beside a.Codec.
func (a *Agreed) setEvents(pairs []pair) {
	if c, ok := eventsFor(a.Codec.ClockRate, pairs); ok {
		a.HasEvents, a.EventPT, a.EventRate = true, c.PayloadType, c.ClockRate
	}
}

// setMux makes RTCP go where RTP goes if that was agreed on.
func (a *Agreed) setMux() {
	if a.RTCPMux {
		a.RemoteRTCP = a.Remote
	}
}

// readKeys returns the keys agreed on by the answer m: its first line that
// repeats tag and suite of one of ours (RFC 4568 section 5.1.3). A line that has
// only the suite right will do.
func (o *offer) readKeys(m *Media) (local, remote *Key, err error) {
	lines, present := m.cryptoLines()
	for _, tagged := range []bool{true, false} {
		for _, c := range lines {
			i := slices.IndexFunc(o.keys, func(k Key) bool {
				return k.Suite == c.key.Suite && (k.Tag == c.key.Tag || !tagged)
			})
			if i >= 0 {
				return &o.keys[i], &c.key, nil
			}
		}
	}
	// A peer that answered keys with others of no use to us will encrypt.
	if o.must || present && len(o.keys) > 0 {
		return nil, nil, ErrSecurityRequired
	}
	return nil, nil, nil
}
