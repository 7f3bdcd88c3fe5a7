package bonjour

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// maxQueued is how many packets of a link wait for the loop; more are dropped.
	maxQueued = 256
	// maxFails is how many packets in a row cannot be sent before the socket is opened
	// anew.
	maxFails = 3
	// askTime is how long after a question asked alone it may be answered (RFC 6762
	// section 6).
	askTime = 2 * time.Second
	// Between tries to open a link.
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// An attachment is a link that the engine speaks on, or tries to.
type attachment struct {
	link      Link
	conn      Conn // nil while it cannot be opened
	responder *responder
	querier   *querier
	queued    atomic.Int32 // packets that wait for the loop
	askedAt   time.Time    // when something was asked alone, last

	err     error // why nothing can be sent, or conn is nil
	fails   int   // packets in a row that could not be sent
	pause   time.Duration
	retryAt time.Time
}

// look compares the links of the machine with those that are in use.
func (e *Engine) look(now time.Time) {
	links, err := e.network.Links()
	e.linksErr = err
	if err != nil {
		return // what there is may well go on
	}
	for _, a := range slices.Clone(e.attachments) {
		if !slices.ContainsFunc(links, a.link.is) {
			e.detach(a)
		}
	}
	for _, l := range links {
		i := slices.IndexFunc(e.attachments, func(a *attachment) bool { return l.is(a.link) })
		switch {
		case i < 0:
			e.attach(now, l)
		case e.attachments[i].conn == nil:
			e.attachments[i].link = l // it is opened when its time has come
		case !slices.Equal(sortedAddrs(l), sortedAddrs(e.attachments[i].link)):
			e.relink(now, e.attachments[i], l)
		}
	}
}

// attach begins to use a link.
func (e *Engine) attach(now time.Time, l Link) {
	a := &attachment{link: l}
	e.attachments = append(e.attachments, a)
	e.begin(now, a)
}

// open opens the socket of a link, and tells whether that went well.
func (e *Engine) open(now time.Time, a *attachment) bool {
	conn, err := e.network.Open(a.link)
	if err != nil {
		e.failed(now, a, err)
		return false
	}
	a.conn = conn
	if a.fails == 0 {
		a.err = nil
	} else { // it has to show that it can send, and is given up at once if not
		a.fails = maxFails - 1
	}
	e.readers.Go(func() { e.read(a, conn) })
	return true
}

// begin opens a link, and makes the two that speak on it.
func (e *Engine) begin(now time.Time, a *attachment) {
	if !e.open(now, a) {
		return
	}
	send := func(m message) { e.multicast(time.Now(), a, m) }
	a.responder = newResponder(e.random, send, func(m message, to netip.AddrPort) { e.unicast(a, m, to) },
		e.says, e.dispute)
	a.querier = newQuerier(a.link, e.random, send, func(m message) { e.ask(time.Now(), a, m) }, e.emit)
	for _, b := range e.browsers {
		a.querier.browse(now, b.serviceType)
	}
	e.publishOn(now, a)
}

// retry opens again what could not be opened or used, when its time has come, and gives
// up what cannot send.
func (e *Engine) retry(now time.Time) {
	for _, a := range e.attachments {
		switch {
		case a.conn == nil && !a.retryAt.After(now):
			e.begin(now, a)
		case a.conn != nil && a.fails >= maxFails:
			e.broke(now, a, a.conn, a.err)
		}
	}
}

// read hands the packets of a link to the loop until the socket is closed.
func (e *Engine) read(a *attachment, conn Conn) {
	buf := make([]byte, MaxPacket+1) // one that is too long is seen to be
	for {
		n, meta, err := conn.Read(buf)
		if err != nil {
			e.inbox.Put(event{from: a, conn: conn, err: err})
			return
		}
		if a.queued.Add(1) > maxQueued {
			a.queued.Add(-1)
			continue
		}
		e.inbox.Put(event{from: a, packet: slices.Clone(buf[:n]), meta: meta})
	}
}

// awaits reports whether an answer is for everybody, or was asked for alone just now.
// Any other that comes to us alone nobody else could object to, nor does anybody else
// know it (RFC 6762 section 6).
func (a *attachment) awaits(now time.Time, from Meta) bool {
	return from.Multicast || from.Asked && now.Sub(a.askedAt) <= askTime
}

// broke deals with a link's socket that ended though nobody asked for it, or cannot
// send: the link is tried again, ever more rarely.
func (e *Engine) broke(now time.Time, a *attachment, conn Conn, err error) {
	if a.conn != conn {
		return // it was closed by us
	}
	conn.Close()
	a.conn = nil
	a.querier.close()
	e.failed(now, a, err)
}

// failed sets when a link is tried again.
func (e *Engine) failed(now time.Time, a *attachment, err error) {
	e.log.Warn("Bonjour cannot use a network link", "link", a.link.Name, "error", err)
	a.err = err
	a.pause = min(max(2*a.pause, firstRetry), lastRetry)
	a.retryAt = now.Add(a.pause)
}

// detach stops using a link.
func (e *Engine) detach(a *attachment) {
	e.attachments = slices.DeleteFunc(e.attachments, func(o *attachment) bool { return o == a })
	if a.conn != nil {
		a.conn.Close()
		a.conn = nil
		a.querier.close()
	}
}

// relink gives a link other addresses. With another network behind it, all that is
// published is probed for anew.
func (e *Engine) relink(now time.Time, a *attachment, l Link) {
	old := a.link
	a.link = l
	if old.families() != l.families() { // other groups are to be joined
		a.conn.Close()
		a.conn = nil
		if !e.open(now, a) {
			a.querier.close()
			return
		}
	}
	e.publishOn(now, a)
	a.querier.relink(now, l)
	if l.elsewhere(old) {
		a.responder.restart(now)
	}
}

// mine reports whether an address is one of this machine's.
func (e *Engine) mine(addr netip.Addr) bool {
	addr = addr.WithZone("").Unmap()
	return slices.ContainsFunc(e.attachments, func(a *attachment) bool {
		return slices.ContainsFunc(a.link.Addrs, func(p netip.Prefix) bool { return p.Addr() == addr })
	})
}
