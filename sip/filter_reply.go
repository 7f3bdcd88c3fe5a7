package sip

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"net/netip"
	"strings"
)

// reply returns a response to a request that is not handed on, nil if there is
// nothing to answer or not enough to go by. The same request always gets the
// same To tag, as RFC 3261 section 8.2.7 asks of a server without state.
func (m *filterMsg) reply(p *filterProblem, remote netip.AddrPort) []byte {
	if !m.request || m.mute || m.method == "ACK" || p.code == 0 {
		return nil
	}
	vias := m.values("Via")
	if len(vias) == 0 || !strings.Contains(vias[0], ";branch=") {
		return nil
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", p.code, strings.TrimSpace(p.text))
	for i, via := range vias {
		if i == 0 {
			via = filterReceived(via, remote)
		}
		b.WriteString("Via: " + via + "\r\n")
	}
	for _, name := range []string{"From", "To", "Call-ID", "CSeq"} {
		values := m.values(name)
		if len(values) == 0 || values[0] == "" {
			return nil
		}
		value := values[0]
		if name == "To" && !strings.Contains(value, ";tag=") {
			h := fnv.New64a()
			h.Write([]byte(vias[0]))
			value += fmt.Sprintf(";tag=%016x", h.Sum64())
		}
		b.WriteString(name + ": " + value + "\r\n")
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return b.Bytes()
}

// filterReceived notes in a Via where its request came from (RFC 3581 section
// 4).
func filterReceived(via string, remote netip.AddrPort) string {
	if !remote.IsValid() {
		return via
	}
	segments := strings.Split(via, ";")
	out := segments[:1]
	for _, s := range segments[1:] {
		switch name, _, _ := strings.Cut(s, "="); name {
		case "received":
			continue
		case "rport":
			s = fmt.Sprintf("rport=%d", remote.Port())
		}
		out = append(out, s)
	}
	return strings.Join(out, ";") + ";received=" + remote.Addr().WithZone("").String()
}
