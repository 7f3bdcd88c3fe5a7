package middleware

import "time"

// A FailureKind sorts failures by what a person can do about them.
type FailureKind uint8

// The kinds of failure.
const (
	NoFailure       FailureKind = iota
	Declined                    // 603 and the like: the person said no
	Busy                        // 486, 600
	NoAnswer                    // rang, nobody came: 408 after ringing, 480, our ring timeout
	NotFound                    // 404, 410, 484, 604: no such number or user
	Forbidden                   // 403
	BadPassword                 // the server refused the password
	NoCommonCodec               // 488, 415, 606, or nothing we know in the answer
	NeedsEncryption             // one side demands SRTP, the other has none
	ServerTimeout               // no answer from the server
	ServerTrouble               // 5xx
	HostNotFound                // the name does not exist
	Unreachable                 // refused, no route to it, connection lost
	BadCertificate              // TLS: see Failure.Certificate
	Unsupported                 // the server wants a login or an extension that is not to be had
	Canceled                    // given up before the answer
	Elsewhere                   // answered on another phone
	LostPeer                    // the far end vanished during the call
	NoMedia                     // local sockets could not be opened
	NoKeyring                   // the password store cannot be used
	Forwarded                   // we sent the caller elsewhere; Detail says where
	Blocked                     // a rule of ours turned the caller away
	Moved                       // 3xx that is not followed; Detail is the new address, if there is one
	Expired                     // the far end did not say in time that the call goes on (RFC 4028)
	KeyChanged                  // who answered for a neighbour has not the key that is remembered
	OtherFailure                // see Code and Reason
)

var failureNames = [...]string{
	"none", "declined", "busy", "no-answer", "not-found", "forbidden", "bad-password",
	"no-common-codec", "needs-encryption", "server-timeout", "server-trouble",
	"host-not-found", "unreachable", "bad-certificate", "unsupported", "canceled",
	"elsewhere", "lost-peer", "no-media", "no-keyring", "forwarded", "blocked", "moved", "expired", "key-changed", "other",
}

func (k FailureKind) String() string { return failureNames[k] }

// A Failure carries the facts of a failure; front ends carry the words.
type Failure struct {
	Kind    FailureKind
	Code    int    // SIP status code; 0 when none was involved
	Reason  string // the far end's phrase, safe to show
	Host    string // the server or domain concerned
	Account string // the account concerned
	Detail  string // the technical error, for "details"

	Certificate *Certificate // for BadCertificate
}

// A Certificate describes the certificate that was not accepted.
type Certificate struct {
	Check       string // which check failed: "expired", "name", "authority", "other"
	Subject     string
	Issuer      string
	NotAfter    time.Time
	Fingerprint string // SHA-256, hexadecimal
}
