package middleware

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"parley/bonjour"
	"parley/sip"
)

// The types of services that are found and published: those of the sipsimple
// family, and those of other phones.
const (
	serviceUDP  = "_sipuri._udp"
	serviceTCP  = "_sipuri._tcp" // TLS too
	phoneUDP    = "_sip._udp"
	phoneTCP    = "_sip._tcp"
	localDomain = ".local"
	// hostSuffix is added to the name of the machine: the plain one belongs to the
	// system's own responder.
	hostSuffix = "-parley"
)

// serviceTypes lists what is looked for.
var serviceTypes = []string{serviceUDP, serviceTCP, phoneUDP, phoneTCP}

// What is taken of a record; the rest is cut off.
const (
	maxNeighbourName  = 80 // runes
	maxNeighbourState = 30
	maxNeighbourNote  = 200
	maxInstance       = 100 // bytes; a longer instance id counts as none
	maxHostAddrs      = 8
	maxContactParams  = 4
)

// A sighting is what one service instance on one link says, in a form that is
// safe to show. Nothing in it can be trusted.
type sighting struct {
	instanceName
	since time.Time

	id, hint  string // instance id and fingerprint of the key; empty if it does not tell
	called    string // the name that it gives itself
	machine   string // name of the host, as names are compared
	host      string // and as it is shown
	state     NeighbourState
	note      string
	transport string

	user      string // of the contact
	params    sip.Params
	port      uint16
	addrs     []netip.Addr // of its host, best first; without those that cannot be called
	linkLocal bool         // the host has link-local IPv6 addresses
}

// An instanceName names a service instance on one link.
type instanceName struct {
	service, name string
	link          int
}

func nameOf(in bonjour.Instance) instanceName { return instanceName{in.Type, in.Name, in.Link} }

// sight reads what was found.
func sight(in bonjour.Instance, now time.Time) sighting {
	s := sighting{instanceName: nameOf(in), since: now, port: in.Port, machine: strings.ToLower(in.Host), host: machineOf(in.Host)}
	text := textOf(in.Text)
	s.id, s.hint = instanceIDOf(text["instance_id"]), fingerprintOf(text["key"])
	s.called = sip.CleanText(text["name"], maxNeighbourName)
	s.note = sip.CleanText(text["note"], maxNeighbourNote)
	s.state = stateOf(text)
	s.readContact(text)
	s.readAddrs(in.Addrs)
	return s
}

// textOf reads the strings of a TXT record (RFC 6763 section 6.4): names are
// compared without case, the first of two counts, and a string without "=" has no
// value that could be used.
func textOf(strs []string) map[string]string {
	const most = 40
	m := map[string]string{}
	for _, s := range strs[:min(len(strs), most)] {
		name, value, found := strings.Cut(s, "=")
		name = strings.ToLower(name)
		if _, twice := m[name]; found && name != "" && !twice {
			m[name] = value
		}
	}
	return m
}

// instanceIDOf returns an instance id in the form in which ids are compared, or
// an empty string for what is none. It has no "#", which marks our own ids of
// neighbours without.
func instanceIDOf(text string) string {
	id := strings.ToLower(strings.TrimSpace(text))
	id = strings.TrimPrefix(strings.Trim(id, "<>\""), "urn:uuid:")
	odd := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("-._:{}", r))
	}
	if len(id) > maxInstance || strings.ContainsFunc(id, odd) {
		return ""
	}
	return id
}

// fingerprintOf returns a fingerprint in lower case, or an empty string for what
// is none.
func fingerprintOf(text string) string {
	text = strings.ToLower(text)
	if b, err := hex.DecodeString(text); err != nil || len(b) != 32 {
		return ""
	}
	return text
}

// isUUID reports whether an id has the form of a UUID.
func isUUID(id string) bool {
	return len(id) == 36 && id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-'
}

// madeOf reports whether an instance id is one of those that follow from a key (a
// UUID of version 8), and then whether from that with this fingerprint.
func madeOf(id, fingerprint string) (follows, fits bool) {
	if !isUUID(id) || id[14] != '8' {
		return false, false
	}
	u, err := hex.DecodeString(fingerprint)
	if err != nil || len(u) < 16 {
		return true, false
	}
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return true, id == fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

func stateOf(text map[string]string) NeighbourState {
	said, ok := text["state"]
	if !ok {
		said = text["status"] // as older programs call it
	}
	state := NeighbourState(sip.CleanText(said, maxNeighbourState))
	for _, known := range []NeighbourState{NeighbourAvailable, NeighbourAway, NeighbourBusy} {
		if strings.EqualFold(string(state), string(known)) {
			return known
		}
	}
	return state
}

// machineOf returns the name of a machine as people know it: without the domain,
// and without what Parley adds to keep out of the way of the system's own
// responder.
func machineOf(host string) string {
	host = strings.TrimSuffix(host, ".")
	if cut := len(host) - len(localDomain); cut >= 0 && strings.EqualFold(host[cut:], localDomain) {
		host = host[:cut]
	}
	plain := strings.TrimRightFunc(host, unicode.IsDigit)
	if plain = strings.TrimSuffix(plain, "-"); len(plain) < len(host) && strings.HasSuffix(plain, hostSuffix) {
		host = plain // renamed because of another one on the same machine
	}
	return sip.CleanText(strings.TrimSuffix(host, hostSuffix), maxNeighbourName)
}

// readContact finds out by which user and transport the phone wants to be called.
// The address in it counts for nothing.
func (s *sighting) readContact(text map[string]string) {
	s.transport = "udp"
	if strings.HasSuffix(s.service, "._tcp") {
		s.transport = "tcp"
	}
	for _, said := range []string{text["contact"], text["uri"], s.name} {
		u, err := contactURI(said)
		if err != nil {
			continue
		}
		if transport, _ := u.Params.Get("transport"); s.transport == "tcp" && (u.Secure() || strings.EqualFold(transport, "tls")) {
			s.transport = "tls"
		}
		s.user = u.User
		for _, p := range u.Params {
			if len(s.params) < maxContactParams && mayKeep(p) {
				s.params = append(s.params, p)
			}
		}
		break
	}
	isPhone := s.service == phoneUDP || s.service == phoneTCP
	if _, err := contactURI(s.name); s.called == "" && (isPhone || err != nil) {
		s.called = sip.CleanText(s.name, maxNeighbourName)
	}
}

// contactURI reads a contact. A service name is one only if it looks like that.
func contactURI(text string) (sip.URI, error) {
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, "<"); ok {
		text, _, _ = strings.Cut(rest, ">")
	}
	if head, _, _ := strings.Cut(strings.ToLower(text), ":"); head != "sip" && head != "sips" {
		if !strings.Contains(text, "@") {
			return sip.URI{}, ErrAddress
		}
		text = "sip:" + text
	}
	u, err := sip.ParseURI(text)
	if err == nil && (hasControl(u.User) || len(u.User) > maxInstance) {
		err = ErrAddress
	}
	return u, err
}

// mayKeep reports whether a parameter of a contact may stand in what is called:
// none that leads elsewhere.
func mayKeep(p sip.Param) bool {
	steering := []string{"transport", "maddr", "method", "ttl", "received", "rport", "lr"}
	return len(p.Name)+len(p.Value) <= maxInstance && !slices.Contains(steering, strings.ToLower(p.Name)) &&
		!hasControl(p.Name) && !hasControl(p.Value) && !strings.Contains(p.Name+p.Value, "%")
}

// readAddrs keeps the addresses that can be called, IPv4 first.
func (s *sighting) readAddrs(list []netip.Addr) {
	for _, a := range list {
		a = a.Unmap()
		switch {
		case a.Is6() && a.IsLinkLocalUnicast():
			s.linkLocal = true
		case !a.IsGlobalUnicast() && !(a.Is4() && a.IsLinkLocalUnicast()):
		case len(s.addrs) < maxHostAddrs && !slices.Contains(s.addrs, a.WithZone("")):
			s.addrs = append(s.addrs, a.WithZone(""))
		}
	}
	slices.SortStableFunc(s.addrs, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
}

// same reports whether two sightings say the same.
func (s *sighting) same(o *sighting) bool {
	return s.instanceName == o.instanceName && s.id == o.id && s.hint == o.hint && s.called == o.called && s.machine == o.machine && s.host == o.host &&
		s.state == o.state && s.note == o.note && s.transport == o.transport && s.user == o.user && s.port == o.port &&
		s.linkLocal == o.linkLocal && slices.Equal(s.params, o.params) && slices.Equal(s.addrs, o.addrs)
}
