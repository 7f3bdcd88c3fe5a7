package sip

import (
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// extensions are the option tags that calls of ours carry out, for Supported
// and for the Require of others (RFC 3261 section 19.2): replaces (RFC 3891) and
// norefersub (RFC 4488).
var extensions = []string{"replaces", "norefersub"}

// abilities are the header fields that tell a far end what it may ask of us.
func abilities() []Header {
	return []Header{{"Allow", allowedMethods}, {"Supported", strings.Join(extensions, ", ")}}
}

// unsupported returns the option tags that req requires and that are not
// known here. A non-empty result is to be answered with 420.
func unsupported(req *sip.Request) []string {
	return slices.DeleteFunc(listValues(req, "Require"), func(tag string) bool {
		return slices.ContainsFunc(extensions, func(known string) bool { return strings.EqualFold(known, tag) })
	})
}
