package sip

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"time"
)

const (
	// filterMessageTime is how long a message may take to arrive once it has
	// begun, and filterFirstTime how long an accepted connection may stay
	// silent before its first message or keep-alive.
	filterMessageTime = 30 * time.Second
	filterFirstTime   = 60 * time.Second
	// filterIdleTime is how long nothing came over a connection that may be closed
	// for another one: as long as a transaction takes.
	filterIdleTime = 32 * time.Second

	filterMaxLine  = 4 << 10  // bytes of a line that does not end
	filterMaxSkip  = 1 << 20  // bytes of a body that is skipped with its message
	filterMaxWaste = 64 << 10 // bytes that are no SIP between two good messages
	filterMaxBad   = 50       // bad messages between two good ones
)

// errFilterStream is matched by the errors of connections that are given up.
// It is an end of file, for which the library closes without ado.
var errFilterStream = fmt.Errorf("sip: not a SIP stream: %w", io.EOF)

// filterStream finds the messages in a stream. It belongs to one goroutine.
type filterStream struct {
	f      *Filter
	buf    []byte
	remote netip.AddrPort
	skip   int       // bytes still to be dropped
	need   int       // bytes that must be there before it pays to look again
	begun  time.Time // when what is in buf began to arrive
	waste  int
	bad    int
}

// partial reports whether a message has begun to arrive.
func (s *filterStream) partial() bool { return len(s.buf) > 0 || s.skip > 0 }

// feed takes what arrived, and calls emit for each whole message or keep-alive
// and reply for each answer to a malformed request. An error means that the
// connection is to be closed.
func (s *filterStream) feed(data []byte, emit, reply func([]byte)) error {
	if !s.partial() {
		s.begun = time.Now()
	}
	s.buf = append(s.buf, data...)
	for {
		before := len(s.buf) + s.skip
		if err := s.step(emit, reply); err != nil {
			return err
		}
		if after := len(s.buf) + s.skip; after == 0 || after == before {
			break
		}
	}
	if len(s.buf) == 0 {
		s.buf = nil // a connection at rest holds nothing
	}
	return nil
}

// step takes one thing off the buffer, or nothing if more must arrive first.
func (s *filterStream) step(emit, reply func([]byte)) error {
	if n := min(s.skip, len(s.buf)); n > 0 {
		s.skip -= n
		s.drop(n)
		return nil
	}
	if s.skip > 0 || len(s.buf) == 0 || len(s.buf) < s.need {
		return nil
	}
	if n := len(s.buf) - len(bytes.TrimLeft(s.buf, "\r\n\x00")); n > 0 {
		s.lineEnds(n, emit)
		return nil
	}
	line := bytes.IndexByte(s.buf, '\n')
	if line < 0 {
		if len(s.buf) > filterMaxLine {
			s.f.count.garbage.Add(1)
			return errFilterStream
		}
		return nil
	}
	if !filterBegins(s.buf[:line]) {
		s.f.count.garbage.Add(1)
		if s.waste += line + 1; s.waste > filterMaxWaste {
			return errFilterStream
		}
		s.drop(line + 1)
		return nil
	}
	return s.message(emit, reply)
}

// lineEnds handles n bytes of line ends between messages. Four of them alone
// are a ping (RFC 5626 section 3.5.1), which the library answers.
func (s *filterStream) lineEnds(n int, emit func([]byte)) {
	switch ends := string(s.buf[:n]); ends {
	case "\r", "\r\n\r":
		if n == len(s.buf) {
			return // the rest may be on its way
		}
	case "\r\n", "\r\n\r\n":
		s.f.count.keepAlives.Add(1)
		emit([]byte(ends))
	}
	s.drop(n)
}

// message reads the message that the buffer begins with, if it is all there.
func (s *filterStream) message(emit, reply func([]byte)) error {
	head, body, ok := filterHead(s.buf)
	if !ok {
		if len(s.buf) > filterMaxHead {
			s.f.count.tooLarge.Add(1)
			return errFilterStream
		}
		return nil
	}
	used := len(s.buf) - len(body)
	m, problem := filterParse(head)
	length := max(m.length, 0)
	switch {
	case problem != nil:
	case m.length == -2:
		problem = filterBad("Bad Content-Length")
	case m.length == -1 && len(m.values("Content-Type")) > 0:
		problem = filterBad("No Content-Length") // RFC 3261 section 18.3
	case used+length > filterMaxMessage:
		problem = &filterProblem{kind: filterTooLarge, code: 513, text: "Message Too Large"}
	case length > len(body):
		s.need = used + length
		return nil
	}
	var out []byte
	if problem == nil {
		m.body = body[:length]
		out, problem = m.finish()
	}
	if problem != nil {
		return s.refuse(m, problem, used, length, reply)
	}
	s.f.count.passed.Add(1)
	s.waste, s.bad = 0, 0
	emit(out)
	s.drop(used + length)
	return nil
}

// refuse answers a bad message and goes on behind it.
func (s *filterStream) refuse(m *filterMsg, problem *filterProblem, used, length int, reply func([]byte)) error {
	s.f.dropped(problem, s.remote)
	if s.bad++; s.bad > filterMaxBad || length > filterMaxSkip {
		return errFilterStream
	}
	if response := m.reply(problem, s.remote); response != nil {
		reply(response)
	}
	s.drop(used)
	s.skip = length
	return nil
}

// drop takes n bytes off the buffer. What follows has begun to arrive now.
func (s *filterStream) drop(n int) {
	s.buf, s.need = s.buf[n:], 0
	s.begun = time.Now()
}
