package main

import (
	"context"
	"fmt"

	"parley/middleware"
	"parley/storage"
)

// savedAccounts are the accounts in the files of a profile that no Parley uses.
type savedAccounts struct{ p *storage.Profile }

func (s savedAccounts) close() {
	// Everything was written when it was changed.
	_ = s.p.Close()
}

func (s savedAccounts) list(context.Context) ([]accountLine, error) {
	set := s.p.Settings().Get()
	var lines []accountLine
	for _, a := range set.Accounts {
		state := "enabled"
		if !a.Enabled {
			state = "disabled"
		}
		lines = append(lines, accountLine{id: a.ID, state: state, isDefault: set.DefaultAccount == a.ID})
	}
	return lines, nil
}

func (s savedAccounts) add(ctx context.Context, id string, pairs [][2]string, password string) error {
	a := storage.NewAccount(id)
	if err := setPairs(&a, pairs); err != nil {
		return err
	}
	err := s.change(func(set *storage.Settings) error {
		if find(set, id) != nil {
			return fmt.Errorf("there is an account %s already; 'phone account edit' changes it", id)
		}
		set.Accounts = append(set.Accounts, a)
		return nil
	})
	if err != nil || password == "" {
		return err
	}
	if err := s.p.Secrets().Set(ctx, id, password); err != nil {
		// An account without its password would only fail later.
		_ = s.change(func(set *storage.Settings) error { set.RemoveAccount(id); return nil })
		return err
	}
	return nil
}

func (s savedAccounts) edit(_ context.Context, id string, pairs [][2]string) error {
	return s.change(func(set *storage.Settings) error {
		a := find(set, id)
		if a == nil {
			return noSuchAccount(id)
		}
		return setPairs(a, pairs)
	})
}

func (s savedAccounts) remove(ctx context.Context, id string) error {
	err := s.change(func(set *storage.Settings) error {
		a := find(set, id)
		if a == nil {
			return noSuchAccount(id)
		}
		id = a.ID
		set.RemoveAccount(id)
		return nil
	})
	if err != nil {
		return err
	}
	return s.p.Secrets().Delete(ctx, id)
}

func (s savedAccounts) makeDefault(_ context.Context, id string) error {
	return s.change(func(set *storage.Settings) error {
		a := find(set, id)
		if a == nil {
			return noSuchAccount(id)
		}
		set.DefaultAccount = a.ID
		return nil
	})
}

func (s savedAccounts) setPassword(ctx context.Context, id, password string) error {
	set := s.p.Settings().Get()
	a := find(&set, id)
	if a == nil {
		return noSuchAccount(id)
	}
	return s.p.Secrets().Set(ctx, a.ID, password)
}

// find returns the account with that canonical id, however the profile writes
// it, or nil.
func find(set *storage.Settings, id string) *storage.Account {
	for i := range set.Accounts {
		if middleware.CanonicalID(set.Accounts[i].ID) == id {
			return &set.Accounts[i]
		}
	}
	return nil
}

// change saves what f changes, unless f refuses.
func (s savedAccounts) change(f func(*storage.Settings) error) error {
	_, _, err := middleware.UpdateSettings(s.p.Settings(), f)
	return err
}

func setPairs(a *storage.Account, pairs [][2]string) error {
	for _, p := range pairs {
		k, err := storage.FindKey(storage.AccountKeys(), p[0])
		if err != nil {
			return err
		}
		if err := k.Set(a, p[1]); err != nil {
			return err
		}
	}
	return nil
}

func noSuchAccount(id string) error {
	return fmt.Errorf("there is no account %q; 'phone account list' shows them", id)
}
