package middleware

import (
	"time"

	"parley/middleware/bus"
)

// A Neighbour is somebody on the local network who can be called without a
// server, as known at one moment. It never changes; a newer one has a larger Rev.
// Its texts come from the network and are safe to show.
type Neighbour struct {
	// ID is the instance id of the neighbour's program. A phone that tells none has
	// its service name, "#" and its host's instead, and so has whoever claims an id
	// that another one has already. It stays the same for as long as the neighbour is
	// there, and, for those with an instance id, over restarts.
	ID  string
	Rev uint64

	Name  string // as the neighbour calls itself
	Host  string // name of its machine, without ".local"; may be empty
	State NeighbourState
	Note  string

	// Target is what [DialRequest].Target calls the neighbour by. It is good for as
	// long as ID is and may be kept.
	Target    string
	URI       string // that would be called now; empty where there is none
	Transport string // "tls", "tcp" or "udp"; empty where there is none
	Trust     NeighbourTrust
	Key       string // fingerprint of the key that is remembered, in hexadecimal; empty: none
	Problem   NeighbourProblem
	Namesake  bool // a neighbour whose key is remembered looks the same on a list and is another one

	Since time.Time // when it was found
}

// Title returns the neighbour's name as lists show it: "name (host)".
func (n Neighbour) Title() string {
	switch {
	case n.Host == "":
		return n.Name
	case n.Name == "":
		return n.Host
	}
	return n.Name + " (" + n.Host + ")"
}

// Callable reports whether the neighbour can be called now.
func (n Neighbour) Callable() bool { return n.Problem == "" }

// A NeighbourState is what a neighbour says it is doing.
type NeighbourState string

// The states. Of others the text is kept as it came.
const (
	NeighbourAvailable NeighbourState = "Available"
	NeighbourAway      NeighbourState = "Away"
	NeighbourBusy      NeighbourState = "Busy"
	NeighbourUnknown   NeighbourState = "" // it does not say
)

// A NeighbourTrust says how sure it is that a call reaches this neighbour and
// nobody else.
type NeighbourTrust string

// The degrees of trust.
const (
	// TrustNone: the neighbour takes no encrypted calls.
	TrustNone NeighbourTrust = "none"
	// TrustNew: calls are encrypted. The key will be remembered at the first one.
	TrustNew NeighbourTrust = "new"
	// TrustKnown: calls are encrypted, and go through with the remembered key only.
	TrustKnown NeighbourTrust = "known"
	// TrustBroken: somebody answered for the neighbour who has not the key that is
	// remembered, or claims its id. It is not called where that happened until
	// [BonjourAccount.ForgetNeighbour], until it has proved its key there, or until it
	// left the network and came back.
	TrustBroken NeighbourTrust = "broken"
)

// A NeighbourProblem says why a neighbour cannot be called.
type NeighbourProblem string

// The problems; the empty one is none.
const (
	ProblemNoAddress  NeighbourProblem = "no-address" // it has no address that can be called
	ProblemLinkLocal  NeighbourProblem = "link-local" // it has link-local IPv6 addresses only
	ProblemKeyChanged NeighbourProblem = "key"        // see [TrustBroken]
	ProblemNotSecure  NeighbourProblem = "not-secure" // its key is remembered, but it takes no encrypted calls now
)

// A BonjourState says what the [BonjourAccount] can do.
type BonjourState string

// The states.
const (
	BonjourOff       BonjourState = "off"        // not enabled, or the application does not run or is kept off the local network
	BonjourStarting  BonjourState = "starting"   // the network is asked whether the names are free
	BonjourOn        BonjourState = "on"         // announced, and looking for others
	BonjourNoNetwork BonjourState = "no-network" // there is no interface that can do multicast
	BonjourBlocked   BonjourState = "blocked"    // the system does not let us use multicast
)

// A BonjourSnapshot is all that is known of the [BonjourAccount] at one moment.
type BonjourSnapshot struct {
	Rev         uint64
	State       BonjourState
	Err         string // what the system said, for BonjourBlocked
	DisplayName string // what we call ourselves
	Title       string // as the lists of neighbours show us: "name (host)"
	Contact     string // the URI at which neighbours call; empty while off
	Neighbours  int
}

// AboutNeighbour is the common part of the notifications of a neighbour.
type AboutNeighbour struct {
	bus.Note

	Neighbour string // its id
	Now       Neighbour
}

type (
	// BonjourAccountDidChange is posted after any change of the account's snapshot.
	// Not in sipsimple.
	BonjourAccountDidChange struct {
		bus.Note
		Now BonjourSnapshot
	}

	// BonjourAccountWillInitiateDiscovery is posted before the network is asked for
	// neighbours.
	BonjourAccountWillInitiateDiscovery struct {
		bus.Note
		Transports []string
	}

	// BonjourAccountDiscoveryDidFail is posted when the network cannot be asked. That
	// goes on being tried.
	BonjourAccountDiscoveryDidFail struct {
		bus.Note
		Reason string
	}

	// BonjourAccountWillRegister is posted before the contact is announced.
	BonjourAccountWillRegister struct{ bus.Note }

	// BonjourAccountRegistrationDidSucceed is posted for every service that the
	// network knows of now.
	BonjourAccountRegistrationDidSucceed struct {
		bus.Note
		Name      string // of the service instance
		Transport string // "udp", "tcp" or "tls"
	}

	// BonjourAccountRegistrationDidFail is posted when a service cannot be announced.
	// That goes on being tried.
	BonjourAccountRegistrationDidFail struct {
		bus.Note
		Reason    string
		Transport string
	}

	// BonjourAccountRegistrationDidEnd is posted when a service was taken back.
	BonjourAccountRegistrationDidEnd struct {
		bus.Note
		Name      string
		Transport string
	}

	// BonjourAccountDidAddNeighbour is posted when somebody was found.
	BonjourAccountDidAddNeighbour struct{ AboutNeighbour }

	// BonjourAccountDidUpdateNeighbour is posted when something of a neighbour changed.
	BonjourAccountDidUpdateNeighbour struct{ AboutNeighbour }

	// BonjourAccountDidRemoveNeighbour is posted when a neighbour is gone.
	BonjourAccountDidRemoveNeighbour struct{ AboutNeighbour }

	// BonjourAccountNeighbourKeyDidChange is posted when somebody answered for a
	// neighbour who has not the key that is remembered. Not in sipsimple.
	BonjourAccountNeighbourKeyDidChange struct {
		AboutNeighbour
		Presented string // fingerprint of the other key, in hexadecimal
	}
)

// NeighbourOf returns the neighbour that n is about, if it is about one.
func NeighbourOf(n bus.Notification) (Neighbour, bool) {
	if a, ok := n.(interface{ aboutNeighbour() Neighbour }); ok {
		return a.aboutNeighbour(), true
	}
	return Neighbour{}, false
}

func (a AboutNeighbour) aboutNeighbour() Neighbour { return a.Now }
