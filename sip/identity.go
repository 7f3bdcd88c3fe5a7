package sip

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Bounds of what is read out of one message.
const (
	maxAsserted   = 4
	maxDiversions = 16
	maxContacts   = 10
	// maxAnswerAfter is the longest delay that a caller may ask for.
	maxAnswerAfter = time.Hour
)

// An Identity is what a message says about its sender and its way, beside From
// and To. Anybody can write it: whether it is to be believed depends on where the
// message came from. Texts are cleaned.
type Identity struct {
	Asserted   []Address   // P-Asserted-Identity (RFC 3325)
	Diversions []Diversion // who passed the call on, the last one first
	Subject    string
	AlertInfo  string // URI of the first Alert-Info
	Privacy    bool   // the sender asked that it should not be shown (RFC 3323)

	after    time.Duration
	hasAfter bool
}

// A Diversion is somebody who was called first and passed the call on
// (Diversion, RFC 5806, or History-Info, RFC 7044).
type Diversion struct {
	Address
	Reason string // "user-busy", "no-answer", "unconditional" …, "" if not said
}

// AnswerAfter returns the delay after which the caller asks that its call is
// answered without a person, and whether it asks for that (Call-Info with
// answer-after, Alert-Info with answer-after or info=alert-autoanswer).
func (i Identity) AnswerAfter() (time.Duration, bool) { return i.after, i.hasAfter }

// Identity returns what the incoming INVITE says about its sender, or what the
// newest response to an outgoing one says about theirs. The caller must not
// change it.
func (c *Call) Identity() Identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.identity
}

// setIdentity takes in what a message says. A response that says nothing about
// its sender leaves what an earlier one said.
func (c *Call) setIdentity(m sip.Message) {
	i := identityOf(m)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(i.Asserted) == 0 {
		i.Asserted = c.identity.Asserted
	}
	c.identity = i
}

func identityOf(m sip.Message) Identity {
	i := Identity{Subject: CleanText(headerValue(m, "Subject"), 200)}
	for _, v := range elements(m, "P-Asserted-Identity", maxAsserted) {
		if a, err := ParseAddress(v); err == nil {
			i.Asserted = append(i.Asserted, a)
		}
	}
	for _, v := range elements(m, "Diversion", maxDiversions) {
		if a, err := ParseAddress(v); err == nil {
			reason, _ := a.Params.Get("reason")
			i.Diversions = append(i.Diversions, Diversion{a, CleanText(unquote(reason), 40)})
		}
	}
	i.Diversions = withHistory(i.Diversions, elements(m, "History-Info", maxDiversions))
	for _, v := range listValues(m, "Privacy") {
		for kind := range strings.SplitSeq(v, ";") {
			switch strings.ToLower(strings.TrimSpace(kind)) {
			case "id", "user", "header":
				i.Privacy = true
			}
		}
	}
	alerts := elements(m, "Alert-Info", maxAsserted)
	if len(alerts) > 0 {
		uri, _ := cutURI(alerts[0])
		i.AlertInfo = CleanText(uri, 200)
	}
	for _, v := range slices.Concat(elements(m, "Call-Info", maxAsserted), alerts) {
		if d, ok := answerAfter(v); ok && !i.hasAfter {
			i.after, i.hasAfter = d, true
		}
	}
	return i
}

// cutURI cuts "<uri>;params". The URI may be of any scheme.
func cutURI(s string) (uri, params string) {
	if before, rest, ok := strings.Cut(s, "<"); ok && strings.TrimSpace(before) == "" {
		uri, params, _ = strings.Cut(rest, ">")
		return strings.TrimSpace(uri), strings.TrimPrefix(strings.TrimSpace(params), ";")
	}
	uri, params, _ = strings.Cut(s, ";")
	return strings.TrimSpace(uri), params
}

// answerAfter reads the wish for an automatic answer out of an element of
// Call-Info or Alert-Info.
func answerAfter(element string) (time.Duration, bool) {
	_, rest := cutURI(element)
	wanted, seconds := false, 0
	for rest != "" {
		var param string
		param, rest = cutParam(rest)
		name, value, _ := strings.Cut(param, "=")
		value = strings.ToLower(unquote(strings.TrimSpace(value)))
		n, err := strconv.Atoi(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "answer-after":
			if err != nil || n < 0 || n > int(maxAnswerAfter/time.Second) {
				return 0, false
			}
			wanted, seconds = true, n
		case "info":
			wanted = wanted || value == "alert-autoanswer"
		case "delay":
			if err == nil && n >= 0 && n <= int(maxAnswerAfter/time.Second) {
				seconds = n
			}
		}
	}
	return time.Duration(seconds) * time.Second, wanted
}

// withHistory adds what History-Info tells beyond Diversion. Of its entries, the
// oldest first, those were called before that another took the place of, not just
// the next hop of.
func withHistory(list []Diversion, entries []string) []Diversion {
	seen := make([]Address, 0, len(entries))
	for _, v := range entries {
		if a, err := ParseAddress(v); err == nil {
			seen = append(seen, a)
		}
	}
	for i := len(seen) - 2; i >= 0; i-- {
		reason, ok := divertedBy(seen[i], seen[i+1])
		a := Address{Name: seen[i].Name, URI: seen[i].URI.Clone(), Params: seen[i].Params}
		a.URI.Headers = nil
		a.URI.Params.Remove("cause")
		known := slices.ContainsFunc(list, func(d Diversion) bool { return d.URI.User == a.URI.User && d.URI.Host == a.URI.Host })
		private, _ := seen[i].URI.Headers.Get("Privacy")
		if ok && !known && private == "" && len(list) < maxDiversions {
			list = append(list, Diversion{a, reason})
		}
	}
	return list
}

// divertedBy tells why a call went on from one entry to the next: the cause of
// the next one's URI (RFC 4458) or of the Reason within the entry.
func divertedBy(from, to Address) (reason string, ok bool) {
	code, _ := to.URI.Params.Get("cause")
	if code == "" {
		within, _ := from.URI.Headers.Get("Reason")
		within = strings.NewReplacer("%3B", ";", "%3b", ";", "%3D", "=", "%3d", "=").Replace(within)
		_, params, _ := strings.Cut(within, ";")
		if n, _ := reasonParams(params); n >= 300 {
			code = strconv.Itoa(n)
		}
	}
	if code == "" {
		return "", to.Params.Has("mp")
	}
	return diversionReasons[code], true
}

// diversionReasons are the causes of RFC 4458 in the words of RFC 5806.
var diversionReasons = map[string]string{
	"302": "unconditional", "404": "unknown", "408": "no-answer", "480": "deflection",
	"486": "user-busy", "487": "deflection", "503": "unavailable", "600": "user-busy",
}

// bestContacts returns the addresses of a 3xx in the order of their q (RFC 3261
// section 8.1.3.4). One without q counts as 1.
func bestContacts(res *sip.Response) []Address {
	var out []Address
	for _, v := range elements(res, "Contact", maxContacts) {
		if a, err := ParseAddress(v); err == nil {
			out = append(out, a)
		}
	}
	weight := func(a Address) float64 {
		text, ok := a.Params.Get("q")
		q, err := strconv.ParseFloat(text, 64)
		switch {
		case !ok:
			return 1
		case err != nil || q < 0 || q > 1:
			return 0
		}
		return q
	}
	slices.SortStableFunc(out, func(a, b Address) int { return cmp.Compare(weight(b), weight(a)) })
	return out
}
