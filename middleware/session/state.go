package session

import "fmt"

// A State is one of the nine states of a session, with the names of the SIP
// SIMPLE middleware API.
type State uint8

// The states. The zero value is a session that nothing was done with yet.
const (
	Null        State = iota
	Calling           // we call: routes are looked up, then the INVITE is out
	Incoming          // we are called and ring
	Accepting         // the call was accepted here; the ACK is still to come
	Established       // the dialog is confirmed
	Proposing         // we proposed to add streams
	Proposed          // the peer proposed to add streams
	Terminating       // the end was asked for; the peer has yet to confirm it
	Terminated        // over; nothing happens any more

	numStates
)

var stateNames = [numStates]string{
	"Null", "Calling", "Incoming", "Accepting", "Established",
	"Proposing", "Proposed", "Terminating", "Terminated",
}

func (s State) String() string {
	if s < numStates {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Active reports whether the session counts as one that is going on: it is
// neither Null nor Terminated.
func (s State) Active() bool { return s != Null && s != Terminated }

// An Exchange says which offer/answer exchange of a session is open. It is
// private to the rules: front ends see its outcome only.
type Exchange uint8

// The exchanges.
const (
	Idle          Exchange = iota // none is open
	LocalOffer                    // our offer is out
	LocalCanceled                 // our offer is out and being withdrawn
	RemoteOffer                   // the peer's offer waits for a person's decision
	RemoteAnswer                  // the peer's offer is being answered
	Offerless                     // the peer asked for our offer; its answer comes with the ACK

	numExchanges
)

var exchangeNames = [numExchanges]string{
	"Idle", "LocalOffer", "LocalCanceled", "RemoteOffer", "RemoteAnswer", "Offerless",
}

func (e Exchange) String() string {
	if e < numExchanges {
		return exchangeNames[e]
	}
	return fmt.Sprintf("Exchange(%d)", uint8(e))
}

// A Place is where a session stands: the key of the rules table.
type Place struct {
	State    State
	Exchange Exchange
}

func (p Place) String() string {
	if p.Exchange == Idle {
		return p.State.String()
	}
	return p.State.String() + "/" + p.Exchange.String()
}
