package middleware

import (
	"fmt"
	"iter"
	"strings"

	"parley/sip"
)

// A SIPAccount is what an [Account] and the [BonjourAccount] have in common. Its
// methods may be used from any goroutine and do not block.
type SIPAccount interface {
	ID() string
	Enabled() bool
	Contact() ContactURI
	Credentials() Credentials
}

// A ContactURI is where an account is reached on this machine. The user part is
// random, new at each start.
type ContactURI struct {
	Username string
	Domain   string // an address of this machine; empty while the account does not listen

	ports map[string]sip.URI // by transport
}

// String returns user@address.
func (c ContactURI) String() string {
	if c.Domain == "" {
		return c.Username
	}
	return c.Username + "@" + c.Domain
}

// URI returns the whole address for a transport, "udp", "tcp" or "tls"; ok is
// false if the account does not listen there.
func (c ContactURI) URI(transport string) (uri string, ok bool) {
	u, ok := c.ports[strings.ToLower(transport)]
	return u.String(), ok
}

// contactOf makes the contact of an endpoint, nil if there is none.
func contactOf(user string, ep *sip.Endpoint) ContactURI {
	c := ContactURI{Username: user, ports: map[string]sip.URI{}}
	if ep == nil {
		return c
	}
	for _, l := range ep.Addrs() {
		host := l.Addr.Addr().String()
		if c.Domain == "" {
			c.Domain = host
		}
		if _, has := c.ports[l.Transport]; has || host != c.Domain {
			continue
		}
		u := sip.URI{Scheme: "sip", User: user, Host: host, Port: int(l.Addr.Port())}
		if l.Transport != "udp" {
			u.Params.Set("transport", l.Transport)
		}
		c.ports[l.Transport] = u
	}
	return c
}

// Credentials are by what an account introduces itself. The password is not
// among them: it stays in the keyring.
type Credentials struct {
	DisplayName string
	URI         string // sip:user@domain
	Username    string // to sign in with
}

// String returns the name and the address as they stand in a From header.
func (c Credentials) String() string {
	if c.DisplayName == "" {
		return "<" + c.URI + ">"
	}
	return fmt.Sprintf("%q <%s>", c.DisplayName, c.URI)
}

// Username returns the part of the account's address before the "@".
func (a *Account) Username() string { return userOf(a.id) }

// Domain returns the part of the account's address behind the "@".
func (a *Account) Domain() string { return domainOf(a.id) }

// Enabled reports whether the account may be used.
func (a *Account) Enabled() bool { return a.Settings().Enabled }

// Contact returns where the account is reached on this machine.
func (a *Account) Contact() ContactURI { return contactOf(a.user, a.ep.Load()) }

// Credentials returns by what the account introduces itself, as its settings are
// now.
func (a *Account) Credentials() Credentials {
	set := a.Settings()
	c := Credentials{DisplayName: set.DisplayName, URI: "sip:" + a.id, Username: set.AuthUser}
	if c.Username == "" {
		c.Username = userOf(a.id)
	}
	return c
}

// An AccountFunction is what an account does by itself while it is enabled and
// the function's own flag is set.
type AccountFunction uint8

// The functions of an account. All but Registration are not supported in this
// version: their flags are kept, and nothing follows them.
const (
	Registration   AccountFunction = iota
	PresenceEvent                  // publish and watch presence
	DialogEvent                    // watch the account's own dialogs
	MessageSummary                 // watch for waiting messages
)

// FunctionEnabled reports whether the account performs f. For what is not
// supported in this version it returns [ErrNotSupported], with the flag as it is
// set.
func (a *Account) FunctionEnabled(f AccountFunction) (bool, error) {
	set := a.Settings()
	switch f {
	case Registration:
		return set.Enabled && set.Registration, nil
	case PresenceEvent:
		return set.Presence, ErrNotSupported
	case DialogEvent:
		return set.DialogEvent, ErrNotSupported
	}
	return set.MessageSummary, ErrNotSupported
}

// IterAccounts goes through all accounts in the order shown, and the
// [BonjourAccount] behind them.
func (m *AccountManager) IterAccounts() iter.Seq[SIPAccount] {
	return func(yield func(SIPAccount) bool) {
		for _, a := range m.GetAccounts() {
			if !yield(a) {
				return
			}
		}
		yield(m.BonjourAccount())
	}
}

// GetSIPAccount is [AccountManager.GetAccount] that also finds the
// [BonjourAccount].
func (m *AccountManager) GetSIPAccount(id string) (SIPAccount, error) {
	if CanonicalID(id) == BonjourID {
		return m.BonjourAccount(), nil
	}
	a, err := m.GetAccount(id)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// FindSIPAccount is [AccountManager.FindAccount] that also finds the
// [BonjourAccount], by its contact alone; nil if there is none.
func (m *AccountManager) FindSIPAccount(contact string) SIPAccount {
	if u, err := sip.ParseURI(contact); err == nil {
		if b := m.BonjourAccount(); b.Enabled() && b.Contact().Username == u.User {
			return b
		}
	}
	if a := m.FindAccount(contact); a != nil {
		return a
	}
	return nil
}
