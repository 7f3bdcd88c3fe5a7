package sip

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"syscall"
	"time"

	"github.com/emiago/sipgo/sip"
)

// sipgo refuses to write any datagram above its package variable UDPMTUSize
// less 200, responses included, and a refused response is lost. The limit of
// RFC 3261 section 18.1.1 is for requests only and is applied in flowFor. The
// variable belongs to the whole process, so this is the one place that sets it.
//
// What sipgo logs past the loggers it is given goes nowhere, for the same reason
// as in newStack; that default belongs to the process as well.
func init() {
	sip.UDPMTUSize = 65535 + 200
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
}

// errStackDials is what the stack gets when it wants to open a connection itself.
var errStackDials = errors.New("the stack opens no connections")

// noDialer and noResolver keep the stack from connecting to wherever the Via of a
// request points whose connection is gone: whoever sent that would choose where.
func noDialer(net.Addr) net.Dialer {
	return net.Dialer{Control: func(string, string, syscall.RawConn) error { return errStackDials }}
}

var noResolver = &net.Resolver{
	PreferGo: true,
	Dial:     func(context.Context, string, string) (net.Conn, error) { return nil, errStackDials },
}

// newParser leaves the addresses of transfers as they came: the library's own
// reading of them knows no tel URI and loses what it does not know.
func newParser() *sip.Parser {
	fields := maps.Clone(sip.DefaultHeadersParser())
	delete(fields, "refer-to")
	delete(fields, "referred-by")
	return sip.NewParser(sip.WithHeadersParsers(fields))
}

// Timers of RFC 3261 section 17.1.1.1, with their default values.
const (
	timerT1 = 500 * time.Millisecond
	timerT2 = 4 * time.Second
	// timerGiveUp is 64*T1: how long an answer is waited for or repeated.
	timerGiveUp = 64 * timerT1
)

const (
	// maxDatagram is the request size above which TCP is tried first (RFC 3261
	// section 18.1.1).
	maxDatagram = 1300
	// routePatience is how long an INVITE or REGISTER waits for any response
	// from one route while others are left.
	routePatience = 4 * time.Second
	// dialPatience bounds a TCP connect and TLS handshake.
	dialPatience = 5 * time.Second
	// switchPatience bounds the attempt to send a large request by TCP where
	// the route said UDP.
	switchPatience = time.Second
	// writePatience bounds one write to a stream.
	writePatience = 5 * time.Second
	// handshakePatience bounds the TLS handshake of an incoming connection.
	handshakePatience = 10 * time.Second
	// holdBack is how long a request that arrived ahead of its turn waits.
	holdBack = 200 * time.Millisecond
	// lingerTime is how long closed sockets stay known while closing down.
	lingerTime = 20 * time.Millisecond
	// provisionalEvery keeps proxies from giving up on a ringing call (RFC 3261
	// section 13.3.1.1).
	provisionalEvery = time.Minute
	// maxAuthTries bounds the challenges answered for one request.
	maxAuthTries = 4
)

const (
	allowedMethods = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY"
	sdpType        = "application/sdp"
)
