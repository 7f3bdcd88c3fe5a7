package storage

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxText bounds every setting that is a text, in bytes.
const maxText = 1024

// A rule says what a setting can be. The zero rule allows any text.
type rule struct {
	want  string            // what is allowed, for people
	words []string          // the only words allowed, of a text or in a list
	ok    func(string) bool // further condition on a text
	nums  []int64           // the only numbers allowed
	min   int64             // else the smallest
	max   int64             // and the largest
	zero  bool              // beside which 0 is allowed
	unit  time.Duration     // of the number, for durations
	least int               // shortest list

	each func([]string) error // of a list of texts that are no words: whether they are allowed
}

func (r rule) allowsText(s string) bool {
	if len(s) > maxText || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return false
	}
	if r.words != nil {
		return slices.Contains(r.words, s)
	}
	return r.ok == nil || r.ok(s)
}

func (r rule) allowsNumber(n int64) bool {
	if r.nums != nil {
		return slices.Contains(r.nums, n)
	}
	return n >= r.min && n <= r.max || r.zero && n == 0
}

// list returns in with each word as the rule spells it, and whether all are
// allowed and none occurs twice. The result shares nothing with in and is nil
// if it is empty.
func (r rule) list(in []string) ([]string, bool) {
	if len(in) < r.least {
		return nil, false
	}
	if r.each != nil {
		return r.texts(in)
	}
	var out []string
	for _, s := range in {
		i := slices.IndexFunc(r.words, func(w string) bool { return strings.EqualFold(w, s) })
		if i < 0 || slices.Contains(out, r.words[i]) {
			return nil, false
		}
		out = append(out, r.words[i])
	}
	return out, true
}

// texts is list for a list of texts that are no words.
func (r rule) texts(in []string) ([]string, bool) {
	if len(in) > maxList || r.each(in) != nil {
		return nil, false
	}
	for _, s := range in {
		// Get and Set separate the members by commas.
		if !r.allowsText(s) || strings.Contains(s, ",") || strings.TrimSpace(s) != s || s == "" {
			return nil, false
		}
	}
	return slices.Clip(slices.Clone(in)), true
}

// explain returns what is allowed and, where a list says more, what is wrong
// with this one.
func (r rule) explain(want string, list []string) string {
	if r.each == nil {
		return want
	}
	if len(list) > maxList {
		return want + fmt.Sprintf(" with at most %d members", maxList)
	}
	if err := r.each(list); err != nil {
		return want + "; " + err.Error()
	}
	return want
}

func words(w ...string) rule {
	return rule{want: "one of " + strings.Join(w, ", "), words: w}
}

func between(low, high int64) rule {
	return rule{want: fmt.Sprintf("a whole number from %d to %d", low, high), min: low, max: high}
}

func oneOf(n ...int64) rule {
	text := make([]string, len(n))
	for i := range n {
		text[i] = strconv.FormatInt(n[i], 10)
	}
	return rule{want: "one of the numbers " + strings.Join(text, ", "), nums: n}
}

// in returns the rule for a duration that is written as a number of units.
func (r rule) in(unit time.Duration) rule {
	r.unit = unit
	return r
}

// orZero returns the rule for a number that allows 0 too.
func (r rule) orZero() rule {
	r.want, r.zero = "0 or "+r.want, true
	return r
}

// optional returns the rule that allows the empty text too.
func optional(r rule) rule {
	ok := r.ok
	r.want += ", or empty"
	r.ok = func(s string) bool { return s == "" || ok(s) }
	return r
}

// codecRule allows a list of at least so many codecs.
func codecRule(least int) rule {
	names := []string{"opus", "G722", "PCMA", "PCMU"}
	want := "a list of different codecs out of " + strings.Join(names, ", ")
	if least > 0 {
		want += ", with at least one"
	}
	return rule{want: want, words: names, least: least}
}

var (
	languageRule = rule{want: `"system" or a language tag such as de or pt-BR`, ok: languageTag.MatchString}
	languageTag  = regexp.MustCompile(`^(system|[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4})$`)

	deviceRule = rule{
		want: `"default", "null", "file:PATH" or the name of a device`,
		ok:   func(s string) bool { return s != "" && s != "file:" },
	}
	nameRule     = rule{want: "a name", ok: func(s string) bool { return s != "" }}
	pathRule     = optional(rule{want: "an absolute path", ok: filepath.IsAbs})
	addressRule  = rule{want: "an address of the form user@domain", ok: isAddress}
	listenRule   = optional(rule{want: "an IP address, or IP address:port", ok: isListen})
	hostPortRule = optional(rule{want: "host or host:port", ok: isHostPort})
	proxyRule    = optional(rule{want: "a sip: or sips: URI, host or host:port", ok: isProxy})
	portRule     = between(0, 65535)
)

// isAddress reports whether s has the form user@host or user@host:port.
func isAddress(s string) bool {
	i := strings.LastIndexByte(s, '@')
	if i <= 0 || len(s) > 255 || strings.ContainsAny(s, "<>\"\\ ,;") || strings.ContainsFunc(s, unicode.IsSpace) {
		return false
	}
	return !strings.Contains(s[:i], "@") && isHostPort(s[i+1:])
}

// isHostPort reports whether s is a host name or IP address (an IPv6 address in
// brackets if a port follows), with or without a port.
func isHostPort(s string) bool {
	if isHost(s) {
		return true
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || !isHost(host) {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func isHost(s string) bool {
	if addr, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return addr.IsValid()
	}
	if s == "" || len(s) > 253 || strings.HasPrefix(s, "-") || strings.HasPrefix(s, ".") || strings.Contains(s, "..") {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_')
	})
}

func isListen(s string) bool {
	if _, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(s)
	return err == nil
}

func isProxy(s string) bool {
	lower := strings.ToLower(s)
	rest, isURI := strings.CutPrefix(lower, "sip:")
	if !isURI {
		rest, isURI = strings.CutPrefix(lower, "sips:")
	}
	if !isURI {
		return isHostPort(s)
	}
	if strings.ContainsAny(rest, "<>\" ") {
		return false
	}
	host, _, _ := strings.Cut(rest, ";")
	host, _, _ = strings.Cut(host, "?")
	return isHostPort(host[strings.LastIndexByte(host, '@')+1:])
}

// nearest returns the name closest to s if a typing mistake explains the
// difference, and "" if none is.
func nearest(s string, names []string) string {
	best, bestDistance := "", 3
	if len(s) < 5 {
		bestDistance = 2
	}
	if len(s) > 64 {
		return ""
	}
	for _, n := range names {
		if d := distance(s, n); d < bestDistance {
			best, bestDistance = n, d
		}
	}
	return best
}

// distance returns how many letters must be inserted, deleted, replaced, or
// exchanged with their neighbor to make b of a.
func distance(a, b string) int {
	before, last, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}
