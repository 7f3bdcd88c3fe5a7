// Package registration is the rule book of keeping an account registered
// (RFC 3261 section 10): when to refresh, and when to try again after what kind
// of failure.
//
// The package is pure: it reads no clock and draws no random number. The caller
// gives the chance as a number between 0 and 1.
package registration

import "time"

// A State is what the account list shows.
type State uint8

// The states.
const (
	Off           State = iota // disabled, or registration is not wanted
	Registering                // the first REGISTER, or one after a failure, is out
	Registered                 // the registrar holds our contact
	Failed                     // it does not; the account says why
	Unregistering              // taking our contact away
)

var stateNames = [...]string{"Off", "Registering", "Registered", "Failed", "Unregistering"}

func (s State) String() string { return stateNames[s] }

// A Failure is the kind of a failed REGISTER; it decides when to try again.
type Failure uint8

// The kinds of failure.
const (
	Temporary   Failure = iota // no answer, no route, 5xx, 408, 480: try again, each time later
	Refused                    // wrong password, forbidden, unknown user, locked keyring: only a person helps
	Untrusted                  // the certificate was not accepted: look again now and then
	Unsupported                // the server wants what we cannot do: as Refused
)

// The limits of waiting. A change of the account, of the network or a person's
// "try again" ends a wait at once.
const (
	FirstRetry   = 4 * time.Second
	LongestRetry = 5 * time.Minute
	TrustRetry   = 5 * time.Minute
	LastMinute   = 30 * time.Second // refresh this long before a registration ends
)

// Refresh returns how long after a success that lasts for expires the next
// REGISTER is due: early enough for one to be lost, spread by chance so that a
// restarted server is not met by all its phones at once.
func Refresh(expires time.Duration, chance float64) time.Duration {
	if expires <= 4*LastMinute {
		return max(expires/2, time.Second)
	}
	due := expires - LastMinute
	return due - time.Duration(chance*float64(due)/10)
}

// Retry returns how long to wait after the n-th failure in a row (n from 1) of
// that kind, and whether to try again at all without a person's doing. A
// positive retryAfter, from the server's Retry-After header, is honored. The waits
// are those of RFC 5626 section 4.5, doubled each time and of half to whole length by
// chance, but begin shorter and end sooner: a person is waiting.
func Retry(kind Failure, n int, retryAfter time.Duration, chance float64) (time.Duration, bool) {
	switch kind {
	case Refused, Unsupported:
		return 0, false
	case Untrusted:
		return TrustRetry, true
	}
	wait := FirstRetry
	for range min(n, 16) - 1 {
		wait *= 2
	}
	wait = min(wait, LongestRetry)
	wait = wait/2 + time.Duration(chance*float64(wait)/2)
	return max(wait, min(retryAfter, time.Hour)), true
}
