package sip

import (
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// allowedEvents are the event packages of NOTIFY that are understood.
const allowedEvents = "refer"

// Extensions says which optional parts of SIP a call makes use of. The zero
// value makes use of none.
type Extensions struct {
	Reliable     Reliable
	SessionTimer SessionTimer
}

// Reliable says whether provisional responses are acknowledged (RFC 3262).
type Reliable int

const (
	ReliableOff       Reliable = iota // never
	ReliableSupported                 // where the far end wants it or can do it
	ReliableRequired                  // calls do not come about without it
)

// A SessionTimer says how often each side proves that a call still exists (RFC
// 4028). A zero Expires means never. Neither value counts below 90 s.
type SessionTimer struct {
	Expires time.Duration // what is asked for
	MinSE   time.Duration // the least that is taken
}

// option tags (RFC 3261 section 19.2): RFC 3262, 4028, 3891 and 4488.
const (
	tagReliable   = "100rel"
	tagTimer      = "timer"
	tagReplaces   = "replaces"
	tagNoReferSub = "norefersub"
)

// checked returns x with its values brought within bounds.
func (x Extensions) checked() Extensions {
	t := &x.SessionTimer
	if t.Expires > 0 {
		t.MinSE = min(max(t.MinSE, minSession), maxSession)
		t.Expires = min(max(t.Expires, t.MinSE), maxSession)
	}
	return x
}

// tags are the option tags that a call carries out, for Supported and for the
// Require of others.
func (x Extensions) tags() []string {
	out := []string{tagReplaces, tagNoReferSub}
	if x.Reliable != ReliableOff {
		out = append(out, tagReliable)
	}
	if x.SessionTimer.Expires > 0 {
		out = append(out, tagTimer)
	}
	return out
}

// abilities are the header fields that tell a far end what it may ask of us.
// The tags in without are left out.
func (x Extensions) abilities(without ...string) []Header {
	tags := slices.DeleteFunc(x.tags(), func(tag string) bool { return slices.Contains(without, tag) })
	return []Header{{"Allow", allowedMethods}, {"Supported", strings.Join(tags, ", ")}}
}

// options are what an OPTIONS is answered (RFC 3261 section 11.2, RFC 6665
// section 4.4.4).
func (x Extensions) options() []Header {
	return append(x.abilities(), Header{"Accept", sdpType}, Header{"Allow-Events", allowedEvents})
}

// unsupported returns the option tags that req requires and that are not
// carried out. A non-empty result is to be answered with 420.
func (x Extensions) unsupported(req *sip.Request) []string {
	known := x.tags()
	return slices.DeleteFunc(listValues(req, "Require"), func(tag string) bool {
		return slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, tag) })
	})
}

// extensionsOf are those of an incoming call.
func (e *Endpoint) extensionsOf(about Request) Extensions {
	x := Extensions{Reliable: e.cfg.Reliable, SessionTimer: e.cfg.SessionTimer}
	if e.cfg.Extend != nil {
		x = e.cfg.Extend(about)
	}
	return x.checked()
}

// demand reports why an INVITE or OPTIONS cannot be taken with these extensions:
// the code and header fields to refuse it with, or 0.
func (x Extensions) demand(req *sip.Request) (code int, why []Header) {
	if unknown := x.unsupported(req); len(unknown) > 0 {
		return sip.StatusBadExtension, []Header{{"Unsupported", strings.Join(unknown, ", ")}}
	}
	if req.Method != sip.INVITE {
		return 0, nil
	}
	if x.Reliable == ReliableRequired && !offersOption(req, tagReliable) {
		return sip.StatusExtensionRequired, []Header{{"Require", tagReliable}}
	}
	if least, short := x.tooShort(req); short {
		return statusIntervalTooSmall, []Header{least}
	}
	return 0, nil
}

// offersOption reports whether the sender of m can or must use the option.
func offersOption(m sip.Message, tag string) bool {
	return hasOption(m, "Supported", tag) || hasOption(m, "Require", tag)
}

func hasOption(m sip.Message, field, tag string) bool {
	return slices.ContainsFunc(listValues(m, field), func(v string) bool { return strings.EqualFold(v, tag) })
}
