package middlewaretest

import (
	"net/netip"
	"sync"

	"parley/middleware"
	"parley/sip/siptest"
	"parley/storage"
)

// A Machine is a computer whose addresses a test changes, and that sleeps. Its zero
// value has the address of the phone that gets it by [Machine.Option].
type Machine struct {
	Power chan middleware.PowerEvent

	host    *siptest.Host
	changed chan struct{}
	mu      sync.Mutex
	addrs   []netip.Addr
}

// Option makes the phone run on m and listen on every address of it, on port 5060.
func (m *Machine) Option() Option {
	return func(c *middleware.Config, _ *storage.Settings) {
		m.host = c.Network.(*siptest.Host)
		m.changed, m.Power = make(chan struct{}, 1), make(chan middleware.PowerEvent)
		m.addrs = m.host.Addrs()
		c.Listen = nil
		c.Monitor = middleware.NetworkMonitor{Addrs: m.list, Changed: m.changed, Follow: true, Power: m.Power}
	}
}

func (m *Machine) list() ([]netip.Addr, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.addrs, nil
}

// Move gives the machine other addresses, or none, and tells the phone.
func (m *Machine) Move(addrs ...string) {
	m.MoveUnseen(addrs...)
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// MoveUnseen is Move without a hint from the system.
func (m *Machine) MoveUnseen(addrs ...string) {
	m.host.SetAddrs(addrs...)
	list := make([]netip.Addr, len(addrs))
	for i, a := range addrs {
		list[i] = netip.MustParseAddr(a)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addrs = list
}
