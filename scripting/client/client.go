// Package client speaks the desktop API with a running Parley. It is what
// "phone ctl" is made of, and an example for other languages.
package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"parley/scripting/peer"
	"parley/scripting/protocol"
)

// protocolVersion is the version of the protocol that this client speaks.
const protocolVersion = 8

// maxBacklog bounds the notifications that wait to be taken, in lines. A client
// that does not want them all may leave them.
const maxBacklog = 1 << 16

// maxReply bounds one line from the server, in bytes.
const maxReply = 1 << 20

// ErrClosed is returned when the connection has ended.
var ErrClosed = errors.New("client: the connection to Parley has ended")

// An Error is an ERROR reply: its number and text. Number 68 matches
// protocol.ErrDenied.
type Error = protocol.Error

// A Client is a connection to a running Parley. Its methods may be used from
// any goroutine.
type Client struct {
	conn    net.Conn
	notes   chan string
	closing chan struct{} // closed by Close
	ended   chan struct{} // closed when nothing more comes
	running sync.WaitGroup

	writing sync.Mutex // held while a line is written

	mu      sync.Mutex // guards what follows
	last    int        // newest command id
	waiting map[string]chan string
	backlog []string
	lost    bool          // backlog has overflowed
	more    chan struct{} // capacity 1: backlog has grown
	closed  bool
}

// Dial connects to the Parley whose API listens at path and introduces the
// program as name, which the person there may have to allow first: ctx bounds
// the wait. The error matches protocol.ErrNotRunning if nobody is there, and
// protocol.ErrDenied if the person said no.
func Dial(ctx context.Context, path, name string) (*Client, error) {
	c, err := connect(ctx, path)
	if err != nil {
		return nil, err
	}
	for _, command := range []string{"NAME " + name, "PROTOCOL " + strconv.Itoa(protocolVersion)} {
		if _, err := c.Do(ctx, command); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// Open makes the Parley at path raise its window with target filled in; nothing
// is dialed. It needs no permission. An empty target only raises the window.
func Open(ctx context.Context, path, target string) error {
	c, err := connect(ctx, path)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Do(ctx, strings.TrimSpace("OPEN "+target))
	return err
}

func connect(ctx context.Context, path string) (*Client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	switch {
	case errors.Is(err, fs.ErrNotExist), peer.Refused(err):
		return nil, fmt.Errorf("%w: %s", protocol.ErrNotRunning, path)
	case err != nil:
		return nil, fmt.Errorf("client: %w", err)
	}
	if err := checkServer(conn); err != nil {
		conn.Close()
		return nil, err
	}
	return newClient(conn), nil
}

// checkServer makes sure that passwords go to a program of the same user.
func checkServer(conn net.Conn) error {
	p, err := peer.Of(conn.(*net.UnixConn))
	if errors.Is(err, peer.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	if p.UID != os.Getuid() {
		return fmt.Errorf("client: the socket belongs to another user (%d)", p.UID)
	}
	return nil
}

// newClient takes over conn.
func newClient(conn net.Conn) *Client {
	c := &Client{
		conn: conn, notes: make(chan string),
		closing: make(chan struct{}), ended: make(chan struct{}),
		waiting: map[string]chan string{}, more: make(chan struct{}, 1),
	}
	c.running.Go(c.read)
	c.running.Go(c.deliver)
	return c
}

// Do sends a command and returns its reply; an ERROR reply is returned as an
// *[Error]. It blocks until the reply is there, which for NAME can take as long
// as a person does, or ctx ends.
func (c *Client) Do(ctx context.Context, command string) (string, error) {
	if strings.ContainsAny(command, "\r\n\x00") {
		return "", errors.New("client: a command is one line")
	}
	if len(command) > protocol.MaxLine-20 {
		return "", errors.New("client: the command is too long")
	}
	reply := make(chan string, 1)
	c.mu.Lock()
	c.last++
	id := strconv.Itoa(c.last)
	c.waiting[id] = reply
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
	}()
	if err := c.write(ctx, "#"+id+" "+command+"\n"); err != nil {
		return "", err
	}
	select {
	case text := <-reply:
		return result(text)
	case <-c.ended:
		select {
		case text := <-reply:
			return result(text)
		default:
			return "", ErrClosed
		}
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func result(text string) (string, error) {
	if e := protocol.ParseError(text); e != nil {
		return "", e
	}
	return text, nil
}

// write sends a line. A write that ctx interrupts has ruined the connection,
// which is closed then.
func (c *Client) write(ctx context.Context, line string) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	_, err := c.conn.Write([]byte(line))
	if !stop() && err == nil {
		return ctx.Err()
	}
	if err != nil {
		return errors.Join(ErrClosed, ctx.Err())
	}
	return nil
}

// Notifications returns the channel of notifications, one line each. It is
// closed when the connection ends; see [Client.Err].
func (c *Client) Notifications() <-chan string { return c.notes }

// Err says after the end of the notifications whether some were dropped because
// nobody took them.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost {
		return fmt.Errorf("client: more than %d notifications were waiting", maxBacklog)
	}
	return nil
}

// Close ends the connection and returns when nothing of it is left. Calling it
// again does nothing.
func (c *Client) Close() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.closing)
	}
	c.mu.Unlock()
	c.conn.Close()
	c.running.Wait()
}

// read takes in lines until the connection ends.
func (c *Client) read() {
	defer close(c.ended)
	lines := bufio.NewScanner(c.conn)
	lines.Buffer(nil, maxReply)
	for lines.Scan() {
		line := strings.TrimSuffix(lines.Text(), "\r")
		id, text, isReply := protocol.SplitID(line)
		if !c.keep(id, text, isReply) {
			c.conn.Close()
			return
		}
	}
}

// keep hands a reply to the one who waits for it and queues a notification. It
// reports whether there was room.
func (c *Client) keep(id, text string, isReply bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if isReply {
		if reply := c.waiting[id]; reply != nil {
			delete(c.waiting, id)
			reply <- text
		}
		return true
	}
	if len(c.backlog) >= maxBacklog {
		c.lost = true
		return false
	}
	c.backlog = append(c.backlog, text)
	select {
	case c.more <- struct{}{}:
	default: // deliver has been told already
	}
	return true
}

// deliver moves the backlog into the channel, all of it even when the other
// side has ended, until Close.
func (c *Client) deliver() {
	defer close(c.notes)
	for {
		over := false
		select {
		case <-c.more:
		case <-c.ended:
			over = true
		case <-c.closing:
			return
		}
		c.mu.Lock()
		lines := c.backlog
		c.backlog = nil
		c.mu.Unlock()
		for _, line := range lines {
			select {
			case c.notes <- line:
			case <-c.closing:
				return
			}
		}
		if over {
			return
		}
	}
}

// Quote puts a value into the quotes that lists of KEY=VALUE take, as in
// CREATE ACCOUNT.
func Quote(value string) string { return protocol.Quote(value) }
