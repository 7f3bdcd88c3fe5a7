package sip

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	filterMaxConns     = 512 // accepted connections in all
	filterMaxHostConns = 128 // and from one host
	filterMaxLoose     = 256
	filterReadSize     = 16 << 10
	filterReplyTime    = 5 * time.Second
)

// Listener wraps a stream listener so that its connections are filtered as
// those of [Filter.Conn]. For TLS it goes around the TLS listener. There is a limit
// to connections, in all and from one host: beyond it one is closed that was silent
// from its start, or has been for long and is not busy, or else the new one. One
// that stays silent from its start is closed after a minute.
func (f *Filter) Listener(l net.Listener) net.Listener { return &filterListener{l, f} }

type filterListener struct {
	net.Listener
	f *Filter
}

func (l *filterListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		wrapped := l.f.wrap(c)
		wrapped.first = time.Now().Add(filterFirstTime)
		out := l.f.admit(wrapped)
		if out != nil {
			l.f.count.refused.Add(1)
			go out.Close() // TLS says goodbye first, which may take it seconds
		}
		if out != wrapped {
			return wrapped, nil
		}
	}
}

// admit takes c in, and returns the connection that is to be closed for it: none,
// another one that is of less use, or c itself.
func (f *Filter) admit(c *filterConn) *filterConn {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hosts[c.host]++
	f.open = append(f.open, c)
	crowded := f.hosts[c.host] > filterMaxHostConns
	if !crowded && len(f.open) <= filterMaxConns {
		return nil
	}
	out := c
	for _, o := range f.open {
		if o == c || crowded && o.host != c.host {
			continue
		}
		heard := o.heard.Load()
		if heard == 0 { // the first of those
			out = o
			break
		}
		idle := time.Since(time.Unix(0, heard)) > filterIdleTime && (out == c || heard < out.heard.Load())
		if idle && (f.cfg.Busy == nil || !f.cfg.Busy(o.Conn)) {
			out = o
		}
	}
	f.leave(out)
	return out
}

// leave counts c no more. The mutex is held.
func (f *Filter) leave(c *filterConn) {
	i := slices.Index(f.open, c)
	if i < 0 {
		return // it had to make room
	}
	f.open = slices.Delete(f.open, i, i+1)
	if f.hosts[c.host]--; f.hosts[c.host] <= 0 {
		delete(f.hosts, c.host)
	}
}

// Conn wraps a stream connection, for TLS the TLS connection. Every Read then
// gives bytes of one message, all of it if there is room, or a keep-alive.
// Malformed requests are answered on the connection itself. A message that
// takes longer than 30 seconds to arrive, or too much that is no SIP, ends the
// stream.
func (f *Filter) Conn(c net.Conn) net.Conn { return f.wrap(c) }

func (f *Filter) wrap(c net.Conn) *filterConn {
	key := filterKey(c.LocalAddr(), c.RemoteAddr())
	f.mu.Lock()
	f.wrapped[key]++
	f.mu.Unlock()
	f.count.connections.Add(1)
	remote := filterAddrPort(c.RemoteAddr())
	return &filterConn{Conn: c, f: f, key: key, host: remote.Addr(), stream: filterStream{f: f, remote: remote}}
}

// filterConn is a connection under a filter. Its Read side belongs to one
// goroutine; the rest may be used by any.
type filterConn struct {
	net.Conn
	f      *Filter
	key    string
	stream filterStream
	units  [][]byte // found, not yet read
	buf    []byte
	first  time.Time // by when something must have come; zero: no limit
	host   netip.Addr
	heard  atomic.Int64 // when something came last, in Unix nanoseconds; 0: never

	close sync.Once
	mu    sync.Mutex
	limit time.Time // what the user of the connection asked for
}

func (c *filterConn) Read(p []byte) (int, error) {
	for len(c.units) == 0 {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.units[0])
	if c.units[0] = c.units[0][n:]; len(c.units[0]) == 0 {
		c.units = c.units[1:]
	}
	return n, nil
}

// fill waits for bytes and looks for messages in them.
func (c *filterConn) fill() error {
	due := c.due()
	if err := c.setDeadline(due); err != nil {
		return err
	}
	if c.buf == nil {
		c.buf = make([]byte, filterReadSize)
	}
	n, err := c.Conn.Read(c.buf)
	if n > 0 {
		emit := func(unit []byte) {
			c.first = time.Time{}
			c.heard.Store(time.Now().UnixNano())
			c.units = append(c.units, unit)
		}
		if bad := c.stream.feed(c.buf[:n], emit, c.reply); bad != nil {
			c.f.count.closed.Add(1)
			return bad
		}
		if len(c.units) > 0 {
			return nil
		}
	}
	if os.IsTimeout(err) && !due.IsZero() && !time.Now().Before(due) {
		c.f.count.slow.Add(1)
		return fmt.Errorf("no whole message in time: %w", errFilterStream)
	}
	return err
}

// due returns when the filter loses patience, zero for never.
func (c *filterConn) due() time.Time {
	if c.stream.partial() {
		return c.stream.begun.Add(filterMessageTime)
	}
	return c.first
}

// setDeadline makes the earlier of ours and the user's deadline the one that
// holds.
func (c *filterConn) setDeadline(due time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if due.IsZero() || !c.limit.IsZero() && c.limit.Before(due) {
		due = c.limit
	}
	return c.Conn.SetReadDeadline(due)
}

// SetReadDeadline takes effect at once, as on any connection.
func (c *filterConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = t
	return c.Conn.SetReadDeadline(t)
}

// SetDeadline takes effect at once, as on any connection.
func (c *filterConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = t
	return c.Conn.SetDeadline(t)
}

// reply answers a malformed request. A peer that does not read must not hold up
// the reading for long.
func (c *filterConn) reply(response []byte) {
	c.Conn.SetWriteDeadline(time.Now().Add(filterReplyTime))
	if _, err := c.Conn.Write(response); err == nil {
		c.f.count.answered.Add(1)
	}
	c.Conn.SetWriteDeadline(time.Time{})
}

// Close closes the connection; later calls do it again.
func (c *filterConn) Close() error {
	c.close.Do(func() {
		c.f.mu.Lock()
		if c.f.wrapped[c.key]--; c.f.wrapped[c.key] <= 0 {
			delete(c.f.wrapped, c.key)
		}
		c.f.leave(c)
		c.f.mu.Unlock()
		c.f.count.connections.Add(-1)
	})
	return c.Conn.Close()
}

// readLoose filters a stream that was not wrapped. Only unfinished messages
// are remembered, and not for long, since nobody tells when a connection ends.
func (f *Filter) readLoose(key string, data []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.wrapped[key] > 0 {
		return data, nil
	}
	now := time.Now()
	s := f.loose[key]
	if s == nil || s.partial() && now.Sub(s.begun) > filterMessageTime {
		s = &filterStream{f: f}
	}
	var out []byte
	err := s.feed(data, func(unit []byte) { out = append(out, unit...) }, func([]byte) {})
	if err != nil || !s.partial() {
		delete(f.loose, key)
		return out, err
	}
	if f.loose[key] == nil && len(f.loose) >= filterMaxLoose {
		for k, old := range f.loose {
			if now.Sub(old.begun) > filterMessageTime {
				delete(f.loose, k)
			}
		}
		if len(f.loose) >= filterMaxLoose {
			return out, errFilterStream
		}
	}
	f.loose[key] = s
	return out, nil
}
