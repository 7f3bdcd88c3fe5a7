package sip

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/netip"
	"time"
)

// A Network opens the sockets of an [Endpoint]. The package siptest has one
// that lives in memory. Addresses are concrete; port 0 means any free one.
type Network interface {
	// ListenPacket opens a datagram socket.
	ListenPacket(ctx context.Context, local netip.AddrPort) (net.PacketConn, error)
	// Listen opens a stream listener.
	Listen(ctx context.Context, local netip.AddrPort) (net.Listener, error)
	// Dial opens a stream from an address of ours. It blocks until connected.
	Dial(ctx context.Context, local netip.Addr, remote netip.AddrPort) (net.Conn, error)
	// Source tells the local address from which remote would be reached, or an
	// invalid address if that is not known.
	Source(remote netip.Addr) netip.Addr
}

// Config says how an [Endpoint] listens and whom it tells. Fields are read once.
type Config struct {
	Log       *slog.Logger // nil discards
	UserAgent string       // for User-Agent and Server

	// Listen holds concrete addresses. On each, UDP and TCP are opened with the
	// same port number; port 0 chooses one.
	Listen []netip.AddrPort
	// ListenTLS holds concrete addresses for TLS. It needs certificates in TLS.
	ListenTLS []netip.AddrPort
	// TLS is the template for every TLS connection; ServerName is set by route.
	TLS *tls.Config
	// TrustCertificate is asked when a server's certificate fails verification;
	// true accepts it all the same. The fingerprint is that of [CertificateError].
	// It may be called from any goroutine. nil trusts none.
	TrustCertificate func(host, fingerprint string) bool

	// VerifyServer is asked first in every TLS handshake of ours, with the name that
	// the server has to prove: that of the route, or its address where the route has
	// none. chain is what the server showed, never empty, its own certificate first;
	// that it holds the key of that one is proved already. decided says that err is
	// the verdict; it then comes back inside a [CertificateError], or the server is
	// trusted and calls through it are pinned, see [Call.Pin]. Else the certificate is
	// verified as any other. It may be called from several goroutines at once, and holds
	// up the handshake.
	VerifyServer func(serverName string, chain []*x509.Certificate) (decided bool, err error)

	// Resolver finds the next hop of requests inside a dialog and remembers
	// failed routes. nil: numeric hosts only.
	Resolver *Resolver
	Network  Network // nil: the machine's own
	Tracer   Tracer  // nil: none

	// ContactUser is the user part of our Contact, hard to guess.
	ContactUser string

	// OnCall is told of each admitted incoming call, on the call's goroutine. It
	// must not block. Events wait until [Call.SetHandler].
	OnCall func(*Call)
	// Admit decides on an INVITE outside any dialog before a Call exists, and on
	// an OPTIONS, which is answered as an INVITE would be (RFC 3261 section 11.2): 0
	// accepts, any other value is the status code to refuse with. nil accepts all.
	// It may be called from several goroutines at once.
	Admit func(Request) (code int)
	// Reliable and SessionTimer are for incoming calls. Where Extend is not nil it
	// decides instead, after Admit; it may be called from several goroutines.
	Reliable     Reliable
	SessionTimer SessionTimer
	Extend       func(Request) Extensions
	// OnTransportFailure is told when a listening socket was lost and could not
	// be opened again at once; attempts go on.
	OnTransportFailure func(err error)
	// OnTransportRecovered is told when such a socket is open again.
	OnTransportRecovered func()
}

// A Request is what admission may look at.
type Request struct {
	Method     string
	RequestURI URI
	Source     netip.AddrPort
	From, To   Address
	Transport  string // "udp", "tcp" or "tls"
	// PeerCertificate is what the TLS client at the other end of the connection
	// showed, if [Config].TLS asks clients for one. It holds the key, which is all that
	// was verified. nil without.
	PeerCertificate *x509.Certificate
}

// A Local is an address the endpoint listens on.
type Local struct {
	Transport string // "udp", "tcp" or "tls"
	Addr      netip.AddrPort
}

// A RegisterRequest asks for one complete REGISTER.
type RegisterRequest struct {
	AOR       Address // address of record: From and To
	Registrar URI     // Request-URI: the domain
	Routes    []Route // tried in order
	RouteSet  []string
	Auth      *Authorizer   // nil: none
	Expires   time.Duration // 0 removes our own contact, and no other
	// CallID is kept by the caller for the life of a registration. The endpoint
	// counts CSeq for each.
	CallID     string
	InstanceID string // "urn:uuid:…" for +sip.instance (RFC 5626), "" for none
	// Outbound asks the registrar to send calls over the flow of this request (RFC
	// 5626). It needs InstanceID. A registrar or proxy that cannot is asked again
	// without.
	Outbound bool
}

// A RegisterResult is what a registrar answered.
type RegisterResult struct {
	Code         int
	Reason       string
	Contact      URI           // the contact of ours
	Contacts     []URI         // every contact bound to the address, ours included
	Expires      time.Duration // granted to our contact; 0 if it is not bound
	Route        Route         // the route that worked
	ServiceRoute []string      // RFC 3608: Route values for requests outside dialogs, at most 10
	Outbound     bool          // the registrar took the flow for one of RFC 5626
	FlowTimer    time.Duration // the server gives up a flow that is silent for longer; 0: not told
}

// An InviteRequest asks for a call.
type InviteRequest struct {
	From, To Address
	Target   URI      // Request-URI
	Routes   []Route  // tried in order on 408, 503 and transport failures
	RouteSet []string // Route header fields, "<sip:…;lr>" each
	Auth     *Authorizer
	Body     []byte   // SDP offer; nil asks the far end for one
	Headers  []Header // further header fields
	// Replaces is the call that this one is to take the place of, or nil; a far
	// end that does not know how refuses with 420.
	Replaces *Replaces
	// ReferredBy is the Referred-By value of who asked for this call, or "".
	ReferredBy string
	// Reliable needs an offer in Body: without one it does not apply.
	Reliable     Reliable
	SessionTimer SessionTimer
	OnEvent      func(Event)
}
