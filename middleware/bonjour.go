package middleware

import (
	"sync"
	"time"

	"parley/storage"
)

// BonjourID is the id of the [BonjourAccount].
const BonjourID = "bonjour@local"

// A BonjourAccount is the one account of a machine that needs no server: it
// calls, and is called at, addresses of machines. Its calls go the way of all
// calls without an account. While it is enabled anybody who knows the machine may
// call; it does not tell the network that it is there.
//
// Its settings are those for calls without an account: calls.direct_calls enables
// it, general.user_name is its display name. Its methods may be used from any
// goroutine and do not block.
type BonjourAccount struct {
	app *SIPApplication

	mu      sync.Mutex // guards what follows, and the order in which changes are told
	started bool
	active  bool
	rev     uint64
}

// BonjourSettings is what can be set of the [BonjourAccount].
type BonjourSettings struct {
	Enabled     bool
	DisplayName string
}

// BonjourAccount returns the application's one BonjourAccount. It is not among
// [AccountManager.GetAccounts].
func (m *AccountManager) BonjourAccount() *BonjourAccount {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bonjour == nil {
		m.bonjour = &BonjourAccount{app: m.app}
	}
	return m.bonjour
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
	return BonjourSettings{Enabled: s.Calls.DirectCalls, DisplayName: s.General.UserName}
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

// Change saves changed settings, which the account then follows.
func (b *BonjourAccount) Change(change func(*BonjourSettings) error) error {
	return b.app.ChangeSettings(func(s *Settings) error {
		set := bonjourOf(*s)
		if err := change(&set); err != nil {
			return err
		}
		s.Calls.DirectCalls, s.General.UserName = set.Enabled, set.DisplayName
		return nil
	})
}

// start and stop are called by the account manager.
func (b *BonjourAccount) start() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.started = true
	b.followLocked()
}

func (b *BonjourAccount) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.started = false
	b.followLocked()
}

// follow tells of changed settings and does what they say.
func (b *BonjourAccount) follow(was, is BonjourSettings) {
	if was == is {
		return
	}
	m := map[string]Modified{}
	if was.Enabled != is.Enabled {
		m["enabled"] = Modified{Old: was.Enabled, New: is.Enabled}
	}
	if was.DisplayName != is.DisplayName {
		m["display_name"] = Modified{Old: was.DisplayName, New: is.DisplayName}
	}
	b.app.bus.Publish(CFGSettingsObjectDidChange{Object: BonjourID, Modified: m})
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
}
