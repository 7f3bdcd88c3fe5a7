package middleware

import (
	"context"
	"net/netip"

	"parley/media"
	"parley/sip"
)

// echoName is what the Echo Test is called in the contact list.
const echoName = "Echo Test"

// echoTest is the far end of the Echo Test: an endpoint on the loopback
// interface that answers at once and sends back what it hears, through real SIP
// and real RTP. Its engine's sound device is one that hears itself a second
// later.
//
// It is an application in small: a session manager of its own, whose bus nobody
// listens to.
type echoTest struct {
	ep     *sip.Endpoint
	uri    sip.URI
	engine *media.Engine
	calls  *SessionManager
}

func newEchoTest(ctx context.Context, app *SIPApplication) (*echoTest, error) {
	c := app.config.Media
	c.Hardware, c.OnEvent = app.config.Echo, nil
	e := &echoTest{engine: media.New(c)}
	user := randomLetters(8)
	e.calls = app.sessions.forEcho(e.engine)
	cfg := app.sipConfig(user)
	cfg.Tracer = nil
	cfg.Listen = []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)}
	cfg.OnCall = e.answer
	cfg.Admit = func(r sip.Request) int {
		if r.RequestURI.User == user && r.Source.Addr().IsLoopback() {
			return 0
		}
		return 404
	}
	ep, err := sip.Listen(ctx, cfg)
	if err != nil {
		e.engine.Close()
		return nil, err
	}
	e.ep = ep
	e.uri = sip.URI{Scheme: "sip", User: user, Host: "127.0.0.1", Port: int(ep.Addrs()[0].Addr.Port())}
	e.engine.Start(media.DeviceChoice{Input: "default", Output: "default", Alert: "null"})
	return e, nil
}

// answer takes a call at once.
func (e *echoTest) answer(call *sip.Call) {
	if s := e.calls.incoming(call, nil); s != nil {
		s.Accept()
	}
}

func (e *echoTest) close(ctx context.Context) {
	e.calls.stop(ctx)
	_ = e.ep.Close(ctx) // bounded; there is nothing to tell
	e.engine.Close()
}
