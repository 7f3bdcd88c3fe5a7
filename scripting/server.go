package scripting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"parley/middleware"
	"parley/scripting/peer"
	"parley/scripting/protocol"
)

// maxClients bounds how many programs may be connected at a time.
const maxClients = 32

// flushTime bounds how long the end of the server waits for clients to read
// what was sent last.
const flushTime = time.Second

var (
	// ErrNotRunning is matched by a client's error when nobody listens.
	ErrNotRunning = protocol.ErrNotRunning
	// ErrDenied is matched by a client's error when the person does not allow
	// the program.
	ErrDenied = protocol.ErrDenied
	// ErrInUse is returned by [Server.Start] when another program listens
	// there already.
	ErrInUse = errors.New("scripting: another program listens there already")
)

// A Config holds what a server is made of.
type Config struct {
	Log     *slog.Logger
	App     *middleware.SIPApplication
	Path    string // of the socket, see [DefaultPath]
	Version string // of Parley

	// Ask asks the person whether a program may use Parley and waits for the
	// answer. ctx ends when the program has gone. It is called by one goroutine
	// at a time. Nil allows every program of the same user.
	Ask func(ctx context.Context, c Client) Decision

	// Open raises the window with target filled in, without dialing; an empty
	// target only raises it. Nil: there is no window.
	Open func(target string)

	// Quit ends Parley. It must not wait for the server to close.
	Quit func()
}

// A Client is a program that wants to use Parley.
type Client struct {
	Name       string // as it calls itself, safe to show
	PID        int    // 0 if unknown
	Executable string // absolute path as the system tells; empty if unknown
}

// A Decision is a person's answer about a program.
type Decision uint8

// The decisions. NotNow is not remembered.
const (
	NotNow Decision = iota
	Allow
	Deny
)

// A Server is the desktop API of one application.
type Server struct {
	config   Config
	log      *slog.Logger
	app      *middleware.SIPApplication
	hub      *hub
	commands map[string]handler
	asking   chan struct{} // capacity 1: the right to ask the person
	begun    time.Time

	ctx      context.Context // ends with the server
	stop     context.CancelFunc
	running  sync.WaitGroup
	listener net.Listener

	mu    sync.Mutex // guards what follows
	conns map[*conn]bool
}

// New makes a server, which does nothing before [Server.Start].
func New(c Config) *Server {
	s := &Server{
		config: c, log: c.Log, app: c.App,
		asking: make(chan struct{}, 1), conns: map[*conn]bool{},
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.hub = newHub(s)
	s.commands = s.table()
	return s
}

// Path returns where the server listens.
func (s *Server) Path() string { return s.config.Path }

// Start opens the socket and serves it until [Server.Close]. It does not block.
func (s *Server) Start() error {
	l, err := listen(s.config.Path)
	if err != nil {
		return err
	}
	s.listener = l
	s.follow()
	s.running.Go(s.accept)
	return nil
}

// follow begins to turn the application's notifications into lines.
func (s *Server) follow() {
	s.begun = time.Now()
	s.hub.start()
}

// Close ends all connections, after what was queued for them was written, and
// removes the socket. Calling it again does nothing.
func (s *Server) Close() {
	s.stop()
	if s.listener != nil {
		s.listener.Close() // removes the socket, too
	}
	s.hub.close()
	s.running.Wait()
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if s.ctx.Err() != nil {
			if err == nil {
				c.Close()
			}
			return
		}
		if err != nil {
			// Out of file descriptors, most likely: others may end.
			s.log.Warn("Connection not accepted", "err", err)
			select {
			case <-time.After(100 * time.Millisecond):
			case <-s.ctx.Done():
			}
			continue
		}
		who, err := identify(c)
		if err != nil {
			s.log.Warn("Connection refused", "err", err)
			c.Close()
			continue
		}
		s.serve(c, who)
	}
}

// identify finds out who is at the other end, and refuses other users.
func identify(c net.Conn) (Client, error) {
	p, err := peer.Of(c.(*net.UnixConn))
	if errors.Is(err, peer.ErrUnsupported) {
		return Client{}, nil // the socket's folder keeps other users out
	}
	if err != nil {
		return Client{}, err
	}
	if p.UID != os.Getuid() {
		return Client{}, fmt.Errorf("scripting: the program belongs to another user (%d)", p.UID)
	}
	return Client{PID: p.PID, Executable: p.Executable}, nil
}

// serve takes over a connection. It does not block.
func (s *Server) serve(raw net.Conn, who Client) {
	s.mu.Lock()
	full := len(s.conns) >= maxClients
	if !full {
		c := newConn(s, raw, who)
		s.conns[c] = true
		s.running.Go(func() {
			c.run()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		})
	}
	s.mu.Unlock()
	if full {
		_ = raw.SetWriteDeadline(time.Now().Add(flushTime))
		_, _ = raw.Write([]byte(protocol.Reply("", protocol.Errorf(protocol.TooManyClients, "").Error())))
		raw.Close()
		s.log.Warn("Too many programs are connected", "pid", who.PID, "executable", who.Executable)
	}
}

// clients returns how many programs are connected.
func (s *Server) clients() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}
