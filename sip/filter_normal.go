package sip

import (
	"strconv"
	"strings"
)

// filterName returns the long form of a compact header name, and the usual
// spelling of a name that matters here (RFC 3261 section 7.3.3 and the IANA
// registry of header fields).
func filterName(name string) string {
	switch lower := strings.ToLower(name); lower {
	case "a":
		return "Accept-Contact"
	case "b", "referred-by":
		return "Referred-By"
	case "c", "content-type":
		return "Content-Type"
	case "d":
		return "Request-Disposition"
	case "e", "content-encoding":
		return "Content-Encoding"
	case "f", "from":
		return "From"
	case "i", "call-id":
		return "Call-ID"
	case "j":
		return "Reject-Contact"
	case "k", "supported":
		return "Supported"
	case "l", "content-length":
		return "Content-Length"
	case "m", "contact":
		return "Contact"
	case "n":
		return "Identity-Info"
	case "o", "event":
		return "Event"
	case "r", "refer-to":
		return "Refer-To"
	case "s", "subject":
		return "Subject"
	case "t", "to":
		return "To"
	case "u", "allow-events":
		return "Allow-Events"
	case "v", "via":
		return "Via"
	case "x", "session-expires":
		return "Session-Expires"
	case "y", "identity":
		return "Identity"
	case "cseq":
		return "CSeq"
	case "route":
		return "Route"
	case "record-route":
		return "Record-Route"
	case "max-forwards":
		return "Max-Forwards"
	}
	return name
}

// filterValues makes the form of a header value normal. Lists that the library
// reads badly come out as one value each.
func filterValues(name, value string) ([]string, *filterProblem) {
	switch name {
	case "Via", "Contact", "Route", "Record-Route":
		parts, ok := filterSplit(value, ',')
		if !ok {
			return nil, filterBad("Bad %s", name)
		}
		var out []string
		for _, p := range parts {
			if addressTrim(p) == "" {
				continue // a comma too many says nothing
			}
			normal, problem := filterPart(name, p)
			if problem != nil {
				return out, problem
			}
			out = append(out, normal)
		}
		return out, nil
	case "From", "To", "Refer-To", "Referred-By":
		normal, problem := filterPart(name, value)
		return []string{normal}, problem
	case "Content-Type", "Event", "Session-Expires", "Content-Disposition":
		if tight, ok := filterTight(value); ok {
			value = tight
		}
	case "CSeq", "Content-Length", "Max-Forwards":
		value = strings.Join(strings.Fields(value), " ")
	}
	return []string{value}, nil
}

// filterPart makes one Via or one address normal.
func filterPart(name, value string) (string, *filterProblem) {
	tight, ok := filterTight(value)
	if !ok || tight == "" {
		return "", filterBad("Bad %s", name)
	}
	segments, _ := filterSplit(tight, ';')
	if name == "Via" {
		head, ok := filterSentBy(segments[0])
		if !ok {
			return "", filterBad("Bad Via")
		}
		segments[0] = head
	} else if name == "Contact" || name == "Route" || name == "Record-Route" {
		segments[0] = filterPlainQuotes(segments[0])
	}
	out := segments[:1]
	for _, s := range segments[1:] {
		key, v, has := strings.Cut(s, "=")
		if key == "" {
			continue
		}
		if filterKnown(key) {
			key = strings.ToLower(key)
		}
		if name == "Via" && strings.Contains(v, `"`) {
			// It would spoil what follows; in a Via a quoted string is rare.
			if v = strings.Trim(v, `"`); !addressToken(v) {
				continue
			}
		}
		if has {
			key += "=" + v
		}
		out = append(out, key)
	}
	return strings.Join(out, ";"), nil
}

// filterKnown reports whether the library looks for a parameter by this name
// in lower case.
func filterKnown(name string) bool {
	switch strings.ToLower(name) {
	case "tag", "branch", "received", "rport", "lr", "transport", "ttl", "maddr", "expires", "q", "method", "user":
		return true
	}
	return false
}

// filterSentBy makes "SIP / 2.0 / UDP host : port" normal.
func filterSentBy(s string) (string, bool) {
	parts := strings.SplitN(s, "/", 3)
	if len(parts) != 3 || !strings.EqualFold(addressTrim(parts[0]), "SIP") || addressTrim(parts[1]) != "2.0" {
		return "", false
	}
	words := strings.Fields(parts[2])
	if len(words) < 2 || !addressToken(words[0]) {
		return "", false
	}
	sentBy := strings.Join(words[1:], "")
	host, port := sentBy, ""
	if colon := strings.LastIndexByte(sentBy, ':'); colon > strings.LastIndexByte(sentBy, ']') {
		host, port = sentBy[:colon], sentBy[colon+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", false
		}
	}
	if _, err := uriHost(host); err != nil {
		return "", false
	}
	return "SIP/2.0/" + strings.ToUpper(words[0]) + " " + sentBy, true
}

// filterTight drops blanks around ";" and "=" and makes others one, outside
// quoted strings; between angle brackets it makes a URI normal. It reports
// false if a quote or a bracket is not closed.
func filterTight(s string) (string, bool) {
	var b strings.Builder
	last := byte(';') // leading blanks go
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"' || c == '<':
			end := filterEnd(s[i:])
			if end < 0 {
				return "", false
			}
			part := s[i : i+end]
			if c == '<' {
				part = "<" + filterURI(addressTrim(part[1:len(part)-1])) + ">"
			}
			b.WriteString(part)
			i += end - 1
			c = part[0]
		case c == ' ' || c == '\t':
			next := strings.TrimLeft(s[i:], " \t")
			if next == "" || next[0] == ';' || next[0] == '=' || last == ';' || last == '=' || last == ' ' {
				continue
			}
			c = ' '
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
		last = c
	}
	return b.String(), true
}

// filterPlainQuotes replaces escaped quotes in a display name, which the library
// takes for its end.
func filterPlainQuotes(s string) string {
	if !strings.Contains(s, `\"`) || s[0] != '"' {
		return s
	}
	b := []byte(s[:1])
	for i := 1; i < len(s); i++ {
		if s[i] == '"' {
			return string(b) + s[i:]
		}
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] == '"' {
				b = append(b, '\'')
				continue
			}
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return string(b)
}

// filterEnd returns the length of the quoted string or the bracketed URI that
// s begins with, -1 if it has no end.
func filterEnd(s string) int {
	if s[0] == '<' {
		if i := strings.IndexByte(s, '>'); i >= 0 {
			return i + 1
		}
		return -1
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// filterSplit splits s at sep outside quoted strings and angle brackets, and
// reports false if one of those is not closed.
func filterSplit(s string, sep byte) ([]string, bool) {
	var out []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"', '<':
			end := filterEnd(s[i:])
			if end < 0 {
				return append(out, s[start:]), false
			}
			i += end - 1
		case sep:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:]), true
}

// filterURI writes the names of well-known URI parameters in lower case.
func filterURI(s string) string {
	user, rest, ok := strings.Cut(s, "@")
	if !ok {
		user, rest = "", s
	} else {
		user += "@"
	}
	rest, headers, hasHeaders := strings.Cut(rest, "?")
	segments := strings.Split(rest, ";")
	out := segments[:1]
	for _, p := range segments[1:] {
		name, value, has := strings.Cut(p, "=")
		if name == "" && !has {
			continue
		}
		if filterKnown(name) {
			name = strings.ToLower(name)
		}
		if has {
			name += "=" + value
		}
		out = append(out, name)
	}
	rest = user + strings.Join(out, ";")
	if hasHeaders {
		rest += "?" + headers
	}
	return rest
}
