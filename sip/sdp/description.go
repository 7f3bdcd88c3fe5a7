package sdp

import (
	"net/netip"
	"strings"
)

// A Description is one session description, as far as Parley has a use for it.
// The lines i=, u=, e=, p=, b=, r=, z= and k= are not kept.
type Description struct {
	Origin     Origin
	Name       string // s=, "-" when it was missing or empty
	Connection Connection
	Timing     string // t=, "0 0" when it was missing
	Attributes []Attribute
	Media      []Media
}

// Origin is the o= line (RFC 8866 section 5.2). The numbers stay text: peers
// send ones that fit no integer.
type Origin struct {
	Username, ID, Version string
	Address               Connection
}

// Connection is the value of a c= line (RFC 8866 section 5.7). The zero value
// means that there was none.
type Connection struct {
	Type string // "IP4" or "IP6"
	Host string // an address or a host name, without TTL
}

// Addr returns the address of c. It is invalid if c is empty or holds a host
// name; the package resolves none.
func (c Connection) Addr() netip.Addr {
	a, err := netip.ParseAddr(c.Host)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// connectionOf returns the c= value for a, which is 0.0.0.0 if a is invalid.
func connectionOf(a netip.Addr) Connection {
	if !a.IsValid() {
		a = netip.IPv4Unspecified()
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return Connection{Type: "IP4", Host: a.String()}
	}
	return Connection{Type: "IP6", Host: a.String()}
}

// isUnspecified reports whether nothing may be sent to c: 0.0.0.0, :: or a host
// below .invalid (RFC 3264 section 8.4, RFC 6337 section 5.4).
func (c Connection) isUnspecified() bool {
	host := "." + strings.ToLower(strings.TrimSuffix(c.Host, "."))
	return c.Addr().IsUnspecified() || strings.HasSuffix(host, ".invalid")
}

// An Attribute is one a= line. Value is empty for a property such as sendonly.
type Attribute struct {
	Name, Value string
}

// Media is one m= line with the lines below it.
type Media struct {
	Kind       string   // "audio", "video", "image", …, as it was spelled
	Port       int      // 0 to 65535; 0 means that the line is rejected or disabled
	Protocol   string   // "RTP/AVP", "udptl", …, as it was spelled
	Formats    []string // payload types or what the protocol has in their place
	Malformed  bool     // the m= line could not be read in full; Port is 0
	Connection Connection
	Attributes []Attribute
}

// isAudio reports whether m is an audio line.
func (m *Media) isAudio() bool { return strings.EqualFold(m.Kind, "audio") }

// find returns the value of the first attribute called name, in lower case.
func find(attributes []Attribute, name string) (value string, ok bool) {
	for _, a := range attributes {
		if strings.EqualFold(a.Name, name) {
			return a.Value, true
		}
	}
	return "", false
}

// connection returns the c= value that holds for media line i: its own, or else
// that of the session (RFC 8866 section 5.7).
func (d *Description) connection(i int) Connection {
	if c := d.Media[i].Connection; c.Host != "" {
		return c
	}
	return d.Connection
}

// attribute returns an attribute of media line i, or else of the session.
func (d *Description) attribute(i int, name string) (value string, ok bool) {
	if v, ok := find(d.Media[i].Attributes, name); ok {
		return v, true
	}
	return find(d.Attributes, name)
}
