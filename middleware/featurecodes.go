package middleware

import (
	"errors"
	"fmt"
	"strings"

	"parley/sip"
)

// ErrNoFeatureCode is returned where the account's settings have no code for
// what is asked for.
var ErrNoFeatureCode = errors.New("middleware: the account has no code for that")

// maxSlot bounds what stands behind a feature code, in bytes.
const maxSlot = 64

// Pickup takes a call that rings at another extension, by the account's pickup
// code. An empty account is the default one; without an extension the code alone
// is dialed, which servers take as the person's group.
func (m *SessionManager) Pickup(account, extension string) (*Session, error) {
	return m.dialCode(account, extension, func(a AccountSettings) string { return a.PickupCode })
}

// Unpark takes a parked call out of its slot, by the account's code for that.
func (m *SessionManager) Unpark(account, slot string) (*Session, error) {
	return m.dialCode(account, slot, func(a AccountSettings) string { return a.UnparkCode })
}

func (m *SessionManager) dialCode(account, rest string, code func(AccountSettings) string) (*Session, error) {
	a := m.app.accounts.DefaultAccount()
	if account != "" {
		var err error
		if a, err = m.app.accounts.GetAccount(account); err != nil {
			return nil, err
		}
	}
	if a == nil {
		return nil, ErrNoAccount
	}
	target, err := codeTarget(a, code(a.Settings()), rest)
	if err != nil {
		return nil, err
	}
	return m.Dial(DialRequest{Target: target, Account: a.id})
}

// Park leaves the call with the account's server, in a slot if one is named, by
// transferring it to the account's code for that.
func (s *Session) Park(slot string) error {
	id := s.Snapshot().Account
	if id == "" {
		return fmt.Errorf("%w: a direct call has no account", ErrNoFeatureCode)
	}
	a, err := s.m.app.accounts.GetAccount(id)
	if err != nil {
		return err
	}
	target, err := codeTarget(a, a.Settings().ParkCode, slot)
	if err != nil {
		return err
	}
	return s.Transfer(target)
}

// codeTarget is the address of a feature code at the account's server. Being
// whole, it is left alone by dial rules, which are for numbers of people.
func codeTarget(a *Account, code, rest string) (string, error) {
	rest = strings.TrimSpace(rest)
	switch {
	case code == "":
		return "", fmt.Errorf("%w: %s", ErrNoFeatureCode, a.id)
	case len(rest) > maxSlot || strings.ContainsFunc(rest, notOfACode):
		return "", fmt.Errorf("%w: %q is no extension", ErrNoTarget, sip.CleanText(rest, 80))
	}
	return sip.URI{Scheme: "sip", User: code + rest, Host: domainOf(a.id)}.String(), nil
}

// notOfACode reports whether r cannot be part of an extension or slot.
func notOfACode(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	return !letter && (r < '0' || r > '9') && !strings.ContainsRune("*#+-_.", r)
}
