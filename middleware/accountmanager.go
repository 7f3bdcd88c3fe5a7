package middleware

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"parley/sip"
	"parley/storage"
)

var (
	// ErrNoSuchAccount is returned for an id that names no account.
	ErrNoSuchAccount = errors.New("middleware: there is no such account")
	// ErrAccountExists is returned for a new account whose id is taken.
	ErrAccountExists = errors.New("middleware: there is an account with this address already")
)

// AccountSettings is what can be set of an account, but for its password. It is
// a plain value; changing a copy changes nothing else.
type AccountSettings = storage.Account

// NewAccountSettings returns the settings of a new account with that address,
// with defaults for all else.
func NewAccountSettings(id string) AccountSettings { return storage.NewAccount(id) }

// AccountManager loads the accounts and keeps track of them. Its methods may be
// used from any goroutine.
type AccountManager struct {
	app *SIPApplication

	mu       sync.Mutex // guards what follows
	accounts []*Account // in the order shown
	started  bool
	standard string          // id of the default account as last told
	reserved map[string]bool // canonical ids of accounts being made or removed
	bonjour  *BonjourAccount // nil before it is asked for
}

// listenTime bounds how long the start waits for accounts to listen.
const listenTime = 2 * time.Second

// start loads and starts all accounts, and waits until they can call or have
// failed to listen. It does not wait for registrars.
func (m *AccountManager) start() {
	set := m.app.settings.Get()
	m.mu.Lock()
	m.started = true
	for _, a := range set.Accounts {
		m.accounts = append(m.accounts, newAccount(m.app, a))
	}
	list := slices.Clone(m.accounts)
	m.mu.Unlock()
	m.noteDefault()
	m.BonjourAccount().start()
	for _, a := range list {
		m.app.bus.Publish(SIPAccountManagerDidAddAccount{AboutAccount: a.about()})
		a.start()
	}
	late := time.After(listenTime)
	for _, a := range list {
		ready := make(chan struct{})
		a.queue.Put(func() { close(ready) }) // behind its activation
		select {
		case <-ready:
		case <-late:
			return
		}
	}
}

// stop deactivates all accounts, side by side. Each is bounded in time, and ctx
// bounds them all.
func (m *AccountManager) stop(ctx context.Context) {
	m.mu.Lock()
	m.started = false
	list := slices.Clone(m.accounts)
	m.mu.Unlock()
	var wg sync.WaitGroup
	for _, a := range list {
		wg.Go(func() { a.stop(ctx) })
	}
	wg.Wait()
	m.BonjourAccount().stop(ctx)
}

// HasAccount reports whether there is an account with that id.
func (m *AccountManager) HasAccount(id string) bool {
	_, err := m.GetAccount(id)
	return err == nil
}

// GetAccount returns the account with that id, or ErrNoSuchAccount.
func (m *AccountManager) GetAccount(id string) (*Account, error) {
	id = CanonicalID(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.accounts {
		if CanonicalID(a.id) == id { // a profile's may be written otherwise
			return a, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", ErrNoSuchAccount, sip.CleanText(id, 120))
}

// GetAccounts returns all accounts in the order shown.
func (m *AccountManager) GetAccounts() []*Account {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.accounts)
}

// Snapshots returns the snapshots of all accounts in the order shown.
func (m *AccountManager) Snapshots() []AccountSnapshot {
	accounts := m.GetAccounts()
	list := make([]AccountSnapshot, len(accounts))
	for i, a := range accounts {
		list[i] = a.Snapshot()
	}
	return list
}

// DefaultAccount returns the account for outgoing calls: the chosen one if it
// is enabled, else the first enabled one, else nil.
func (m *AccountManager) DefaultAccount() *Account {
	set := m.app.settings.Get()
	id := defaultOf(set)
	if id == "" {
		return nil
	}
	a, _ := m.GetAccount(id)
	return a
}

func defaultOf(set storage.Settings) string {
	if a := set.Account(set.DefaultAccount); a != nil && a.Enabled {
		return a.ID
	}
	for _, a := range set.Accounts {
		if a.Enabled {
			return a.ID
		}
	}
	return ""
}

func (m *AccountManager) isDefault(id string) bool { return defaultOf(m.app.settings.Get()) == id }

// SetDefaultAccount chooses the account for outgoing calls.
func (m *AccountManager) SetDefaultAccount(id string) error {
	a, err := m.GetAccount(id)
	if err != nil {
		return err
	}
	err = m.app.change(func(s *storage.Settings) error {
		s.DefaultAccount = a.id
		return nil
	})
	if err == nil {
		m.noteDefault()
	}
	return err
}

// noteDefault tells when another account became the default.
func (m *AccountManager) noteDefault() {
	m.mu.Lock()
	defer m.mu.Unlock() // also of the order in which two changes are told
	old, now := m.standard, defaultOf(m.app.settings.Get())
	m.standard = now
	if old != now {
		m.app.bus.Publish(SIPAccountManagerDidChangeDefaultAccount{OldAccount: old, Account: now})
	}
}

// AddAccount makes an account and starts it. The password, if not empty, is
// kept in the keyring first: ctx bounds how long the person may take to unlock
// it. Errors name the field that is wrong.
func (m *AccountManager) AddAccount(ctx context.Context, set AccountSettings, password string) (*Account, error) {
	set.ID = CanonicalID(set.ID)
	if err := checkID(set.ID); err != nil {
		return nil, err
	}
	if set.ID == BonjourID || !m.reserve(set.ID) {
		return nil, fmt.Errorf("%w: %s", ErrAccountExists, set.ID)
	}
	defer m.unreserve(set.ID)
	if m.HasAccount(set.ID) {
		return nil, fmt.Errorf("%w: %s", ErrAccountExists, set.ID)
	}
	if password != "" {
		if err := m.app.secrets.Set(ctx, set.ID, password); err != nil {
			return nil, fmt.Errorf("middleware: password of %s: %w", set.ID, err)
		}
	}
	err := m.app.change(func(s *storage.Settings) error {
		s.Accounts = append(s.Accounts, set)
		return nil
	})
	if err != nil {
		if password != "" {
			err = errors.Join(err, m.app.secrets.Delete(ctx, set.ID))
		}
		return nil, err
	}
	a := newAccount(m.app, set)
	m.mu.Lock()
	m.accounts = append(m.accounts, a)
	started := m.started
	m.mu.Unlock()
	m.noteDefault()
	m.app.bus.Publish(SIPAccountManagerDidAddAccount{AboutAccount: a.about()})
	if started {
		a.start()
	}
	return a, nil
}

// reserve keeps others from making or removing the account with that id, while
// the keyring or a registrar is waited for; it reports whether that was free.
func (m *AccountManager) reserve(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.reserved[id] {
		return false
	}
	if m.reserved == nil {
		m.reserved = map[string]bool{}
	}
	m.reserved[id] = true
	return true
}

func (m *AccountManager) unreserve(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.reserved, id)
}

// RemoveAccount deletes an account, ends its calls, unregisters it and deletes
// its password. If the settings cannot be saved it stays as it is. RemoveAccount
// blocks for as long as the registrar and the far ends may take, a few seconds
// at most, or until ctx ends.
func (m *AccountManager) RemoveAccount(ctx context.Context, id string) error {
	a, err := m.GetAccount(id)
	if err != nil {
		return err
	}
	if !m.reserve(CanonicalID(a.id)) {
		return fmt.Errorf("%w: %q", ErrNoSuchAccount, a.id) // it is being removed
	}
	defer m.unreserve(CanonicalID(a.id))
	err = m.app.change(func(s *storage.Settings) error {
		if !s.RemoveAccount(a.id) {
			return fmt.Errorf("%w: %q", ErrNoSuchAccount, a.id)
		}
		return nil
	})
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.accounts = slices.DeleteFunc(m.accounts, func(o *Account) bool { return o == a })
	started := m.started
	m.mu.Unlock()
	if started {
		a.stop(ctx)
	}
	m.noteDefault()
	m.app.bus.Publish(SIPAccountManagerDidRemoveAccount{AboutAccount: a.about()})
	if err := m.app.secrets.Delete(ctx, a.id); err != nil {
		return fmt.Errorf("middleware: password of %s: %w", a.id, err)
	}
	return nil
}

// ChangeAccount saves changed settings of an account, which then follows them.
// The account's id cannot be changed.
func (m *AccountManager) ChangeAccount(id string, change func(*AccountSettings) error) error {
	a, err := m.GetAccount(id)
	if err != nil {
		return err
	}
	err = m.app.change(func(s *storage.Settings) error {
		set := s.Account(a.id)
		if set == nil {
			return fmt.Errorf("%w: %q", ErrNoSuchAccount, a.id)
		}
		if err := change(set); err != nil {
			return err
		}
		set.ID = a.id
		return nil
	})
	if err != nil {
		return err
	}
	m.noteDefault()
	a.queue.Put(a.apply)
	return nil
}

// SetPassword keeps a new password and registers with it.
func (m *AccountManager) SetPassword(ctx context.Context, id, password string) error {
	a, err := m.GetAccount(id)
	if err != nil {
		return err
	}
	if err := m.app.secrets.Set(ctx, a.id, password); err != nil {
		return fmt.Errorf("middleware: password of %s: %w", a.id, err)
	}
	a.Reregister()
	return nil
}

// FindAccount returns the enabled account that a request to contact is for: the
// one with that random contact user, else the one with that address, else that
// user name; nil if there is none.
func (m *AccountManager) FindAccount(contact string) *Account {
	u, err := sip.ParseURI(contact)
	if err != nil {
		return nil
	}
	tests := []func(*Account) bool{
		func(a *Account) bool { return a.user == u.User },
		func(a *Account) bool { return CanonicalID(a.id) == CanonicalID(u.User+"@"+u.Host) },
		func(a *Account) bool { return userOf(a.id) == u.User },
	}
	for _, match := range tests {
		for _, a := range m.GetAccounts() {
			if a.Enabled() && match(a) {
				return a
			}
		}
	}
	return nil
}

// CanonicalID returns the id of the account with that address: without "sip:" or
// "sips:" in front, and with the domain in lower case. Accounts whose canonical
// ids are the same are one account.
func CanonicalID(address string) string {
	id := strings.TrimSpace(address)
	for _, scheme := range []string{"sip:", "sips:"} {
		if len(id) >= len(scheme) && strings.EqualFold(id[:len(scheme)], scheme) {
			id = id[len(scheme):]
			break
		}
	}
	user, domain, found := strings.Cut(id, "@")
	if !found {
		return id
	}
	return user + "@" + strings.ToLower(domain)
}
