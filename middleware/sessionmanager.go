package middleware

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/mailbox"
	"parley/media"
	"parley/media/codec"
	"parley/middleware/bus"
	"parley/middleware/session"
	"parley/sip"
	"parley/sip/sdp"
	"parley/storage"
)

// ErrStopping is returned for a call while the program ends.
var ErrStopping = errors.New("middleware: the program is ending")

// maxSessions bounds how many calls there may be at a time; further ones get
// busy.
const maxSessions = 32

// SessionManager is the central point of all sessions. Its methods may be used
// from any goroutine and do not block.
type SessionManager struct {
	log      *slog.Logger
	bus      *bus.Bus
	engine   *media.Engine
	formats  []codec.Format
	settings *storage.SettingsStore
	dir      string          // recordings, unless settings say otherwise
	app      *SIPApplication // nil for the calls of the Echo Test
	turn     atomic.Int64    // of the newest command

	transports transports
	conference conference

	mu       sync.Mutex // guards what follows
	sessions map[SessionID]*Session
	last     SessionID
	stopping bool
}

// Sessions returns all sessions that are neither Null nor Terminated, oldest
// first.
func (m *SessionManager) Sessions() []*Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := slices.Sorted(maps.Keys(m.sessions))
	list := make([]*Session, 0, len(ids))
	for _, id := range ids {
		if s := m.sessions[id]; s.Snapshot().State().Active() {
			list = append(list, s)
		}
	}
	return list
}

// Snapshots returns the snapshots of [SessionManager.Sessions].
func (m *SessionManager) Snapshots() []SessionSnapshot {
	sessions := m.Sessions()
	list := make([]SessionSnapshot, len(sessions))
	for i, s := range sessions {
		list[i] = s.Snapshot()
	}
	return list
}

// Session returns the session with that id while it is going on.
func (m *SessionManager) Session(id SessionID) (*Session, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[id]
	return s, ok
}

// A DialRequest says whom to call.
type DialRequest struct {
	Target  string // an address, a number, a name at the account's domain, or EchoTarget
	Account string // id of the account to call from; empty chooses
}

// Dial calls out and puts other calls on hold. The error is one of the target
// or the account; what happens to the call is told by notifications.
func (m *SessionManager) Dial(r DialRequest) (*Session, error) {
	t, account, peer, err := m.app.resolveTarget(r)
	if err != nil {
		return nil, err
	}
	peer = m.known(peer)
	s, err := m.dialTo(t, account, peer, func(*Session) {})
	if err != nil {
		return nil, err
	}
	s.command(event{in: session.Connect})
	return s, nil
}

// dialTo makes the session of a call to t, completed by fill.
func (m *SessionManager) dialTo(t target, account *Account, peer Peer, fill func(*Session)) (*Session, error) {
	return m.newSession(account, Outgoing, func(s *Session) {
		s.target = t
		s.now.Peer = peer
		if t.neighbour != nil {
			s.meet(t.neighbour)
		}
		s.now.Echo = t.endpoint == m.app.direct() && peer.URI == EchoTarget
		s.now.LocalURI, s.now.RemoteURI = t.from.URI.String(), t.uri.String()
		fill(s)
	})
}

func peerOf(a sip.Address) Peer {
	return Peer{Name: a.SafeName(), Address: sip.CleanText(a.URI.Address(), 200), URI: a.URI.String()}
}

// newSession makes a session, lets fill complete it and starts its goroutine.
func (m *SessionManager) newSession(account *Account, d Direction, fill func(*Session)) (*Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopping {
		return nil, ErrStopping
	}
	if len(m.sessions) >= maxSessions {
		return nil, fmt.Errorf("middleware: there are %d calls already", maxSessions)
	}
	m.last++
	s := &Session{
		id: m.last, m: m, account: account,
		log:   m.log.With("session", m.last),
		queue: mailbox.New[event](), done: make(chan struct{}),
		timers: map[*time.Timer]bool{},
		config: m.configFor(account),
		voice:  true,
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.now = SessionSnapshot{ID: s.id, Direction: d, Created: time.Now()}
	if account != nil {
		s.now.Account = account.id
	}
	s.plan.cancel = func() {}
	fill(s)
	s.now.Ringtone = s.config.ringtones.forSession(&s.now)
	s.update()
	m.sessions[s.id] = s
	go s.run()
	return s, nil
}

// forEcho returns a manager for the calls of the Echo Test, with the same
// settings and another engine. Nobody listens to its bus.
func (m *SessionManager) forEcho(engine *media.Engine) *SessionManager {
	return &SessionManager{
		log: m.log.With("end", "echo"), bus: new(bus.Bus), engine: engine, formats: m.formats,
		settings: m.settings, dir: m.dir, sessions: map[SessionID]*Session{},
	}
}

func (m *SessionManager) remove(s *Session) {
	m.mu.Lock()
	delete(m.sessions, s.id)
	m.mu.Unlock()
}

// holdOthers puts every call but s on hold, so that one is spoken to at a time. The
// members of a conference count as one: where s is a member, the others resume.
// Each decides on its own goroutine, where it is known what is under way. The
// Echo Test answers everybody at once.
func (m *SessionManager) holdOthers(s *Session, turn int64) {
	if m.app == nil {
		return
	}
	for _, o := range m.Sessions() {
		if o != s {
			joined := m.conference.joined(s.id, o.id)
			o.post(event{run: func() {
				switch {
				case m.conference.joined(s.id, o.id):
					o.resumeWith(turn)
				case !joined: // else one of them has left since
					o.yield(turn, s)
				}
			}})
		}
	}
}

// stop ends every session and waits for them, at most until ctx ends.
func (m *SessionManager) stop(ctx context.Context) {
	m.mu.Lock()
	m.stopping = true
	sessions := slices.Collect(maps.Values(m.sessions))
	m.mu.Unlock()
	for _, s := range sessions {
		s.leave()
	}
	m.await(ctx, sessions) // where the far end is silent the endpoint's end will end the call
}

func (m *SessionManager) openStream(c media.StreamConfig) (*media.Stream, error) {
	return m.engine.NewStream(c)
}

// format finds the media format of an agreed codec.
func (m *SessionManager) format(c sdp.Codec) codec.Format {
	return codec.Format{
		Name: c.Name, PayloadType: c.PayloadType, ClockRate: c.ClockRate,
		Channels: c.Channels, Fmtp: c.Fmtp, SampleRate: m.sampleRate(c),
	}
}

func (m *SessionManager) sampleRate(c sdp.Codec) int {
	for _, f := range m.formats {
		if strings.EqualFold(f.Name, c.Name) {
			return f.SampleRate
		}
	}
	return c.ClockRate
}
