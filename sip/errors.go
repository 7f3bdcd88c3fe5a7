package sip

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrTimeout is matched when no final response came in time.
	ErrTimeout = errors.New("sip: no answer in time")
	// ErrClosed is returned by methods of a closed [Endpoint] or a [Call] that is over.
	ErrClosed = errors.New("sip: closed")
	// ErrState is returned by a method of a [Call] that makes no sense in its present state.
	ErrState = errors.New("sip: not possible in this state of the call")
	// ErrPending is returned by [Call.Reinvite] and [Call.Refer] while another of
	// their kind is open.
	ErrPending = errors.New("sip: another request of this kind is open")
	// ErrNoAck is matched when a 2xx response of ours, or a reliable provisional
	// one, was never acknowledged.
	ErrNoAck = errors.New("sip: the answer was not acknowledged")
	// ErrSessionExpired is matched when a call ended because its session timer was
	// not refreshed in time (RFC 4028).
	ErrSessionExpired = errors.New("sip: the session has expired")
	// ErrNoRoute is matched when a request was to be sent without any route.
	ErrNoRoute = errors.New("sip: no route to the destination")
	// ErrNoLocalAddress is matched when no listening address can reach a route.
	ErrNoLocalAddress = errors.New("sip: no suitable local address")
)

// A StatusError is a final response of 300 or more to a request of ours.
type StatusError struct {
	Method     string
	Code       int
	Reason     string        // their words, cleaned
	Warning    string        // text of the Warning header field, if any
	RetryAfter time.Duration // from Retry-After; for 491 the delay of RFC 3261 section 14.1
	Contacts   []Address     // of a 3xx, best first, at most 10
	Cause      int           // SIP cause of the Reason header field, 0 if none (RFC 3326)
	Q850       int           // its cause in the telephone network, 0 if none
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("sip: %s: %d %s", e.Method, e.Code, e.Reason)
}

// A TransportError reports that a request could not be brought to a route.
type TransportError struct {
	Route Route
	Err   error
}

func (e *TransportError) Error() string {
	return fmt.Sprintf("sip: %s %v: %v", e.Route.Transport, e.Route.Addr, e.Err)
}

func (e *TransportError) Unwrap() error { return e.Err }

// A CertificateError reports that a server's certificate was not accepted.
type CertificateError struct {
	Host        string // the name that was to be proved
	Check       string // the check that failed: "expired", "not yet valid", "name", "authority" or "other"
	Subject     string
	Issuer      string
	NotAfter    time.Time
	Fingerprint string // SHA-256 of the certificate, lower-case hexadecimal
	Err         error
}

func (e *CertificateError) Error() string {
	return fmt.Sprintf("sip: certificate of %s (%s, issued by %s) failed the %s check: %v", e.Host, e.Subject, e.Issuer, e.Check, e.Err)
}

func (e *CertificateError) Unwrap() error { return e.Err }
