package sip

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// maxURI is the longest URI that ParseURI reads, in bytes.
const maxURI = 1024

// A URI is a SIP, SIPS, tel or callto address as [ParseURI] reads it.
//
// A URI is a value: copies share Params and Headers, so use [URI.Clone] before
// changing those. It has no "==": compare with [URI.Equal].
type URI struct {
	Scheme   string // "sip", "sips", "tel" or "callto"
	User     string // unescaped; a tel number without its visual separators; "" if none
	Password string // unescaped; deprecated (RFC 3261 section 19.1.1) but kept for round trips
	Host     string // lower case, an IPv6 address without brackets; "" for tel
	Port     int    // 0 if none was given
	Params   Params // ;name=value, escaped as on the wire
	Headers  Params // ?name=value&name=value, escaped as on the wire

	// wireUser is how User was written where [uriEscape] would write it in
	// another way: "%3B" and ";" are different users (RFC 3261 section 19.1.4).
	wireUser string
}

// A Param is one name and value. One without a value is written without "=".
type Param struct{ Name, Value string }

// Params is an ordered list of parameters. Names are compared without case.
type Params []Param

// Get returns the value of the first parameter called name and whether there
// is one.
func (p Params) Get(name string) (value string, ok bool) {
	for _, q := range p {
		if strings.EqualFold(q.Name, name) {
			return q.Value, true
		}
	}
	return "", false
}

// Has reports whether there is a parameter called name.
func (p Params) Has(name string) bool {
	_, ok := p.Get(name)
	return ok
}

// Set gives the first parameter called name a new value, or appends one.
func (p *Params) Set(name, value string) {
	for i := range *p {
		if strings.EqualFold((*p)[i].Name, name) {
			(*p)[i].Value = value
			return
		}
	}
	*p = append(*p, Param{name, value})
}

// Remove drops every parameter called name.
func (p *Params) Remove(name string) {
	*p = slices.DeleteFunc(*p, func(q Param) bool { return strings.EqualFold(q.Name, name) })
}

// Clone returns a copy that shares nothing with p.
func (p Params) Clone() Params { return slices.Clone(p) }

// String returns the URI as it goes on the wire. Whatever the fields hold, the
// result has no blank, no control character and no angle bracket.
func (u URI) String() string {
	var b strings.Builder
	b.WriteString(u.Scheme)
	b.WriteByte(':')
	if u.User != "" || u.Password != "" {
		b.WriteString(u.escapedUser())
		if u.Password != "" {
			b.WriteByte(':')
			b.WriteString(uriEscape(u.Password, uriPasswordBytes))
		}
		if u.Host != "" {
			b.WriteByte('@')
		}
	}
	b.WriteString(u.hostPort())
	for _, p := range u.Params {
		b.WriteByte(';')
		uriWriteParam(&b, p, uriParamBytes)
	}
	for i, h := range u.Headers {
		b.WriteByte("?&"[min(i, 1)])
		uriWriteParam(&b, h, uriHeaderBytes)
	}
	return b.String()
}

func (u URI) escapedUser() string {
	if u.wireUser != "" {
		if plain, err := uriUnescape(u.wireUser); err == nil && plain == u.User {
			return u.wireUser
		}
	}
	if u.Scheme == "tel" {
		return uriEscape(u.User, uriTelBytes)
	}
	return uriEscape(u.User, uriUserBytes)
}

func (u URI) hostPort() string {
	host := u.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.Port != 0 && host != "" {
		host += ":" + strconv.Itoa(u.Port)
	}
	return host
}

// Address returns the part of u that people read and type: user@host, or the
// number. It is cleaned by [CleanText] and meant for display only.
func (u URI) Address() string {
	s := u.hostPort()
	if u.User != "" {
		if s != "" {
			s = "@" + s
		}
		s = u.User + s
	}
	return CleanText(s, 256)
}

// IsZero reports whether u is no URI at all.
func (u URI) IsZero() bool {
	return u.Scheme == "" && u.User == "" && u.Host == ""
}

// Secure reports whether u asks for TLS on every hop (RFC 3261 section 26.2.2).
func (u URI) Secure() bool { return u.Scheme == "sips" }

// Clone returns a copy of u whose Params and Headers may be changed freely.
func (u URI) Clone() URI {
	u.Params, u.Headers = u.Params.Clone(), u.Headers.Clone()
	return u
}

// Equal compares two URIs as RFC 3261 section 19.1.4 says, and two tel URIs as
// RFC 3966 section 4 says. Hosts and parameters are compared without case, the
// user with it. A missing port differs from the default port.
func (u URI) Equal(v URI) bool {
	if u.Scheme != v.Scheme || u.Port != v.Port || !strings.EqualFold(u.Host, v.Host) || u.Password != v.Password {
		return false
	}
	strict := func(string) bool { return true }
	if u.Scheme == "tel" {
		return strings.EqualFold(u.User, v.User) &&
			uriParamsMatch(u.Params, v.Params, strict) && uriParamsMatch(v.Params, u.Params, strict)
	}
	if u.User != v.User {
		return false
	}
	return uriParamsMatch(u.Params, v.Params, uriDecides) && uriParamsMatch(v.Params, u.Params, uriDecides) &&
		uriParamsMatch(u.Headers, v.Headers, strict) && uriParamsMatch(v.Headers, u.Headers, strict)
}

// uriDecides reports whether a parameter makes a difference when only one of
// two URIs has it.
func uriDecides(name string) bool {
	switch strings.ToLower(name) {
	case "user", "ttl", "method", "maddr", "transport":
		return true
	}
	return false
}

// uriParamsMatch reports whether every parameter of p that q has too has the
// same value there, and whether q has all of p for which must is true.
func uriParamsMatch(p, q Params, must func(name string) bool) bool {
	for _, a := range p {
		b, ok := q.Get(a.Name)
		if !ok && must(a.Name) {
			return false
		}
		if ok && !strings.EqualFold(uriPlain(a.Value), uriPlain(b)) {
			return false
		}
	}
	return true
}

func uriPlain(s string) string {
	if plain, err := uriUnescape(s); err == nil {
		return plain
	}
	return s
}

// uriHost checks host and returns it in lower case, an IPv6 address without
// its brackets and in its shortest form.
func uriHost(host string) (string, error) {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		if !ok || err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", fmt.Errorf("%q is not an IPv6 address", host)
		}
		return addr.String(), nil
	}
	if host == "" || len(host) > 255 {
		return "", fmt.Errorf("host of %d bytes", len(host))
	}
	for i := range len(host) {
		if c := host[i]; !isAlnumByte(c) && c != '-' && c != '.' && c != '_' {
			return "", fmt.Errorf("character %q in host", c)
		}
	}
	return strings.ToLower(host), nil
}
