package middleware

import (
	"cmp"
	"context"
	"os/user"
	"strings"
	"sync"
	"time"

	"parley/storage"
)

// BonjourID is the id of the [BonjourAccount].
const BonjourID = "bonjour@local"

// A BonjourAccount is the one account of a machine that needs no server. While it
// is enabled it tells the local network where it can be called, by multicast DNS,
// and finds others who do: its neighbours. Anybody there who knows its contact may
// call, unless the settings say otherwise. Between two Parleys everything is
// encrypted, and each knows the other again by its key.
//
// Its methods may be used from any goroutine and do not block.
type BonjourAccount struct {
	app    *SIPApplication
	hood   *neighbourhood
	lan    *lan
	person string // the system's name of the person

	strangers callBudget

	mu      sync.Mutex // guards what follows, and the order in which changes are told
	started bool
	active  bool
	rev     uint64
}

// BonjourSettings is what can be set of the [BonjourAccount].
type BonjourSettings struct {
	Enabled     bool
	DisplayName string        // empty: the person's name, or else the system's
	Note        string        // a line that neighbours see, at most 200 bytes
	CallsFrom   CallsFrom     // who of the local network may call
	PacketTime  time.Duration // length of a packet sent to another Parley there
}

// CallsFrom says who of the local network may call.
type CallsFrom = string

// The callers that may be let in.
const (
	CallsFromEveryone   CallsFrom = storage.CallsFromEveryone
	CallsFromNeighbours CallsFrom = storage.CallsFromNeighbours // who is on the list now
	CallsFromKnown      CallsFrom = storage.CallsFromKnown      // whose key is remembered
)

// BonjourAccount returns the application's one BonjourAccount. It is not among
// [AccountManager.GetAccounts].
func (m *AccountManager) BonjourAccount() *BonjourAccount {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bonjour == nil {
		m.bonjour = newBonjourAccount(m.app)
	}
	return m.bonjour
}

func newBonjourAccount(app *SIPApplication) *BonjourAccount {
	b := &BonjourAccount{app: app, person: systemUser()}
	id := instanceIDOf(app.instance)
	if id == "" {
		id = randomLetters(32) // better than none, which some programs cannot bear
	}
	log := app.log.With("sub", "bonjour")
	b.hood = newNeighbourhood(log, app.bus, app.config.Profile.Neighbours(), id)
	b.lan = newLAN(b, log, id)
	b.hood.changed = b.lan.refresh
	return b
}

// ID returns [BonjourID].
func (b *BonjourAccount) ID() string { return BonjourID }

// Username returns the part of the id before the "@".
func (b *BonjourAccount) Username() string { return userOf(BonjourID) }

// Domain returns the part of the id behind the "@".
func (b *BonjourAccount) Domain() string { return domainOf(BonjourID) }

// Settings returns the settings.
func (b *BonjourAccount) Settings() BonjourSettings { return bonjourOf(b.app.settings.Get()) }

func bonjourOf(s storage.Settings) BonjourSettings {
	return BonjourSettings{
		Enabled: s.Bonjour.Enabled, DisplayName: s.Bonjour.DisplayName, Note: s.Bonjour.Note,
		CallsFrom: s.Bonjour.CallsFrom, PacketTime: s.Bonjour.PacketTime,
	}
}

// Enabled reports whether the account may be used.
func (b *BonjourAccount) Enabled() bool { return b.Settings().Enabled }

// Active reports whether the account is enabled and the application runs.
func (b *BonjourAccount) Active() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.active
}

// Contact returns where the account is reached on this machine.
func (b *BonjourAccount) Contact() ContactURI {
	if b.app.local == nil {
		return ContactURI{}
	}
	return contactOf(b.app.local.user, b.app.local.Endpoint)
}

// Credentials returns by what the account introduces itself: its display name
// and contact. It signs in nowhere.
func (b *BonjourAccount) Credentials() Credentials {
	c := b.Contact()
	return Credentials{DisplayName: b.Settings().DisplayName, URI: "sip:" + c.String(), Username: c.Username}
}

// Snapshot returns all that is known of the account now.
func (b *BonjourAccount) Snapshot() BonjourSnapshot { return *b.lan.snap.Load() }

// Neighbours returns who is on the local network, in the order of their titles.
func (b *BonjourAccount) Neighbours() []Neighbour {
	now := b.hood.now.Load()
	list := make([]Neighbour, len(now.list))
	for i, f := range now.list {
		list[i] = f.Neighbour
	}
	return list
}

// Neighbour returns the neighbour with that id, and whether it is there.
func (b *BonjourAccount) Neighbour(id string) (Neighbour, bool) {
	if f := b.hood.get(id); f != nil {
		return f.Neighbour, true
	}
	return Neighbour{}, false
}

// FindNeighbour returns whom a text means: an id, a target, a title or a name, the
// last two without regard to case. The error is [ErrNoNeighbour], or
// [ErrManyNeighbours] with their titles.
func (b *BonjourAccount) FindNeighbour(text string) (Neighbour, error) {
	f, err := b.hood.find(text)
	if err != nil {
		return Neighbour{}, err
	}
	return f.Neighbour, nil
}

// ForgetNeighbour drops the key that is remembered of a neighbour; the one that is
// shown at the next call is then remembered anew. The neighbour need not be there
// now. The error is [ErrNoNeighbour], or that of saving.
func (b *BonjourAccount) ForgetNeighbour(id string) error { return b.hood.forget(id) }

// displayName is what neighbours see.
func (b *BonjourAccount) displayName() string {
	set := b.app.settings.Get()
	return cmp.Or(set.Bonjour.DisplayName, set.General.UserName, b.person)
}

// title is how the lists of neighbours show us.
func (b *BonjourAccount) title() string {
	return Neighbour{Name: b.displayName(), Host: machineOf(b.app.config.HostName)}.Title()
}

// systemUser is the name that the system has of the person.
func systemUser() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	_, plain, found := strings.Cut(u.Username, `\`) // of a Windows domain
	if !found {
		plain = u.Username
	}
	return cmp.Or(u.Name, plain)
}

// start and stop are called by the account manager.
func (b *BonjourAccount) start() {
	b.lan.start()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.started = true
	b.followLocked()
}

// leave says goodbye to the network before anything else ends.
func (b *BonjourAccount) leave() { b.lan.quit() }

func (b *BonjourAccount) stop(ctx context.Context) {
	b.mu.Lock()
	began := b.started
	b.started = false
	b.followLocked()
	b.mu.Unlock()
	if began {
		b.lan.stop(ctx)
	}
	b.hood.close()
}

// follow tells of changed settings and does what they say.
func (b *BonjourAccount) follow(was, is BonjourSettings) {
	defer b.lan.refresh() // the name may come from elsewhere
	if was == is {
		return
	}
	b.app.bus.Publish(CFGSettingsObjectDidChange{Object: BonjourID, Modified: modifiedBonjour(was, is)})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.followLocked()
}

func (b *BonjourAccount) followLocked() {
	set := b.Settings()
	active := b.started && set.Enabled
	if active == b.active {
		return
	}
	b.active = active
	b.rev++
	about := AboutAccount{Account: BonjourID, At: time.Now(), Now: AccountSnapshot{
		ID: BonjourID, Rev: b.rev, DisplayName: set.DisplayName, Enabled: set.Enabled, Active: active,
	}}
	if active {
		b.app.bus.Publish(SIPAccountDidActivate{AboutAccount: about})
	} else {
		b.app.bus.Publish(SIPAccountDidDeactivate{AboutAccount: about})
	}
	b.lan.refresh()
}
