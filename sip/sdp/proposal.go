package sdp

import (
	"slices"
	"strings"
)

// A Proposal says what an offer of the far end would change in the streams of
// the session. What only changes how the audio runs, such as a hold or a codec,
// is none.
type Proposal struct {
	AddsAudio    bool     // audio that we can accept, where there is none
	RemovesAudio bool     // the audio of the session is switched off
	AddsChat     bool     // a message line (RFC 4975 section 8); it can only be rejected
	Others       []string // kinds of other lines in use, in lower case, each once; they can only be rejected
}

// Proposal compares the offer of the last GotOffer with what is agreed on. It
// does not depend on [Local.NoAudio], so that somebody can be asked before that
// is set. Between Answer and the next GotOffer it has no meaning; without an
// offer it is zero.
func (n *Negotiation) Proposal() Proposal {
	var p Proposal
	d := n.remote
	if d == nil {
		return p
	}
	c, err := n.best(d)
	p.AddsAudio = c != nil && !n.hasAudio()
	p.RemovesAudio = c == nil && err == nil && n.hasAudio()
	for i := range d.Media {
		m := &d.Media[i]
		kind := strings.ToLower(m.Kind)
		switch {
		case m.Port == 0 || m.isAudio():
		case kind == "message":
			p.AddsChat = true
		case !slices.Contains(p.Others, kind):
			p.Others = append(p.Others, kind)
		}
	}
	return p
}
