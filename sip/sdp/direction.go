package sdp

import "strings"

// A Direction says which way media may flow, seen from the side that writes it
// (RFC 3264 section 5.1).
type Direction uint8

// The directions. SendRecv is what a description without one means.
const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

// directions is indexed by Direction.
var directions = [...]string{"sendrecv", "sendonly", "recvonly", "inactive"}

// String returns the name of the attribute.
func (d Direction) String() string {
	if int(d) < len(directions) {
		return directions[d]
	}
	return "unknown"
}

func (d Direction) sends() bool    { return d == SendRecv || d == SendOnly }
func (d Direction) receives() bool { return d == SendRecv || d == RecvOnly }

func directionOf(sends, receives bool) Direction {
	switch {
	case sends && receives:
		return SendRecv
	case sends:
		return SendOnly
	case receives:
		return RecvOnly
	default:
		return Inactive
	}
}

// answer returns what the side that wishes d writes in its answer to offer: it
// may send only what the other receives, and the other way round (RFC 3264
// section 6.1).
func (d Direction) answer(offer Direction) Direction {
	return directionOf(d.sends() && offer.receives(), d.receives() && offer.sends())
}

// direction returns the direction that holds for media line i: its own, or else
// that of the session, or else SendRecv (RFC 8866 section 6.7).
func (d *Description) direction(i int) Direction {
	for _, list := range [][]Attribute{d.Media[i].Attributes, d.Attributes} {
		for _, a := range list {
			for n, name := range directions {
				if a.Value == "" && strings.EqualFold(a.Name, name) {
					return Direction(n)
				}
			}
		}
	}
	return SendRecv
}
