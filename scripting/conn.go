package scripting

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"parley/scripting/protocol"
)

// maxWaiting bounds the commands of one client that wait for earlier ones.
const maxWaiting = 16

// A conn is one connected program.
type conn struct {
	s   *Server
	raw net.Conn
	log *slog.Logger
	out *outbox

	ctx  context.Context // ends with the connection or the server
	stop context.CancelFunc
	gone context.Context // ends when the program sends no more

	protocol atomic.Int32 // version that the program speaks
	attached atomic.Bool  // it was let in, and is sent notifications

	// The rest belongs to the goroutine that carries out commands.
	who     Client
	granted bool   // by an answer that the person may take back
	after   func() // to be done when the reply is on its way
}

func newConn(s *Server, raw net.Conn, who Client) *conn {
	c := &conn{s: s, raw: raw, who: who, out: newOutbox()}
	c.log = s.log.With("pid", who.PID, "executable", who.Executable)
	c.protocol.Store(1) // until the program asks for another
	c.ctx, c.stop = context.WithCancel(s.ctx)
	return c
}

// run serves the connection until it ends, and returns when nothing of it is
// left.
func (c *conn) run() {
	defer c.stop()
	defer context.AfterFunc(c.ctx, func() {
		_ = c.raw.SetReadDeadline(time.Unix(1, 0)) // ends the reading
		_ = c.raw.SetWriteDeadline(time.Now().Add(flushTime))
	})()
	gone, leave := context.WithCancel(c.ctx)
	c.gone = gone
	lines := make(chan []byte, maxWaiting)
	var parts sync.WaitGroup
	parts.Go(func() {
		defer leave()
		defer close(lines)
		c.read(lines)
	})
	parts.Go(func() {
		defer c.stop()
		c.write()
	})
	for line := range lines {
		c.carryOut(line)
	}
	c.s.hub.detach(c)
	c.out.finish()
	parts.Wait()
	c.raw.Close()
}

// read hands lines on until the program sends no more.
func (c *conn) read(lines chan<- []byte) {
	r := bufio.NewReaderSize(c.raw, protocol.MaxLine)
	for {
		line, err := r.ReadSlice('\n')
		if len(line) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			select {
			case lines <- append([]byte(nil), line...):
			case <-c.ctx.Done():
				return
			}
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			c.put(protocol.Reply("", protocol.Errorf(protocol.LineTooLong, "").Error()))
			return
		}
		if err != nil {
			return
		}
	}
}

// write writes what is queued, until its end or the connection's.
func (c *conn) write() {
	for {
		lines, last := c.out.take()
		if len(lines) > 0 {
			if _, err := c.raw.Write(lines); err != nil {
				return
			}
		}
		if last {
			return
		}
	}
}

// put queues a line; a program that does not read is disconnected.
func (c *conn) put(line string) {
	if !c.out.put(line) {
		c.overflow()
	}
}

func (c *conn) overflow() {
	if c.ctx.Err() == nil {
		c.log.Warn("Program does not read and is disconnected")
		c.stop()
		c.out.finish()
	}
}

// carryOut carries out one command.
func (c *conn) carryOut(line []byte) {
	if c.ctx.Err() != nil {
		return
	}
	c.out.hold()
	cmd, err := protocol.Parse(line)
	text := ""
	if err == nil {
		text, err = c.s.execute(c, cmd)
	}
	if err != nil {
		var e *protocol.Error
		if !errors.As(err, &e) {
			e = protocol.Errorf(protocol.InternalError, "%v", err)
		}
		text = e.Error()
	}
	if !c.out.reply(protocol.Reply(cmd.ID, text)) {
		c.overflow()
	}
	if c.after != nil {
		c.after()
		c.after = nil
	}
}
