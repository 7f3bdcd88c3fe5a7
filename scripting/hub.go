package scripting

import (
	"context"
	"strings"
	"sync"

	"parley/middleware"
	"parley/middleware/bus"
)

// A hub is what the server knows of the application, and whom it tells.
type hub struct {
	s      *Server
	app    *middleware.SIPApplication
	client *bus.Client

	mu         sync.Mutex // guards what follows; lines are queued under it, so all clients see one order
	conns      map[*conn]bool
	calls      map[int64]*call
	sessions   map[middleware.SessionID]*call
	ended      []int64                               // ids of ended calls in calls, oldest first
	accounts   map[string]middleware.AccountSnapshot // as last told
	connStatus string                                // CONNSTATUS as last told
	handle     string                                // CURRENTUSERHANDLE as last told
	variables  map[string]string                     // sound devices as last told
	conference middleware.ConferenceSnapshot         // as last told
	neighbours map[string]middleware.Neighbour       // by id, as last told
	bonjour    middleware.BonjourSnapshot            // as last told
	quiet      context.CancelFunc                    // ends the counting of seconds; nil when no call is up
}

func newHub(s *Server) *hub {
	h := &hub{
		s: s, app: s.app, client: bus.NewClient("desktop API"),
		conns: map[*conn]bool{}, calls: map[int64]*call{}, sessions: map[middleware.SessionID]*call{},
		accounts: map[string]middleware.AccountSnapshot{}, variables: map[string]string{},
		neighbours: map[string]middleware.Neighbour{},
	}
	bus.On(h.client, h.gotDigit)
	bus.On(h.client, h.gotTransferFailure)
	bus.On(h.client, h.gotConference)
	bus.On(h.client, func(n middleware.SIPAccountManagerDidAddAccount) { h.accountAdded(n.Now) })
	bus.On(h.client, func(n middleware.SIPAccountManagerDidRemoveAccount) { h.accountRemoved(n.Account) })
	bus.On(h.client, h.gotDefault)
	bus.On(h.client, h.gotSettings)
	bus.On(h.client, h.gotDevices)
	bus.On(h.client, func(n middleware.AudioDeviceDidFail) {
		h.tell(join("AUDIO", strings.ToUpper(n.Which), "LOST", n.Name))
	})
	bus.On(h.client, func(n middleware.AudioDeviceDidRecover) {
		h.tell(join("AUDIO", strings.ToUpper(n.Which), "RESTORED", n.Name))
	})
	bus.On(h.client, func(n middleware.AudioMuteDidChange) { h.tell("MUTE " + onOff(n.Muted)) })
	bus.On(h.client, h.gotUserStatus)
	bus.On(h.client, func(n middleware.SystemIPAddressDidChange) { h.tell("NETWORK " + onlineOffline(n.Online)) })
	bus.On(h.client, func(middleware.SystemWillSleep) { h.tell("SYSTEM SLEEP") })
	bus.On(h.client, func(middleware.SystemDidWakeUpFromSleep) { h.tell("SYSTEM AWAKE") })
	h.followContacts()
	h.followNeighbours()
	bus.OnAny(h.client, h.gotAny)
	return h
}

// start attaches to the bus and reads what is so now.
func (h *hub) start() {
	h.app.Bus().Attach(h.client)
	h.mu.Lock()
	for _, s := range h.app.SessionManager().Sessions() {
		h.addLocked(s.Snapshot(), s, "")
	}
	now := h.app.Audio().Snapshot()
	h.variables = devicesOf(now)
	h.conference = h.app.SessionManager().Conference()
	h.bonjour = h.s.bonjour().Snapshot()
	for _, n := range h.s.bonjour().Neighbours() {
		h.neighbours[n.ID] = n
	}
	accounts := h.app.AccountManager().Snapshots()
	for _, a := range accounts {
		h.accounts[a.ID] = a
	}
	h.connStatus, h.handle = connStatus(accounts, h.s.onLAN(h.bonjour)), defaultHandle(accounts)
	h.mu.Unlock()
	h.s.running.Go(func() { h.client.Run(context.Background()) })
}

// close detaches from the bus.
func (h *hub) close() {
	h.app.Bus().Detach(h.client)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.quiet != nil {
		h.quiet()
		h.quiet = nil
	}
}

// attach lets a client follow, beginning with how things are now.
func (h *hub) attach(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns[c] = true
	c.attached.Store(true)
	c.put("CONNSTATUS " + h.connStatus + "\n")
	if h.handle != "" {
		c.put("CURRENTUSERHANDLE " + h.handle + "\n")
	}
	c.put("USERSTATUS " + string(h.app.UserStatus()) + "\n")
}

func (h *hub) detach(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
	c.attached.Store(false)
}

// tell sends a line to all clients.
func (h *hub) tell(line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tellLocked(line)
}

func (h *hub) tellLocked(line string) {
	text := reply(line)
	for c := range h.conns {
		c.put(text)
	}
}

// gotAny follows what concerns sessions and accounts, whatever it is.
func (h *hub) gotAny(n bus.Notification) {
	if snap, ok := middleware.SessionOf(n); ok {
		_, fresh := n.(middleware.SIPSessionNewIncoming)
		if !fresh {
			_, fresh = n.(middleware.SIPSessionNewOutgoing)
		}
		h.await(snap)
		h.gotSession(snap, fresh)
		return
	}
	if snap, ok := middleware.AccountOf(n); ok {
		h.gotAccount(snap)
	}
}
