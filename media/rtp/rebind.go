package rtp

import (
	"net"
	"sync"
)

// sockets are a session's pair and the goroutines that read it.
type sockets struct {
	voice, control net.PacketConn
	reading        sync.WaitGroup
}

// read starts reading a pair.
func (s *Session) read(p *sockets) {
	for _, conn := range []net.PacketConn{p.voice, p.control} {
		p.reading.Add(1)
		s.running.Go(func() {
			defer p.reading.Done()
			s.readLoop(conn, conn == p.voice)
		})
	}
}

// close frees a pair, which ends its reading.
func (p *sockets) close() {
	p.voice.Close()
	p.control.Close()
}

// Rebind goes on with other sockets, as after this machine's address has changed:
// on the same SSRC, sequence, timestamps and SRTP contexts, and with the same
// counts. The old sockets are closed; what they have received and nobody has read
// is lost. A report goes out from the new ones at once, so that the far end learns
// where we are before signalling tells it.
//
// RFC 3550 section 8 wants another SSRC then, lest the far end takes us for a
// loop. It is kept all the same: receivers of voice follow the SSRC, and with
// SRTP another one would begin another line of packet indices.
//
// The session owns both sockets once Rebind has returned nil. After
// [Session.Close] it returns [ErrClosed]. It waits for callbacks that run and must
// not be called from one.
func (s *Session) Rebind(conn, control net.PacketConn) error {
	s.moving.Lock()
	defer s.moving.Unlock()
	next := &sockets{voice: conn, control: control}
	s.ctl.mu.Lock()
	s.tx.mu.Lock()
	old, closed := s.sockets, s.tx.closed
	if !closed {
		s.sockets = next
	}
	s.tx.mu.Unlock()
	s.ctl.mu.Unlock()
	if closed {
		return ErrClosed
	}
	old.close()
	old.reading.Wait() // handleVoice is for one goroutine at a time
	s.read(next)
	s.report(false)
	return nil
}
